"""How long devices may be silent, when a gateway is lost, when a battery will be flat, who has to press twice."""

from datetime import date, timedelta

import numpy as np
import pytest

from alerts.supervision import CLASSES, class_of, deadline_s
from alerts.supervision_attempts import Attempts, league, wilson
from alerts.supervision_battery import Day, Forecast, Verdict, due_by, forecast
from alerts.supervision_gateways import Members, lost, offline_too_long
from devices.registry import ADAPTERS

MONDAY = date(2026, 11, 16)
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("address", "model", "name", "deadline"),
    [
        ("watch3g:8800000015", "", "watch", 900),
        ("carehub:w-1", "CW-1", "watch", 900),
        ("carehub:b-1", "call-button", "call_button", 90_000),
        ("gt06:868120000000011", "watch", "pendant", 18_000),
        ("z2m:home7/zigbee2mqtt/SOS", "TS0215A", "call_button", 90_000),
        ("z2m:home7/zigbee2mqtt/plug", "TS011F", "sensor", 90_000),
        ("z2m:home7/zigbee2mqtt/bridge", "", "gateway", 0),
        ("lorawan:24e124136c000001", "Milesight WS101", "call_button", 90_000),
        ("lorawan:70b3d50000000001", "netvox R718WB", "lorawan_often", 14_400),
        ("lorawan:70b3d50000000001", "", "lorawan", 90_000),
        ("tasmota:hall/rf/7AB1F8", "", "one_way", 0),
        ("tasmota:hall", "", "wifi", 900),
        ("ble:aabbccddeeff", "", "on_use", 0),
        ("radar:r-1", "", "radar", 600),
        ("nobody:knows", "", "unknown", 0),
    ],
)
def test_device_is_missed_by_its_class(address: str, model: str, name: str, deadline: int) -> None:
    assert class_of(address, model).name == name
    assert deadline_s(address, model) == deadline


def test_what_was_written_for_one_device_goes_before_its_class() -> None:
    assert deadline_s("watch3g:1", own=60) == 60
    assert deadline_s("watch3g:1", own=0) == 0


def test_every_grammar_has_a_class_or_says_that_it_has_none() -> None:
    general = {"ha", "json", "cnthing", "helmet"}  # whatever speaks them may be anything
    unknown = {a.scheme for a in ADAPTERS if class_of(f"{a.scheme}:x").name == "unknown"}
    assert unknown <= general
    assert all(one.zh and one.en and one.why for one in CLASSES.values())


def members(quiet_h: list[float], deadline_h: float = 24, found_h: list[float] | None = None) -> Members:
    """Devices behind one gateway; `found_h`: so long ago each was found silent."""
    count = len(quiet_h)
    return Members(
        rows=np.arange(count), quiet_ms=(np.array(quiet_h) * HOUR).astype(np.int64),
        deadline_ms=np.full(count, int(deadline_h * HOUR)),
        found_ms=np.array([100 * HOUR - int(h * HOUR) if h else 0 for h in found_h or [0.0] * count], np.int64),
    )  # fmt: skip


def test_gateway_whose_devices_have_all_gone_is_lost_at_the_first_deadline() -> None:
    assert lost(members([24.1, 23.5, 22.0, 19.0]), 100 * HOUR)


def test_one_silent_device_among_those_that_speak_is_alone() -> None:
    assert not lost(members([24.1, 3.0, 1.0, 0.1]), 100 * HOUR)


def test_two_devices_are_too_few_to_blame_their_gateway() -> None:
    assert not lost(members([24.1, 24.1]), 100 * HOUR)


def test_third_device_found_silent_within_two_hours_blames_the_gateway() -> None:
    told = [24.1, 25.0, 25.5, 2.0, 1.0]
    assert lost(members(told, found_h=[0, 0.9, 1.4, 0, 0]), 100 * HOUR)
    assert not lost(members(told, found_h=[0, 5, 30, 0, 0]), 100 * HOUR), "those broke on other days"


def test_gateway_that_restarts_has_three_minutes() -> None:
    assert not offline_too_long(0, 180_000)
    assert offline_too_long(0, 180_001)


def falling(*levels: float, first: date = MONDAY, charged: int | None = None) -> Forecast:
    return forecast(
        [Day(day=first + timedelta(days=n), level_pct=level, charged=n == charged) for n, level in enumerate(levels)]
    )


def test_battery_that_falls_by_two_a_day_is_flat_when_five_is_reached() -> None:
    told = falling(*range(60, 40, -2))
    assert (told.verdict, told.slope_pct_day) == (Verdict.FALLING, -2)
    assert told.flat_on == MONDAY + timedelta(days=9 + 18)  # 42 % on the tenth day; 5 % after another 18.5


def test_cold_nights_and_false_readings_do_not_move_the_day() -> None:
    levels = [float(x) for x in range(60, 20, -2)]
    calm = falling(*levels)
    levels[3], levels[7], levels[12], levels[15] = 12, 100, 9, 0
    told = forecast([Day(day=MONDAY + timedelta(days=n), level_pct=x) for n, x in enumerate(levels) if x != 100])
    assert calm.flat_on is not None
    assert told.verdict in (Verdict.FALLING, Verdict.CHARGED)
    steady = [60 - 2 * n + (3 if n % 5 == 0 else 0) for n in range(20)]
    wavy = falling(*steady)
    assert wavy.flat_on is not None
    assert abs((wavy.flat_on - calm.flat_on).days) <= 2


@pytest.mark.parametrize("levels", [[], [50.0], [50, 49, 48, 47], [50, 49, 48, 47, 46]])
def test_too_little_history_is_unknown(levels: list[float]) -> None:
    told = falling(*levels)
    assert (told.verdict, told.flat_on) == (Verdict.TOO_LITTLE, None)


def test_battery_charged_lately_is_unknown_until_it_has_a_history_again() -> None:
    assert falling(*range(40, 20, -2), 95, 93, 91).verdict is Verdict.CHARGED
    assert falling(*range(40, 20, -2), charged=9).verdict is Verdict.CHARGED
    again = falling(*range(40, 20, -2), *range(99, 79, -2))
    assert (again.verdict, again.days) == (Verdict.FALLING, 10)


def test_battery_that_does_not_fall_or_falls_for_years_has_no_day() -> None:
    assert falling(*[77.0] * 20).verdict is Verdict.STEADY
    assert falling(*[99 - 0.05 * n for n in range(60)]).verdict is Verdict.FAR


def test_flat_battery_is_flat_whatever_its_history() -> None:
    assert falling(4.0) == Forecast(verdict=Verdict.FLAT, flat_on=MONDAY, days=1)


def test_visit_is_due_within_five_working_days() -> None:
    assert due_by(MONDAY) == MONDAY + timedelta(days=7)
    assert due_by(MONDAY + timedelta(days=4)) == MONDAY + timedelta(days=11)


def test_model_that_fails_surely_leads_the_one_that_failed_once() -> None:
    once, often = Attempts(model="once", presses=1, again=1), Attempts(model="often", presses=100, again=40)
    good = Attempts(model="good", presses=500, again=5, unanswered=50, trials=40)
    silent = Attempts(model="silent", trials=10, trials_silent=9)
    assert [one.model for one in league([good, once, often, silent, Attempts(model="none")])] == [
        "silent", "often", "once", "good",
    ]  # fmt: skip
    assert (good.all, good.failed) == (540, 5)


def test_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson(5, 50)
    assert (round(low, 4), round(high, 4)) == (0.0435, 0.2136)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == 0.0
