"""One MQTT connection that comes back by itself and sends again what was not acknowledged."""

import asyncio
import random
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiomqtt

from simulator.neighbourhood import Endpoint

ACK_LIMIT_S = 10.0
PENDING = 100  # messages on the way before it is worth a warning: a watch in a fall sends ten a second
PAUSE_S = (0.2, 3.0)  # first and longest wait before connecting again


class Line:
    """A device's or terminal's own MQTT client, version 3.1.1, QoS 1.

    Args:
        hear: called with topic and payload of everything that comes down.
    """

    def __init__(
        self, endpoint: Endpoint, username: str, secret: str, *,
        subscribe: Sequence[str] = (), hear: Callable[[str, bytes], None] = lambda _topic, _payload: None,
        will: aiomqtt.Will | None = None,
    ) -> None:  # fmt: skip
        self.username = username
        self._endpoint = endpoint
        self._secret = secret
        self._subscribe = subscribe
        self._hear = hear
        self._will = will
        self._client: aiomqtt.Client | None = None
        self._up = asyncio.Event()
        self.connects = 0
        self.failures = 0
        self._since = time.monotonic()

    @property
    def condition(self) -> str:
        """How the connection is and has been, in words for a report."""
        state = "connected" if self._up.is_set() else "not connected"
        return f"{state} for {time.monotonic() - self._since:.0f} s, {self.connects} connects, {self.failures} failures"

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pause = PAUSE_S[0]
        while True:
            try:
                async with self._open() as client:
                    for topic in self._subscribe:
                        await client.subscribe(topic, qos=1)
                    self._client, pause = client, PAUSE_S[0]
                    self.connects, self._since = self.connects + 1, time.monotonic()
                    self._up.set()
                    async for message in client.messages:
                        self._hear(str(message.topic), bytes(message.payload))
            except aiomqtt.MqttError:
                self.failures += 1
            finally:
                if self._up.is_set():
                    self._since = time.monotonic()
                self._up.clear()
                self._client = None
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, PAUSE_S[1])

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Return once the hub has acknowledged this; over lost connections the same bytes go again."""
        while True:
            await self._up.wait()
            client = self._client
            if client is None:
                continue
            try:
                await client.publish(topic, payload, qos=1, retain=retain, timeout=ACK_LIMIT_S)
            except aiomqtt.MqttError:
                await asyncio.sleep(PAUSE_S[0])
            else:
                return

    async def connected(self) -> None:
        await self._up.wait()

    def _open(self) -> aiomqtt.Client:
        client = _Client(
            self._endpoint.host, self._endpoint.port, username=self.username, password=self._secret,
            identifier=f"{self.username}-sim", keepalive=30, will=self._will, max_queued_outgoing_messages=0,
        )  # fmt: skip
        client.pending_calls_threshold = PENDING
        return client


class _Client(aiomqtt.Client):
    """Watches its own sockets only.

    The library asks for a socket to be watched a turn of the loop later, by its number. A connection that was reset
    meanwhile has given that number back: then nobody's socket is watched (EBADF), or another connection's, whose own
    bytes are never written again.
    """

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        del userdata  # the library's callbacks have one; we have none
        self._loop.call_soon_threadsafe(self._watch, client, sock)

    def _watch(self, client: Any, sock: socket.socket) -> None:
        if client.socket() is sock and sock.fileno() >= 0:
            self._loop.add_writer(sock.fileno(), self._write, client)

    def _write(self, client: Any) -> None:
        try:
            client.loop_write()
        except Exception as error:  # whatever it is, the connection is no good: the library's own way
            if not self._disconnected.done():
                self._disconnected.set_exception(error)
