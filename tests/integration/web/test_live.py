"""What reaches an open console, how fast, and what becomes of it when it goes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from hub.web.auth import Seat
from hub.web.live import CHANGES_KEPT, Live, Stream
from tests.integration.web.conftest import Served
from tests.integration.web.world import World, csrf_of, eventually
from tests.patience import PATIENCE_S

# ruff: noqa: ASYNC212 - the console under test runs in a thread of its own; short plain requests do not stop it
pytestmark = pytest.mark.anyio
CONSOLES = 20
RECONNECTS = 200


class Screen:
    """One open console: reads the stream as a browser would."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.seen: list[tuple[str, dict[str, Any]]] = []

    async def events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        name = ""
        async for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                self.seen.append((name, json.loads(line.removeprefix("data: "))))
                yield self.seen[-1]

    async def until(self, wanted: str, incident: int | None = None) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            async for name, body in self.events():
                if name == wanted and (incident is None or incident in body["incidents"]):
                    return body
        raise AssertionError(f"the stream ended without {wanted}: {self.seen}")


def browser(client: httpx.Client) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=client.base_url, cookies=dict(client.cookies), trust_env=False, timeout=PATIENCE_S
    )


async def test_new_incident_reaches_the_console(li: httpx.Client, world: World) -> None:
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        screen = Screen(response)
        hello = await screen.until("hub:hello")
        assert hello["stream"]
        incident = await asyncio.to_thread(world.alert, "watch-wang")
        await screen.until("hub:changed", incident)


async def test_twenty_consoles_hear_of_it_within_a_second(li: httpx.Client, world: World) -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(browser(li))
        screens = [Screen(await stack.enter_async_context(http.stream("GET", "/stream"))) for _ in range(CONSOLES)]
        await asyncio.gather(*(s.until("hub:hello") for s in screens))
        took = []
        for device in ("watch-wang", "watch-zhang", "watch-he"):
            incident = await asyncio.to_thread(world.alert, device)
            committed = time.monotonic()
            await asyncio.gather(*(s.until("hub:changed", incident) for s in screens))
            took.append(time.monotonic() - committed)
        assert min(took) < 1.0, "nothing in it waits, whatever a busy machine adds to one of them"


async def test_presence_lasts_as_long_as_the_stream(li: httpx.Client, world: World) -> None:
    def present() -> list[tuple[Any, ...]]:
        return world.sql("select person_id from presence")

    async with browser(li) as http:
        async with http.stream("GET", "/stream") as response:
            screen = Screen(response)
            await screen.until("hub:hello")
            assert present() == [(world.people["li"],)]
        await asyncio.to_thread(eventually, lambda: present() == [])


async def test_presence_is_refreshed_within_five_seconds(li: httpx.Client, world: World) -> None:
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        screen = Screen(response)
        await screen.until("hub:hello")
        world.sql("update presence set seen_at = seen_at - interval '1 hour'")
        for _ in range(2):
            beat = await screen.until("hub:beat")
        assert beat["healthy"]
        assert world.sql("select count(*) from presence where seen_at > hub_now() - interval '5 seconds'") == [(1,)]


