"""A watch, a radar and the hub itself tell of one fall: one case, whatever the order; and what takes it back."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from hub.loops.escalator import Escalator
from hub.store import policies
from hub.store.pool import open_pool
from simulator.motion import fall_of_a_walker
from tests.integration.ingest.conftest import Hub, add_resident, eventually
from tests.integration.ingest.test_falls import stream

COUNTDOWN_S = 1.5
POLICY = f"""
[policy."call"]
countdown = "{COUNTDOWN_S * 1000:.0f}ms"

[[policy."call".step]]
notify = [ {{ role = "operator" }} ]
"""


class Home:
    """One resident with a watch that streams, a radar, and a button."""

    def __init__(self, hub: Hub, dsn: str) -> None:
        self.hub = hub
        self.watch = add_resident(dsn, model="CW-1")
        with_her = {"resident_id": None}
        self.radar = add_resident(dsn, "radar:home7/r1", **with_her)
        self.button = add_resident(dsn, "carehub:b1", model="call-button", **with_her)
        self.began_ms = int(time.time() * 1000)

    async def settle(self) -> "Home":
        """The other devices are hers as well."""
        await self.hub.conn.execute(
            "update device set resident_id = (select resident_id from device where id = %s)", (self.watch,)
        )
        await self.hub.conn.execute("notify carehub_config")
        rows = self.hub.ingest.table.row_of
        table = self.hub.ingest.table

        async def known() -> bool:
            mine = [table.resident(rows[a]) for a in ("carehub:w1", "radar:home7/r1", "carehub:b1") if a in rows]
            return len(mine) == 3 and mine[0] is not None and len(set(mine)) == 1

        await eventually(known)
        return self

    async def watch_says(self, stage: str, *, name: str = "3") -> None:
        self.hub.send("carehub/w1/event", {"event": "fall", "id": name, "stage": stage})
        await self.hub.done()

    async def watch_cancels(self) -> None:
        self.hub.send("carehub/w1/event", {"event": "cancel", "of": "fall"})
        await self.hub.done()

    async def radar_says(self, status: str) -> None:
        body = {"type": 5, "payload": {"status": status, "timestamp": self.began_ms}}
        self.hub.send("home7/devices/r1/events", body)
        await self.hub.done()

    async def hub_finds(self) -> None:
        stream(self.hub, fall_of_a_walker(np.random.default_rng(7)))
        await self.hub.done()

    async def tells(self, who: str) -> None:
        match who:
            case "watch":
                await self.watch_says("suspected")
            case "radar":
                await self.radar_says("fall_detected")
            case _:
                await self.hub_finds()

    async def is_in(self, state: str) -> bool:
        return bool(await self.hub.rows("select from incident where state = %s", state))

    async def cases(self) -> list[tuple[Any, ...]]:
        return await self.hub.rows("select kind, state, severity from incident order by id")

    async def told(self) -> set[tuple[Any, ...]]:
        rows = await self.hub.rows("select device_id, rule, evidence ->> 'stage' from alert where kind = 'fall'")
        assert len(set(rows)) == len(rows)
        return set(rows)

    async def cancels(self) -> list[tuple[Any, ...]]:
        return await self.hub.rows(
            "select what, actor, body ->> 'by', (body ->> 'after_s')::int, body ->> 'said' from incident_event"
            " where what like 'cancel%%' order by at, seq"
        )


@pytest.fixture
async def home(hub: Hub, dsn: str) -> Home:
    return await Home(hub, dsn).settle()


@asynccontextmanager
async def escalating(dsn: str) -> AsyncIterator[Escalator]:
    """Timers fire for the length of the block."""
    async with open_pool(dsn, smallest=2, largest=8) as pool:
        escalator = Escalator(pool=pool, bell=asyncio.Event())
        task = asyncio.create_task(escalator.run(), name="escalator")
        try:
            yield escalator
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


WITNESSES = ("watch", "radar", "hub")


@pytest.mark.parametrize("order", list(itertools.permutations(WITNESSES)), ids="-".join)
async def test_three_who_saw_one_fall_make_one_case_whatever_the_order(home: Home, order: tuple[str, ...]) -> None:
    for who in order:
        await home.tells(who)
    assert await home.cases() == [("fall", "confirming", 2)]
    assert await home.told() == {
        (home.watch, "E1", "suspected"), (home.radar, "E1", "suspected"), (home.watch, "FALL", None)
    }  # fmt: skip
    (evidence,) = await home.hub.rows("select evidence from alert where rule = 'FALL'")
    assert {"peak_g", "confidence", "delay_s"} <= evidence[0].keys()


async def test_radar_that_grows_sure_calls_at_once(home: Home) -> None:
    await home.radar_says("fall_detected")
    await home.radar_says("fall_confirmed")
    await home.radar_says("calling")
    assert await home.cases() == [("fall", "open", 1)]
    assert await home.told() == {(home.radar, "E1", "suspected"), (home.radar, "E1", "confirmed")}


async def test_confirmed_fall_of_the_radar_ends_the_countdown_of_the_watch(home: Home) -> None:
    await home.hub_finds()
    await home.radar_says("fall_confirmed")
    assert await home.cases() == [("fall", "open", 1)]


async def test_fall_confirmed_within_seconds_by_a_device_that_names_nothing_is_news(home: Home) -> None:
    home.hub.send("carehub/w1/event", {"event": "fall", "stage": "suspected"})
    home.hub.send("carehub/w1/event", {"event": "fall", "stage": "suspected"})
    await home.hub.done()
    assert await home.cases() == [("fall", "confirming", 2)]
    home.hub.send("carehub/w1/event", {"event": "fall", "stage": "confirmed"})
    await home.hub.done()
    assert await home.cases() == [("fall", "open", 1)]


async def test_suspicion_after_the_confirmation_changes_nothing_but_is_kept(home: Home) -> None:
    await home.radar_says("fall_confirmed")
    await home.hub_finds()
    await home.watch_says("suspected")
    assert await home.cases() == [("fall", "open", 1)]
    assert len(await home.told()) == 3


async def test_wearer_is_asked_and_cancels_what_the_hub_found(home: Home) -> None:
    await home.hub_finds()
    asked = await home.hub.rows("select convert_from(payload, 'utf8') from downlink where topic = 'carehub/w1/command'")
    assert any('"asking"' in words and "取消" in words for (words,) in asked)
    await home.watch_cancels()
    assert await home.cases() == [("fall", "cancelled", 2)]
    ((what, actor, by, after_s, native),) = await home.cancels()
    assert (what, actor, by, native) == ("cancelled", f"device:{home.watch}", "wearer", "cancel")
    assert 0 <= after_s < 10


async def test_radar_that_takes_back_leaves_what_the_watch_saw(home: Home) -> None:
    await home.radar_says("fall_detected")
    await home.hub_finds()
    await home.radar_says("cancelled")
    assert await home.cases() == [("fall", "confirming", 2)]
    await home.watch_cancels()
    assert await home.cases() == [("fall", "cancelled", 2)]
    assert [(what, actor) for what, actor, *_ in await home.cancels()] == [
        ("cancel_noted", f"device:{home.radar}"), ("cancelled", f"device:{home.watch}")
    ]  # fmt: skip


async def test_watch_that_takes_back_leaves_what_the_radar_confirmed(home: Home) -> None:
    await home.watch_says("suspected")
    await home.radar_says("fall_confirmed")
    await home.watch_cancels()
    assert await home.cases() == [("fall", "open", 1)]
    assert [what for what, *_ in await home.cancels()] == ["cancel_late"]


async def test_her_watch_answers_for_the_radar(home: Home) -> None:
    await home.radar_says("fall_detected")
    await home.watch_cancels()
    assert await home.cases() == [("fall", "cancelled", 2)]


async def test_press_within_the_countdown_calls_at_once(home: Home) -> None:
    await home.hub_finds()
    home.hub.press("w1", id="77")
    await home.hub.done()
    assert await home.cases() == [("sos", "open", 1)]


async def test_cancel_said_again_is_kept_once(home: Home) -> None:
    await home.radar_says("fall_confirmed")
    for _ in range(3):
        await home.radar_says("cancelled")
    await home.watch_cancels()
    assert [actor for _, actor, *_ in await home.cancels()] == [f"device:{home.radar}", f"device:{home.watch}"]


async def test_cancel_when_nothing_is_open_is_nothing(home: Home) -> None:
    await home.watch_cancels()
    assert await home.cancels() == []


async def test_what_the_hub_finds_after_her_cancel_asks_her_again(home: Home) -> None:
    await home.watch_says("suspected")
    await home.watch_cancels()
    await home.hub_finds()
    assert await home.cases() == [("fall", "cancelled", 2), ("fall", "confirming", 2)]
    assert await home.hub.one("select max(linked_to) = min(id) from incident")
    await home.watch_cancels()
    assert await home.cases() == [("fall", "cancelled", 2), ("fall", "cancelled", 2)]


async def test_fall_after_the_end_is_a_second_one(home: Home) -> None:
    await home.watch_says("suspected", name="3")
    await home.watch_cancels()
    await home.watch_says("suspected", name="4")
    assert await home.cases() == [("fall", "cancelled", 2), ("fall", "confirming", 2)]
    assert await home.hub.one("select max(linked_to) = min(id) from incident")


async def test_silence_calls_on_time_though_the_escalator_was_killed_in_between(home: Home, dsn: str) -> None:
    await policies.publish(home.hub.conn, POLICY)
    async with escalating(dsn):
        await home.watch_says("suspected")
    due = await home.hub.one("select due_at from timer where kind = 'confirm'")
    async with escalating(dsn):
        back = await home.hub.one("select hub_now()")
        await eventually(lambda: home.is_in("open"))
    called = await home.hub.one("select at from incident_event where what = 'not_cancelled'")
    assert timedelta(0) <= called - due, "no earlier than she was promised"
    assert called - max(due, back) < timedelta(seconds=10), "and as soon as somebody is there"
    opened = await home.hub.one("select opened_at from incident")
    assert (due - opened).total_seconds() == COUNTDOWN_S


async def test_cancel_after_the_countdown_ends_nothing_and_is_shown(home: Home, dsn: str) -> None:
    await policies.publish(home.hub.conn, POLICY)
    await home.hub_finds()
    async with escalating(dsn):
        await eventually(lambda: home.is_in("open"))
    await home.watch_cancels()
    assert await home.cases() == [("fall", "open", 2)]
    ((what, _, _, after_s, _),) = await home.cancels()
    assert what == "cancel_late"
    assert after_s >= 1
    assert await home.hub.one("select count(*) from timer") == 1
