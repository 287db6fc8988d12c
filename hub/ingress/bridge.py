"""Subscriber to an existing broker: two persistent MQTT 5 sessions, so that an alarm never waits behind telemetry."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from devices.adapter import Downlink
from hub.ingress import counters
from hub.ingress.arrival import Intake
from hub.ingress.lane import Lane
from hub.ingress.settings import BridgeSettings

log = structlog.get_logger(__name__)


NOBODY_SUBSCRIBED = 0x10


class Bridge:
    """`async with Bridge(settings, intake)`. Never fails for want of a broker; also an `Outlet`.

    A message is acknowledged to the broker after its commit, in order. What the broker itself loses it tells in
    `$SYS`: that becomes a technical alert, as does a broker that stays away.
    """

    name = "bridge"

    def __init__(self, settings: BridgeSettings, intake: Intake) -> None:
        self.settings = settings
        self._intake = intake
        self._lanes: list[Lane] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._reachable: list[Callable[[], None]] = []
        self._dropped: int | None = None
        self._told_down: set[str] = set()

    async def __aenter__(self) -> Self:
        settings = self.settings
        wanted = (("urgent", settings.urgent), ("telemetry", settings.telemetry))
        self._lanes = [
            Lane(settings, self._intake, name=name, filters=filters, dropped=self._heard_dropped, up=self._up)
            for name, filters in wanted
            if filters
        ]
        self._tasks = [asyncio.create_task(lane.run(), name=f"bridge {lane.name}") for lane in self._lanes]
        self._tasks.append(asyncio.create_task(self._watch(), name="bridge watch"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)
        self._count()

    @property
    def connected(self) -> bool:
        """Whether all sessions stand."""
        return all(lane.down_since is None for lane in self._lanes)

    def when_reachable(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever a session has been made or made again."""
        self._reachable.append(tell)

    def _up(self) -> None:
        for tell in self._reachable:
            tell()

    def reaches(self, topic: str) -> bool:
        """Whether the broker can be told: for every topic of MQTT, while we are connected."""
        return not topic.startswith("tcp/") and self._out() is not None

    async def deliver(self, downlink: Downlink, key: str = "") -> bool:
        """Publish and wait for the broker's word.

        A broker that says nobody is subscribed has delivered nothing, unless it keeps the message as retained.
        """
        lane = self._out()
        heard = lane.broker.publish(downlink, key) if lane is not None and lane.broker is not None else None
        if heard is None:
            return False
        done, _ = await asyncio.wait([heard], timeout=self.settings.deliver_timeout_s)
        if not done:
            return False
        code = heard.result()
        return code == 0 or (code == NOBODY_SUBSCRIBED and downlink.retain)

    def _out(self) -> Lane | None:
        """Alarms go out where alarms come in, or else on whatever stands."""
        for lane in self._lanes:
            if lane.broker is not None and lane.broker.ready:
                return lane
        return None

    def _heard_dropped(self, payload: bytes) -> None:
        """`$SYS/broker/publish/messages/dropped`: a total since the broker's start."""
        try:
            total = int(payload)
        except ValueError:
            return
        before, self._dropped = self._dropped, total
        if before is None:
            log.info("broker's dropped messages so far", total=total)
        elif total != before and (lost := total - before if total > before else total):
            text = f"the broker dropped {lost} messages: its queue or memory limits are too small for its clients"
            self._intake.technical("broker_dropped", text)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.settings.alert_sweep_s)
            try:
                self._count()
                self._check_down(asyncio.get_running_loop().time())
            except Exception:
                log.exception("bridge watch failed")

    def _check_down(self, now: float) -> None:
        for lane in self._lanes:
            if lane.down_since is None:
                self._told_down.discard(lane.name)
            elif now - lane.down_since > self.settings.disconnected_alert_s and lane.name not in self._told_down:
                self._told_down.add(lane.name)
                where = f"{self.settings.host}:{self.settings.port}"
                self._intake.technical("bridge_disconnected", f"no {lane.name} session at {where}: {lane.reason}")

    def _count(self) -> None:
        for lane in self._lanes:
            counters.MESSAGES_IN.labels("bridge").inc(lane.taken)
            counters.MESSAGES_OUT.labels("bridge").inc(lane.sent)
            lane.taken = lane.sent = 0
