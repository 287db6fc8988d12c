"""A play's own account: who does what to whom, what is written down, and what a body and a file may say."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from simulator import neighbourhood, scenario
from simulator.ledger import FAULTS_KEPT, Call, Ledger
from simulator.neighbourhood import Console, Device, Endpoint, FamilyApp, HomeGateway, Neighbourhood, Resident
from simulator.physiology import Body, Constitution, Doing
from simulator.play import Play
from simulator.scenario import Event, NowAndThen, Plays, Scenario, ScenarioError, What
from tests.patience import PATIENCE_S

WATCH = Device(kind="watch", address="carehub:w-1", name="w-1")
OLD_WATCH = Device(kind="watch3g", address="watch3g:88", name="88")
DOOR = Device(kind="zigbee", address="z2m:home7/门", name="门", base="home7", model="MCCGQ11LM")
SMOKE = Device(kind="zigbee", address="z2m:home7/厨房", name="厨房", base="home7", model="TS0205")
NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
NOWHERE = Endpoint("127.0.0.1", 1)
PLACE = Neighbourhood(
    listener=NOWHERE,
    gateway=NOWHERE,
    console_url="http://127.0.0.1:1",
    family_app=FamilyApp("127.0.0.1", 1, "a key"),
    residents=(
        Resident("王秀兰", (38.5, 106.2), (WATCH,)),
        Resident("李国庆", (38.5, 106.2), (DOOR, SMOKE)),
        Resident("马桂英", (38.5, 106.2), (OLD_WATCH,)),
    ),
    gateways=(HomeGateway("7", "home7", "home-7", "x"),),
    responders=(),
    consoles=(Console(1, "admin", "a", "x"), Console(5, "operator", "li", "x")),
)
QUIET = Scenario(title="x", operator=Plays.BROWSER, events=(), people={})


def play(place: Neighbourhood = PLACE, what: Scenario = QUIET) -> Play:
    made = Play(place, what, Ledger(), 7)
    made._populate()
    return made


def test_residents_have_their_own_devices_and_a_home_has_all_of_its() -> None:
    made = play()
    assert list(made.watches) == ["王秀兰"]
    assert list(made.watches3g) == ["马桂英"]
    assert [device.name for device in made.homes["李国庆"].devices] == ["门", "厨房"]
    assert made.operator is None


def test_simulated_operator_signs_in_as_an_operator() -> None:
    async def person() -> int:
        made = play(what=replace(QUIET, operator=Plays.SIMULATED))
        assert made.operator is not None
        await made.operator.client.aclose()
        return made.operator.person

    assert asyncio.run(person()) == 5


def test_device_nobody_simulates_is_refused_by_its_address() -> None:
    stranger = Resident("x", (0, 0), (Device(kind="bed", address="bed:1", name="1"),))
    with pytest.raises(ValueError, match="bed:1: no device of kind bed"):
        play(msgspec.structs.replace(PLACE, residents=(stranger,)))


@pytest.mark.parametrize(
    ("what", "able"),
    [
        (What.FALLS, ["王秀兰"]),
        (What.BREATHLESS, ["王秀兰"]),
        (What.SMOKE, ["李国庆"]),
        (What.OPENS_DOOR, ["李国庆"]),
    ],
)
def test_what_happens_now_and_then_happens_to_who_has_the_device(what: What, able: list[str]) -> None:
    made = play()
    assert [resident.name for resident in PLACE.residents if made._can(resident.name, what)] == able


def test_thing_that_cannot_happen_is_a_fault_and_the_play_goes_on() -> None:
    async def evening() -> list[str]:
        falls = (Event(at_s=0, who=who, what=What.FALLS) for who in ("马桂英", "nobody"))
        made = play(what=replace(QUIET, events=tuple(falls), at_most_s=5.0))
        await asyncio.wait_for(made._events(), PATIENCE_S)
        return made.ledger.faults

    faults = asyncio.run(evening())
    assert [fault.split(" ", 1)[1] for fault in faults] == [
        "马桂英 falls: KeyError('马桂英')", "nobody falls: KeyError('nobody')",
    ]  # fmt: skip


def test_two_people_do_not_fall_the_same_fall() -> None:
    made = play()
    one, other = (made._rng(Event(at_s=0, who=who, what=What.FALLS)).random(4) for who in ("王秀兰", "李国庆"))
    again = made._rng(Event(at_s=9, who="王秀兰", what=What.FALLS)).random(4)
    assert not np.array_equal(one, other)
    assert np.array_equal(one, again)


def test_neighbourhood_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "neighbourhood.json"
    path.write_bytes(msgspec.json.encode(PLACE))
    assert neighbourhood.read(path) == PLACE
    path.write_bytes(msgspec.json.encode(PLACE).replace(b'"port":1', b'"port":"x"', 1))
    with pytest.raises(msgspec.ValidationError, match="port"):
        neighbourhood.read(path)


def test_first_acknowledgement_of_a_press_is_the_one_that_counts(tmp_path: Path) -> None:
    ledger = Ledger(scenario="x", seed=7)
    press, unheard = ledger.press("carehub:w-1", "王秀兰", "sos", "sos:1"), ledger.press("d", "r", "sos", None)
    ledger.press_saved(press)
    first = (press.saved_at, press.saved_ms)
    ledger.press_saved(press)
    assert (press.saved_at, press.saved_ms) == first
    ledger.press_heard(press)
    ledger.write(tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [entry["heard_at"] is None for entry in report["presses"]] == [False, True]
    assert report["saved_ms"]["n"] == report["heard_ms"]["n"] == 1
    assert unheard.saved_at is None
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_play_in_which_nothing_was_acknowledged_has_no_times() -> None:
    assert Ledger().report()["saved_ms"] is None


def test_copy_of_a_page_is_counted_and_is_no_second_call() -> None:
    ledger = Ledger()
    call = Call(page=3, incident=7, person=10, role="family", channel="mqtt", purpose="alarm", at="")
    assert ledger.called(call)
    assert not ledger.called(replace(call, at="later"))
    assert (ledger.calls[3].copies, ledger.calls[3].at) == (2, "")


def test_hub_that_is_away_all_night_does_not_fill_the_report() -> None:
    ledger = Ledger()
    for number in range(10 * FAULTS_KEPT):
        ledger.fault(f"attempt {number:04d} failed")
    assert len(ledger.faults) == FAULTS_KEPT


def test_breath_comes_back_when_the_scenario_lets_it() -> None:
    body = Body("5", Constitution(spo2_pct=96.5))
    body.breathless = True
    worst = [body.live(NOON + timedelta(minutes=m)).spo2_pct for m in range(10)][-1]
    body.breathless = False
    later = [body.live(NOON + timedelta(minutes=m)).spo2_pct for m in range(10, 60)]
    known = [value for value in later[20:] if value is not None]
    assert worst is None or worst < 91
    assert min(known) >= 94


def test_frail_resident_walks_less_and_breath_is_counted_in_sleep_only() -> None:
    day = [NOON + timedelta(minutes=m) for m in range(24 * 60)]
    spry, frail = ([Body("3", Constitution(frailty=f)).live(at) for at in day] for f in (0.0, 1.0))
    assert sum(m.steps for m in frail) < sum(m.steps for m in spry)
    assert not [m for m in frail if m.doing is Doing.WALKING]
    assert all((m.respiration_rpm is not None) == (m.doing is Doing.ASLEEP) for m in spry)


EVENING = """\
title = "x"
operator = "whoever is at the browser"

[[now_and_then]]
about_every = "5m"
what = ["falls"]
"""


def test_what_keeps_happening_is_read_and_played_quicker() -> None:
    evening = scenario.read(EVENING, "evening.toml").at_speed(10)
    assert evening.now_and_then == (NowAndThen(about_every_s=30.0, what=(What.FALLS,)),)
    assert (evening.at_most_s, evening.vitals_every_s) == (None, 6.0)


@pytest.mark.parametrize(
    ("wrong", "right", "line"),
    [
        ('what = ["falls"]', 'what = "falls"', 6),
        ('what = ["falls"]', "what = []", 6),
        ('what = ["falls"]', 'what = ["falls", "flies"]', 6),
        ('about_every = "5m"\n', "", 4),
        ('about_every = "5m"', 'about_every = "-5m"', 5),
        ('about_every = "5m"', 'often = "5m"', 5),
        ("[[now_and_then]]", "[now_and_then]", 4),
    ],
)
def test_mistake_in_what_keeps_happening_is_told_in_its_line(wrong: str, right: str, line: int) -> None:
    with pytest.raises(ScenarioError) as told:
        scenario.read(EVENING.replace(wrong, right), "evening.toml")
    assert told.value.line == line
