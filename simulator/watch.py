"""A watch that speaks carehub's own profile: vitals, presses until it hears 收到, wrist bursts in a fall."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiomqtt
import numpy as np

from simulator import motion
from simulator.encoders import carehub as words
from simulator.ledger import Ledger, Press, now
from simulator.line import Line
from simulator.neighbourhood import Device, Endpoint
from simulator.physiology import Body

REPEAT_S = 5.0  # a press that has not been answered is sent again, under the same identity
BURST_S = 0.1
BURSTS_WAITING = 50  # five seconds of wrist the watch keeps when the line is slow; older ones are dropped


@dataclass
class Watch:
    """One watch on one wrist."""

    device: Device
    resident: str
    listener: Endpoint
    body: Body
    ledger: Ledger
    seed: str = ""
    battery_pct: float = 80.0
    shows: str = ""  # what is on its screen
    lit: asyncio.Event = field(default_factory=asyncio.Event)  # set when something new is on it
    _seq: int = 0
    _sample: int = 0
    _draw: random.Random = field(init=False)
    _unheard: dict[str, tuple[Press, asyncio.Event]] = field(default_factory=dict)
    _doing: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self.battery_pct = self._draw.uniform(45, 98)
        name = self.device.name
        self.line = Line(
            self.listener, self.device.username, self.device.secret,
            subscribe=[words.topic(name, "command")], hear=self._hear,
            will=aiomqtt.Will(words.topic(name, "status"), words.status(online=False), qos=1, retain=True),
        )  # fmt: skip

    @property
    def name(self) -> str:
        return self.device.name

    async def start(self) -> None:
        await self._send("status", words.status(online=True))

    async def report(self, at: datetime) -> None:
        """One minute of her life."""
        self.battery_pct = max(5.0, self.battery_pct - 0.02)
        await self._send("vitals", self._minute(at))

    async def catch_up(self, at: datetime, minutes: int) -> None:
        """Send what was stored while out of reach, oldest first, as fast as it is acknowledged."""
        for back in range(minutes, -1, -1):
            await self._send("vitals", self._minute(at - timedelta(minutes=back)))

    async def press(self, at: datetime) -> Press:
        """The red button."""
        return await self._insist(at, "sos")

    async def cancel(self, at: datetime, of: str = "fall") -> None:
        """没事: the wearer says it was nothing."""
        self._seq += 1
        await self._send("event", words.event(self._seq, at, "cancel", self._identity(), of=of))

    async def fall(self, rng: np.random.Generator, *, before_s: float = 6.0, after_s: float = 25.0) -> Press:
        """Walk, fall, lie: the wrist's samples in bursts as they come. The watch itself has no opinion."""
        whole = motion.fall_of_a_walker(rng, before_s=before_s, after_s=after_s)
        press = self.ledger.press(self.device.address, self.resident, "fall", None)
        await self.stream(whole)
        self.ledger.press_saved(press)
        press.copies = 1
        return press

    async def stream(self, whole: motion.Motion) -> None:
        """Send bursts every 100 ms without waiting for one to be acknowledged before the next."""
        loop = asyncio.get_running_loop()
        begun, waiting = loop.time(), set[asyncio.Task[None]]()
        for number, part in enumerate(motion.bursts(whole, BURST_S)):
            await asyncio.sleep(max(0.0, begun + number * BURST_S - loop.time()))
            while len(waiting) >= BURSTS_WAITING:
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            first = self._sample + part.start
            payload = words.accel(first, whole.rate_hz, whole.accel_mg[part], whole.gyro_2mrad[part])
            waiting.add(asyncio.create_task(self._send("accel", payload), name=f"burst {first}"))
        if waiting:
            await asyncio.wait(waiting)
        self._sample += len(whole.accel_mg)

    async def _insist(self, at: datetime, word: str) -> Press:
        """Publish under one identity until the hub has said 收到 for it."""
        identity = self._identity()
        self._seq += 1
        payload = words.event(self._seq, at, word, identity, battery=round(self.battery_pct))
        press = self.ledger.press(self.device.address, self.resident, word, f"{word}:{identity}")
        heard = asyncio.Event()
        self._unheard[identity] = (press, heard)
        while not heard.is_set():
            press.copies += 1
            await self._send("event", payload)
            self.ledger.press_saved(press)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), REPEAT_S)
        del self._unheard[identity]
        return press

    def _hear(self, _topic: str, payload: bytes) -> None:
        told = words.said(payload)
        if "do" in told:
            self._obey(told["do"])
            return
        self.shows = str(told.get("text", ""))
        self.lit.set()
        waiting = self._unheard.get(str(told.get("id", "")))
        if waiting and told.get("say") == "received":
            press, heard = waiting
            self.ledger.press_heard(press)
            heard.set()

    def _obey(self, order: object) -> None:
        """It measures when it is told to; what it knows of itself has no place in it."""
        if isinstance(order, dict) and order.get("type") == "measure":
            doing = asyncio.create_task(self.report(now()), name=f"{self.name} measures")
            self._doing.add(doing)
            doing.add_done_callback(self._doing.discard)

    def _minute(self, at: datetime) -> bytes:
        self._seq += 1
        return words.vitals(self._seq, at, self.body.live(at), battery_pct=self.battery_pct)

    def _identity(self) -> str:
        """A number no other event of this watch ever had, restarts included."""
        return f"{int(now().timestamp() * 1000):x}-{self._draw.getrandbits(32):08x}"

    async def _send(self, kind: str, payload: bytes) -> None:
        self.ledger.message_sent(f"watch {kind}")
        await self.line.publish(words.topic(self.device.name, kind), payload)
        self.ledger.message_saved(f"watch {kind}")
