"""One MQTT connection of a replay: keeps a few messages on the way, and sends again what a restart left unanswered."""

import asyncio
from types import TracebackType
from typing import Self

import aiomqtt

from hub.replay.target import NoTargetError, Way

IN_FLIGHT = 64
ACK_LIMIT_S = 10.0
AGAIN_S = 0.3
GIVE_UP_S = 60.0  # without any connection


class Line:
    """Enter it with `async with`; `publish` returns when the hub has acknowledged."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._client: aiomqtt.Client | None = None
        self._up = asyncio.Event()
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._task: asyncio.Task[None] | None = None
        self.refused = ""
        self.resent = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(), name=f"replay {self._way.username}")
        try:
            async with asyncio.timeout(GIVE_UP_S):
                await self._up.wait()
        except TimeoutError:
            await self.__aexit__(None, None, None)
            where = f"{self._way.host}:{self._way.port}"
            raise NoTargetError(f"{where} did not take {self._way.username}: {self.refused}") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Return once the hub has acknowledged this message.

        Raises:
            NoTargetError: The hub has been away for too long.
        """
        async with self._room:
            while True:
                client = await self._connected()
                try:
                    await client.publish(topic, payload, qos=qos, retain=retain, timeout=ACK_LIMIT_S)
                except aiomqtt.MqttError as error:
                    self.refused = str(error)
                    self.resent += 1
                    await asyncio.sleep(AGAIN_S)
                else:
                    return

    async def _connected(self) -> aiomqtt.Client:
        try:
            async with asyncio.timeout(GIVE_UP_S):
                while self._client is None:
                    await self._up.wait()
        except TimeoutError:
            raise NoTargetError(f"the hub was away for {GIVE_UP_S:.0f} s: {self.refused}") from None
        return self._client

    async def _keep(self) -> None:
        way = self._way
        while True:
            client = aiomqtt.Client(
                way.host, way.port, username=way.username, password=way.secret, identifier=f"{way.username}-replay",
                keepalive=30, max_inflight_messages=IN_FLIGHT,
            )  # fmt: skip
            client.pending_calls_threshold = 2 * IN_FLIGHT  # so many on the way are meant, and worth no warning
            try:
                async with client:
                    self._client = client
                    self._up.set()
                    async for _ in client.messages:
                        pass
            except aiomqtt.MqttError as error:
                self.refused = str(error)
            finally:
                self._client = None
                self._up.clear()
            await asyncio.sleep(AGAIN_S)