async def test_colleagues_see_who_is_looking(li: httpx.Client, chen: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    token = {"x-csrf-token": csrf_of(li.get("/").text)}
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        mine = Screen(response)  # kept: a reader that is forgotten closes its stream
        hello = await mine.until("hub:hello")
        async with browser(chen) as other, other.stream("GET", "/stream") as theirs:
            screen = Screen(theirs)
            await screen.until("hub:hello")
            await http.post("/seen", json={"stream": hello["stream"], "open": incident}, headers=token)
            await screen.until("hub:changed", incident)
            assert "李雪 在看" in chen.get("/queue").text
            assert "在看" not in li.get("/queue").text
    assert await asyncio.to_thread(eventually, lambda: "在看" not in chen.get("/queue").text)


async def test_page_is_delivered_when_shown_and_read_when_opened(li: httpx.Client, world: World) -> None:
    token = {"x-csrf-token": csrf_of(li.get("/").text)}
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        screen = Screen(response)
        await screen.until("hub:hello")
        incident = await asyncio.to_thread(world.alert, "watch-wang")
        mine = {"i": incident, "p": world.people["li"]}
        where = "from page where incident_id = %(i)s and person_id = %(p)s and channel = 'console'"
        page = world.sql(f"select id {where}", **mine)[0][0]
        assert f'data-pages="{page}"' in li.get("/queue").text
        assert world.sql(f"select state {where}", **mine) == [("ready",)]
        await http.post("/seen", json={"delivered": [page]}, headers=token)
        assert world.sql(f"select state {where}", **mine) == [("delivered",)]
        await http.post("/seen", json={"read": incident}, headers=token)
        assert world.sql(f"select state, read_at is not null {where}", **mine) == [("read", True)]


async def test_nobody_confirms_anothers_page(chen: httpx.Client, li: httpx.Client, world: World) -> None:
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        screen = Screen(response)
        await screen.until("hub:hello")
        incident = await asyncio.to_thread(world.alert, "watch-wang")
    mine = {"p": world.people["li"], "i": incident}
    page = world.sql("select id from page where person_id = %(p)s and incident_id = %(i)s", **mine)
    token = {"x-csrf-token": csrf_of(chen.get("/").text)}
    chen.post("/seen", json={"delivered": [page[0][0]]}, headers=token)
    assert world.sql("select state from page where id = %(id)s", id=page[0][0]) == [("ready",)]


async def test_signing_out_ends_the_stream(li: httpx.Client) -> None:
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        screen = Screen(response)
        await screen.until("hub:hello")
        await http.post("/logout", data={"csrf": csrf_of(li.get("/").text)})
        await screen.until("hub:bye")


async def test_stopping_ends_open_streams_at_once(console: Served, li: httpx.Client, world: World) -> None:
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        screen = Screen(response)
        await screen.until("hub:hello")
        stopping = asyncio.create_task(asyncio.to_thread(console.stop))
        await screen.until("hub:bye")
        assert await stopping < 3
    assert world.sql("select count(*) from presence") == [(0,)]


def test_slow_console_is_told_once_to_fetch_everything() -> None:
    seat = Seat(person_id=1, name="", role="operator", language="zh-CN", csrf="", token_sha256=b"")
    stream = Stream(seat=seat)
    for incident in range(1, 100_000):
        stream.offer(incident)
    assert stream.refresh
    assert len(stream.changed) <= CHANGES_KEPT


async def test_changed_row_comes_with_the_event(li: httpx.Client, chen: httpx.Client, world: World) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(browser(each)) for each in (li, chen)]
        screens = [Screen(await stack.enter_async_context(each.stream("GET", "/stream"))) for each in clients]
        for screen in screens:
            await screen.until("hub:hello")
        incident = await asyncio.to_thread(world.alert, "watch-wang")
        rows = [(await screen.until("hub:changed", incident))["queue"] for screen in screens]
    of = "select person_id, id from page where incident_id = %(i)s and channel = 'console'"
    pages = dict(world.sql(of, i=incident))
    for told, person in zip(rows, ("li", "chen"), strict=True):
        assert f'id="row-{incident}"' in told["rows"]
        assert told["calls"].split() == [str(incident)]
        assert f'data-pages="{pages.get(world.people[person], "")}"' in told["rows"], "the row is hers, as far as it is"
        assert told["rows"].count(f'hx-nonce="{told["nonce"]}"') == 1


async def test_session_ended_anywhere_hears_of_nothing_more(li: httpx.Client, world: World) -> None:
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        screen = Screen(response)
        await screen.until("hub:hello")
        await asyncio.to_thread(world.sql, "delete from web_session")
        await screen.until("hub:bye")


async def test_person_switched_off_hears_of_nothing_more(li: httpx.Client, world: World) -> None:
    async with browser(li) as http, http.stream("GET", "/stream") as response:
        screen = Screen(response)
        await screen.until("hub:hello")
        await asyncio.to_thread(world.sql, "update person set active = false where id = %(p)s", p=world.people["li"])
        await screen.until("hub:bye")


async def test_consoles_that_come_and_go_leave_nothing_behind(console: Served, li: httpx.Client, world: World) -> None:
    async with browser(li) as http:

        async def passing(number: int) -> None:
            async with http.stream("GET", "/stream") as response:
                if number % 3:  # every third goes without having heard a word
                    await Screen(response).until("hub:hello")

        for ten in range(RECONNECTS // 10):
            await asyncio.gather(*(passing(10 * ten + each) for each in range(10)))
            await asyncio.to_thread(world.alert, "watch-wang")
    await asyncio.to_thread(eventually, lambda: world.sql("select count(*) from presence") == [(0,)])
    live: Live = console.server.app.state.parts.live
    assert live.kept == {"streams": 0, "gone": 0, "announced": 0}
