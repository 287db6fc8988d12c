"""What the tests of the ways in share: an Intake that commits when told, polling with a deadline, raw MQTT clients."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Self

from hub.ingress import mqtt311
from hub.ingress.arrival import Arrival, Origin
from hub.ingress.credentials import Credential
from hub.ingress.mqtt311 import Connect, Publish
from tests.patience import PATIENCE_S

SECRET = "c0ffee5ec12e7c0ffee5ec12e7c0ffee"


class ScriptedIntake:
    """Takes messages and commits them at once, or when the test says so, in the order the test says."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.at_once = at_once
        self.arrivals: list[Arrival] = []
        self.rejections: list[tuple[str, str, bytes, str]] = []
        self.alerts: list[tuple[str, str]] = []
        self.room = asyncio.Event()
        self.room.set()

    @property
    def full(self) -> bool:
        return not self.room.is_set()

    async def wait_room(self) -> None:
        await self.room.wait()

    def submit(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        if self.at_once:
            asyncio.get_running_loop().call_soon(self.commit, arrival)

    def commit(self, *arrivals: Arrival) -> None:
        touched: list[Origin] = []
        for arrival in arrivals:
            arrival.origin.settle(arrival.token)
            if arrival.origin not in touched:
                touched.append(arrival.origin)
        for origin in touched:
            origin.flush()

    def rejected(self, source: str, topic: str, payload: bytes, error: str) -> None:
        self.rejections.append((source, topic, payload, error))

    def technical(self, rule: str, text: str) -> None:
        self.alerts.append((rule, text))

    @property
    def topics(self) -> list[str]:
        return [arrival.topic for arrival in self.arrivals]

    @property
    def payloads(self) -> list[bytes]:
        return [arrival.payload for arrival in self.arrivals]


async def until(what: Callable[[], object], deadline_s: float = PATIENCE_S) -> None:
    """Return as soon as `what()` is true."""
    end = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.005)


def credential(name: str, kind: str = "device", prefix: str = "") -> Credential:
    """Return the credential of a device `name`; its secret is SECRET."""
    digest = hashlib.sha256(SECRET.encode()).digest()
    return Credential(username=name, secret_sha256=digest, kind=kind, prefix=prefix or f"carehub/{name}/")


class Raw:
    """A socket that speaks bytes: what a test writes, and what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), PATIENCE_S)

    async def connect(
        self, name: str = "w-1", *, clean: bool = True, client_id: str = "", keep_alive_s: int = 60
    ) -> bytes:
        """Say CONNECT (3.1.1) and return the CONNACK."""
        return await self.connect_as(
            Connect(
                client_id=client_id or name,
                clean=clean,
                keep_alive_s=keep_alive_s,
                username=name,
                password=SECRET.encode(),
            )
        )

    async def connect_as(self, connect: Connect) -> bytes:
        self.say(mqtt311.write_connect(connect))
        return await self.hear(4)

    def publish(
        self, topic: str, payload: bytes = b"{}", qos: int = 1, number: int = 1, *, duplicate: bool = False
    ) -> None:
        self.say(mqtt311.write_publish(Publish(topic, payload, qos, number, duplicate=duplicate)))

    async def packet(self) -> tuple[int, bytes]:
        """Return the first byte and the body of the next packet."""
        data = await self.hear(2)
        while (bounds := mqtt311.frame(data, 0)) is None:
            data += await self.hear(1)
        return data[0], (data + await self.hear(bounds[1] - len(data)))[bounds[0] :]

    async def ended(self) -> bytes:
        """Return what still came before the other side closed."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE_S)
        except ConnectionError:
            return b""
