"""The simulated operator against a console over a real socket: she works what rings, and comes back when it does."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest

from hub.loops.ending import ended
from simulator import operator as working
from simulator.ledger import Ledger
from simulator.neighbourhood import Console
from simulator.operator import ConsoleClient, Operator
from simulator.scenario import Event, Plays, Scenario, What
from tests.integration.ingress.parts import until

pytestmark = pytest.mark.anyio

ROW = """<a class="row" data-incident="{incident}" data-pages="{incident}1"><strong>王秀兰</strong>
<span class="row-what">跌倒</span><span class="state state-{state}">…</span><span>{handler}</span></a>"""


class Desk:
    """A console with one incident on it. `state` is what its row says; None: the queue is empty."""

    def __init__(self) -> None:
        self.state: str | None = "confirming"
        self.handler = ""
        self.verbs: list[str] = []
        self.words: dict[str, dict[str, str]] = {}
        self.delivered: list[int] = []
        self.read: list[int] = []
        self.sign_ins = 0
        self.after = {"take": "handed_over", "close": None}
        self.streams: list[asyncio.StreamWriter] = []
        self.refuses = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                verb, path, _ = line.decode().split(" ")
                size = 0
                while (header := await reader.readline()) not in (b"\r\n", b""):
                    name, _, value = header.decode().partition(":")
                    size = int(value) if name.lower() == "content-length" else size
                body = (await reader.readexactly(size)).decode()
                if path == "/stream":
                    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nevent: incident\r\ndata: 7\r\n\r\n")
                    self.streams.append(writer)
                    await writer.wait_closed()
                    return
                status, page, location = self._answer(verb, path, body)
                said = page.encode()
                writer.write(f"HTTP/1.1 {status} x\r\n{location}content-length: {len(said)}\r\n\r\n".encode() + said)
        writer.close()

    def _row(self, state: str) -> str:
        return ROW.format(incident=7, state=state, handler=self.handler)

    def hang_up(self) -> None:
        """The console is restarted: its streams end as they should."""
        for writer in self.streams:
            writer.close()
        self.streams.clear()

    def _answer(self, verb: str, path: str, body: str) -> tuple[int, str, str]:
        token = '<input name="csrf" value="t0k">'
        words = {name: values[0] for name, values in parse_qs(body).items()}
        match verb, path.strip("/").split("/"):
            case "POST", ["login"]:
                if self.refuses or words["csrf"] != "t0k":
                    return 200, token, ""
                self.sign_ins += 1
                return 303, "", "location: /\r\n"
            case "GET", ["queue"]:
                return 200, "" if self.state is None else self._row(self.state), ""
            case "POST", ["seen"]:
                self.delivered += json.loads(body)["delivered"]
                self.read += [number for number in [json.loads(body)["read"]] if number]
            case "POST", ["incidents", "7", word]:
                self.verbs.append(word)
                self.words[word] = words
                self.state = self.after.get(word, self.state)
                return 200, "<p>好</p>", ""
        return 200, token, ""


@pytest.fixture
async def desk() -> AsyncIterator[tuple[Desk, int]]:
    desk = Desk()
    server = await asyncio.start_server(desk.serve, "127.0.0.1", 0)
    yield desk, int(server.sockets[0].getsockname()[1])
    desk.hang_up()
    server.close()


@contextlib.asynccontextmanager
async def at_work(port: int) -> AsyncIterator[Operator]:
    fall = Event(at_s=0, who="王秀兰", what=What.FALLS, operator_takes_after_s=0)
    play = Scenario(title="x", operator=Plays.SIMULATED, events=(fall,), people={})
    me = Console(person=5, role="operator", login="li", password="x")
    operator = Operator(ConsoleClient(f"http://127.0.0.1:{port}", me), 5, play, Ledger())
    task = asyncio.create_task(operator.run())
    try:
        yield operator
    finally:
        await ended(task)
        await operator.client.aclose()


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "LOOK_S", 0.02)
    monkeypatch.setattr(working, "BACKOFF_S", 0.02)
    monkeypatch.setattr(working, "NOBODY_AFTER_S", 0.1)


async def test_fall_that_is_still_asked_about_is_shown_and_left_alone(desk: tuple[Desk, int]) -> None:
    console, port = desk
    async with at_work(port) as operator:
        await until(lambda: operator.looked > 5)
        assert 71 in console.delivered  # the browser's receipt for the page
        assert console.verbs == []
        assert not operator.queue_empty


async def test_fall_that_rings_is_taken_and_closed_in_words_for_a_fall(desk: tuple[Desk, int]) -> None:
    console, port = desk
    console.state = "open"
    async with at_work(port) as operator:
        await until(lambda: operator.queue_empty)
    assert console.verbs == ["take", "close"]
    assert console.read == [7]
    assert console.words["close"]["disposition"] == "lifted"
    assert console.words["close"]["csrf"] == "t0k"
    assert [(entry["verb"], entry["status"], entry["said"]) for entry in operator.ledger.operator] == [
        ("take", 200, "好"), ("close", 200, "好"),
    ]  # fmt: skip


async def test_case_nobody_goes_to_is_dispatched_to_the_next_step(desk: tuple[Desk, int]) -> None:
    console, port = desk
    console.state = "open"
    console.after = {"take": "taken", "dispatch": "handed_over", "close": None}
    async with at_work(port) as operator:
        await until(lambda: operator.queue_empty)
    assert console.verbs == ["take", "dispatch", "close"]


async def test_console_that_restarts_finds_the_operator_back_at_the_same_case(desk: tuple[Desk, int]) -> None:
    console, port = desk
    async with at_work(port) as operator:
        await until(lambda: operator.looked and console.streams)
        console.hang_up()
        await until(lambda: console.sign_ins == 2)
        console.state = "open"
        await until(lambda: operator.queue_empty)
    assert console.verbs == ["take", "close"]
    assert "StreamClosed" in operator.ledger.faults[0]


async def test_operator_who_is_refused_says_so_and_tries_again(desk: tuple[Desk, int]) -> None:
    console, port = desk
    console.refuses = True
    async with at_work(port) as operator:
        await until(lambda: operator.ledger.faults)
        console.refuses = False
        await until(lambda: operator.looked)
    assert "sign-in as li answered 200" in operator.ledger.faults[0]


async def test_case_that_somebody_at_the_browser_has_is_left_to_her(desk: tuple[Desk, int]) -> None:
    console, port = desk
    console.state = "taken"
    console.handler = "坐席 李雪"
    async with at_work(port) as operator:
        await until(lambda: operator.looked > 5)
        assert console.verbs == []
