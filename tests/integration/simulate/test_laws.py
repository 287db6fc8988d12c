"""The laws of lock-step: time never goes back, everything happens at its own moment, after a step nothing is left."""

from datetime import timedelta

import httpx
import pytest

from hub import clock
from hub.lockstep import BackwardsError, NotAtRestError
from hub.lockstep_http import serve
from hub.lockstep_works import Work
from tests.integration.simulate.conftest import BEGINS, Village

STEP_S, REPEAT_S = 20.0, 30.0  # of the village's policy: her daughter is called again, and again


async def test_time_stands_until_it_is_moved_and_then_both_clocks_agree(village: Village) -> None:
    assert clock.now() == BEGINS
    stepped = await village.after(minutes=3, seconds=7.5)
    assert stepped.now == BEGINS + timedelta(minutes=3, seconds=7.5) == clock.now()
    assert await village.rows("select hub_now()") == [(stepped.now,)]


async def test_a_step_into_the_past_is_refused_and_moves_nothing(village: Village) -> None:
    await village.after(minutes=1)
    with pytest.raises(BackwardsError, match="cannot go back"):
        await village.hub.step(BEGINS)
    assert clock.now() == BEGINS + timedelta(minutes=1)


async def test_somebody_else_cannot_move_the_clock_unnoticed(village: Village) -> None:
    await village.conn.execute("update clock set at = at + interval '1 hour'")
    with pytest.raises(NotAtRestError, match="somebody else moved the clock"):
        await village.after(minutes=1)


async def test_what_was_acknowledged_has_had_its_consequences_after_a_step(village: Village) -> None:
    await village.press()
    stepped = await village.hub.step(village.hub.now)
    assert stepped.open == 1
    assert stepped.next_due == BEGINS + timedelta(seconds=STEP_S)
    assert [page["purpose"] for page in village.daughter.pages] == ["alarm"]
    assert village.hub.ingest.waiting == 0
    assert await village.rows("select count(*) from page where state in ('ready', 'sending') and due_at <= hub_now()"
                              " or state = 'sending'") == [(0,)]  # fmt: skip
    assert await village.rows("select count(*) from downlink where delivered_at is null") == [(0,)]  # her watch said so


async def test_a_timer_inside_a_step_fires_at_its_own_time_and_not_at_the_end(village: Village) -> None:
    await village.press()
    stepped = await village.after(minutes=2)
    times = [(at - BEGINS).total_seconds() for at in village.daughter.times]
    assert times == [0, STEP_S, *(STEP_S + REPEAT_S * n for n in range(1, 4))]
    assert stepped.counts.late_ms == 0
    assert stepped.counts.timers == 4
    assert stepped.now == BEGINS + timedelta(minutes=2)


async def test_a_step_until_somebody_is_called_ends_there(village: Village) -> None:
    await village.press()
    end = BEGINS + timedelta(minutes=2)
    stops = [(await village.hub.step(end, until_called=True)).now for _ in range(3)]
    assert [(at - BEGINS).total_seconds() for at in stops] == [0, STEP_S, STEP_S + REPEAT_S]
    assert [(at - BEGINS).total_seconds() for at in village.daughter.times] == [0, STEP_S, STEP_S + REPEAT_S]


async def test_many_small_steps_and_one_great_one_take_the_same_course(village: Village) -> None:
    await village.press()
    for _ in range(24):
        await village.after(seconds=5)
    assert [(at - BEGINS).total_seconds() for at in village.daughter.times] == [0, 20, 50, 80, 110]


async def test_a_page_that_is_answered_late_ends_the_ringing_from_then_on(village: Village) -> None:
    await village.press()
    await village.after(seconds=65)
    rung = len(village.daughter.pages)
    page = village.daughter.pages[-1]
    body = {"page": page["page"], "nonce": "n1", "verb": "accept"}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(page["answer_url"], json=body)
    assert answer.status_code == 200
    stepped = await village.after(minutes=4)
    assert stepped.open == 1
    assert len([page for page in village.daughter.pages[rung:] if page["purpose"] == "alarm"]) == 0
    assert await village.seconds_of("taken") == [65.0]


async def test_a_watch_that_falls_silent_is_missed_at_its_deadline(village: Village) -> None:
    await village.vitals(1)
    await village.after(minutes=14)
    assert await village.rows("select count(*) from alert") == [(0,)]
    await village.after(minutes=2)
    ((kind, late),) = await village.rows("select kind, raised_at - %s from alert", BEGINS)
    assert kind == "silence"
    assert timedelta(minutes=15) <= late <= timedelta(minutes=15, seconds=30)  # as often as the detectors look


async def test_messages_are_stored_under_simulated_time(village: Village) -> None:
    for sequence in range(1, 4):
        await village.vitals(sequence)
        await village.after(minutes=1)
    rows = await village.rows("select received_at - %s from telemetry order by received_at", BEGINS)
    assert [row[0] for row in rows] == [timedelta(minutes=n) for n in range(3)]


async def test_a_hub_in_lockstep_goes_on_where_it_stood_when_it_was_ended(village: Village) -> None:
    await village.press()
    await village.after(seconds=30)
    await village.hub.__aexit__(None, None, None)
    assert clock.now() > BEGINS + timedelta(days=1)  # the machine's again
    async with village.running() as again:
        assert again.now == BEGINS + timedelta(seconds=30)
        await village.after(seconds=30)
    assert [(at - BEGINS).total_seconds() for at in village.daughter.times] == [0, 20, 50]


async def test_a_work_that_fails_is_told_and_does_not_stop_time(village: Village) -> None:
    async def broken() -> None:
        raise RuntimeError("a wheel came off")

    village.hub._works = (*village.hub._works, Work(name="wheel", every=timedelta(minutes=1), do=broken, after=BEGINS))
    stepped = await village.after(minutes=2)
    assert [fault for fault in stepped.faults if "wheel: RuntimeError: a wheel came off" in fault] == stepped.faults
    assert (len(stepped.faults), stepped.counts.failed) == (2, 2)
    assert (await village.after(minutes=0)).faults == []  # said once


async def test_steps_are_made_over_http_by_whoever_has_the_key(village: Village) -> None:
    async with serve(village.hub, "the key") as url, httpx.AsyncClient(trust_env=False) as http:
        own = {"Authorization": "Bearer the key"}
        to = {"to": "2026-03-02T00:01:00Z"}
        assert (await http.post(url, json=to)).status_code == 401
        answer = await http.post(url, json=to, headers=own)
        assert (answer.status_code, answer.json()["now"], answer.json()["open"]) == (200, "2026-03-02T00:01:00Z", 0)
        assert (await http.post(url, json={"to": "2026-03-02T00:00:00Z"}, headers=own)).status_code == 409
        assert (await http.post(url, json={"to": "2026-03-02T00:02:00"}, headers=own)).status_code == 400
        assert (await http.post(url, content=b"now", headers=own)).status_code == 400
        assert (await http.get(url, headers=own)).status_code == 405
