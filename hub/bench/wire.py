"""A bare MQTT 3.1.1 client, a webhook and a console's event stream that note when something came. For benchmarks."""

import asyncio
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx
import msgspec

from hub.bench.load import length
from hub.errors import HubError

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x30, 0x40, 0x80, 0x90
LIMIT_S = 10.0


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


class BareMqtt:
    """One connection, QoS 1, nothing between the socket and the clock."""

    def __init__(self, port: int, name: str, secret: str = "") -> None:
        self._port, self._name, self._secret = port, name, secret
        self._packet = 0
        self._acks: dict[int, asyncio.Future[float]] = {}
        self.hear: Callable[[bytes, float], None] = lambda _body, _at: None

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        flags, signed = (0xC2, text(self._name) + text(self._secret)) if self._secret else (0x02, b"")
        self._send(CONNECT, text("MQTT") + bytes((4, flags, 0, 0)) + text(self._name) + signed)
        kind, body = await asyncio.wait_for(self._read(), LIMIT_S)
        if kind != 0x20 or body[1:] != b"\0":
            self._writer.close()
            raise HubError(f"CONNACK {body!r} for {self._name}")
        self._reading = asyncio.create_task(self._listen(), name=f"mqtt {self._name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._reading.cancel()
        self._writer.close()

    async def subscribe(self, topic: str) -> None:
        await self._acked(SUBSCRIBE | 2, b"", text(topic) + b"\x01")

    async def publish(self, topic: str, payload: bytes) -> float:
        """Send and return the moment its PUBACK came."""
        return await self._acked(PUBLISH | 2, text(topic), payload)

    async def _acked(self, kind: int, before_id: bytes, after_id: bytes) -> float:
        self._packet = self._packet % 65_535 + 1
        answer = self._acks[self._packet] = asyncio.get_running_loop().create_future()
        self._send(kind, before_id + self._packet.to_bytes(2, "big") + after_id)
        return await asyncio.wait_for(answer, LIMIT_S)

    def _send(self, kind: int, body: bytes) -> None:
        self._writer.write(bytes((kind,)) + length(len(body)) + body)

    async def _read(self) -> tuple[int, bytes]:
        kind = (await self._reader.readexactly(1))[0]
        size = shift = 0
        while True:
            digit = (await self._reader.readexactly(1))[0]
            size |= (digit & 127) << shift
            if digit < 128:
                return kind, await self._reader.readexactly(size)
            shift += 7

    async def _listen(self) -> None:
        while True:
            kind, body = await self._read()
            at = time.perf_counter()
            if kind in (PUBACK, SUBACK):
                self._acks.pop(int.from_bytes(body[:2], "big")).set_result(at)
            elif kind & 0xF0 == PUBLISH:
                end = 2 + int.from_bytes(body[:2], "big")
                if kind & 2:
                    self._send(PUBACK, body[end : end + 2])
                    end += 2
                self.hear(body[end:], at)


class Webhook:
    """Answers every POST with 204 and notes when the page of which incident came first."""

    def __init__(self) -> None:
        self.first: dict[int, float] = {}
        self._came = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.close()

    async def page_of(self, incident: int) -> float:
        """Return when the first page of an incident came, waiting for it."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: incident in self.first), LIMIT_S)
        return self.first[incident]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                at = time.perf_counter()
                found = re.search(rb"(?i)content-length: (\d+)", head)
                body = msgspec.json.decode(await reader.readexactly(int(found.group(1)) if found else 0))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                async with self._came:
                    self.first.setdefault(int(body["incident"]), at)
                    self._came.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class Console:
    """An operator's open console: its event stream, and when it first named each incident."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self._url, self._login, self._password = url, login, password
        self.first: dict[int, float] = {}
        self._came = asyncio.Condition()

    async def shows(self, incident: int) -> float:
        """Return when the stream first named an incident, waiting for it."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: incident in self.first), LIMIT_S)
        return self.first[incident]

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(base_url=self._url, timeout=LIMIT_S)
        form = await self._client.get("/login")
        found = re.search(r'name="csrf" value="([^"]+)"', form.text)
        if found is None:
            raise HubError("the console's sign-in form has no csrf field")
        words = {"csrf": found.group(1), "login": self._login, "password": self._password}
        answer = await self._client.post("/login", data=words)
        if answer.status_code != 303:
            raise HubError(f"signing in at the console: HTTP {answer.status_code}")
        self._open = asyncio.Event()
        self._reading = asyncio.create_task(self._read(), name="console stream")
        await asyncio.wait_for(self._open.wait(), LIMIT_S)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._reading.cancel()
        await self._client.aclose()

    async def _read(self) -> None:
        async with self._client.stream("GET", "/stream", timeout=None) as answer:
            async for line in answer.aiter_lines():
                at = time.perf_counter()
                self._open.set()
                if line.startswith("data:") and '"incidents"' in line:
                    async with self._came:
                        for incident in msgspec.json.decode(line.removeprefix("data:").encode())["incidents"]:
                            self.first.setdefault(incident, at)
                        self._came.notify_all()
