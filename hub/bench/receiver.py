"""One HTTP receiver for every system that is measured: answers 204 at once and notes when what came."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self, cast

import msgspec

from hub.bench.wire import LIMIT_S

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
ALERTS = "/alerts"  # Alertmanager posts every alert to one path and names it in the body


class Receiver:
    """`came` holds the wall-clock seconds of every POST, by path, or by label `n` for Alertmanager.

    While `holding`, requests are read and neither answered nor noted: who sent them has delivered nothing yet.
    """

    def __init__(self) -> None:
        self.came: defaultdict[str, list[float]] = defaultdict(list)
        self.started: dict[str, float] = {}  # what a task says of itself: when it began
        self.holding = False
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Line(self), "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.close()

    def take(self, path: str, body: bytes) -> None:
        """Note one POST."""
        at = time.time()
        if path == ALERTS:
            for alert in msgspec.json.decode(body)["alerts"]:
                self.came[alert["labels"]["n"]].append(at)
        else:
            self.came[path].append(at)
            if body.startswith(b'{"started":'):
                self.started[path] = float(msgspec.json.decode(body)["started"])
        self._news.set()

    async def first(self, key: str, limit_s: float = LIMIT_S) -> float:
        """Return when the first POST of one key came, waiting for it."""
        await self.until(lambda: key in self.came, limit_s)
        return self.came[key][0]

    async def all_of(self, keys: Iterable[str], limit_s: float, times: int = 1) -> int:
        """Wait until each key came `times` times, at most `limit_s`; returns how many have."""
        wanted = list(keys)
        missing = [key for key in wanted if len(self.came.get(key, ())) < times]

        def complete() -> bool:
            missing[:] = [key for key in missing if len(self.came.get(key, ())) < times]
            return not missing

        try:
            await self.until(complete, limit_s, every_s=0.05)
        except TimeoutError:
            complete()
        return len(wanted) - len(missing)

    async def until(self, condition: Callable[[], bool], limit_s: float, every_s: float = 0.0) -> None:
        """Wait for a condition on what came, looked at when something comes, and at most so often.

        Raises:
            TimeoutError: It did not come true.
        """
        async with asyncio.timeout(limit_s):
            while not condition():
                self._news.clear()
                await self._news.wait()
                await asyncio.sleep(every_s)


class _Line(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver, self._rest = receiver, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            found = LENGTH.search(self._rest, 0, end + 4)
            size = end + 4 + (int(found[1]) if found else 0)
            if len(self._rest) < size:
                return
            head, body, self._rest = self._rest[:end], self._rest[end + 4 : size], self._rest[size:]
            if not self._receiver.holding:
                self._transport.write(ANSWER)
                self._receiver.take(head.split(b" ", 2)[1].decode(), body)
