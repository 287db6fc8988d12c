"""A 3G watch on its TCP line: keeps itself alive, reports, and repeats an alarm until the server says AL."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime

from simulator.encoders import watch3g as words
from simulator.ledger import Ledger, Press, now
from simulator.neighbourhood import Device, Endpoint, Resident
from simulator.physiology import Body

KEEPALIVE_S = 20.0
REPEAT_S = 3.0  # the sheet says five minutes for a keepalive and does not say for an alarm; traffic shows seconds
PAUSE_S = (0.3, 3.0)


@dataclass
class Watch3g:
    """One watch. `run` keeps the line; the alarm it owes is sent until it is answered."""

    device: Device
    resident: Resident
    gateway: Endpoint
    body: Body
    ledger: Ledger
    battery_pct: int = 74
    steps: int = 1200
    _writer: asyncio.StreamWriter | None = None
    _answered: dict[str, asyncio.Event] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.device.name

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pause = PAUSE_S[0]
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, self._writer = await asyncio.open_connection(self.gateway.host, self.gateway.port)
                pause = PAUSE_S[0]
                try:
                    await self._talk(reader)
                finally:
                    self._writer.close()
                    self._writer = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_S[1])

    async def press(self, at: datetime, copies: int = 1) -> Press:
        """SOS: the same alarm, with the same time in it, `copies` times and then until answered."""
        frame = words.alarm(
            self.device.name, at, self._fix(), battery_pct=self.battery_pct, steps=self.steps, status=words.SOS_BIT
        )
        press = self.ledger.press(self.device.address, self.resident.name, "sos", None)
        self._answered["AL"] = asyncio.Event()
        for _ in range(copies):
            await self._write(frame)
            press.copies += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._answered["AL"].wait(), REPEAT_S / 3)
        while not self._answered["AL"].is_set():
            await self._write(frame)
            press.copies += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._answered["AL"].wait(), REPEAT_S)
        self.ledger.press_saved(press)
        return press

    async def report(self, at: datetime) -> None:
        """One minute: where it is and what the body says."""
        minute = self.body.live(at)
        self.steps += minute.steps
        frames = [words.position(self.device.name, at, self._fix(), battery_pct=self.battery_pct, steps=self.steps)]
        if minute.heart_rate_bpm is not None:
            frames.append(words.pulse(self.device.name, minute.heart_rate_bpm))
        if minute.spo2_pct is not None:
            frames.append(words.oxygen(self.device.name, minute.spo2_pct))
        for frame in frames:
            self.ledger.message_sent("3G watch")
            await self._write(frame)

    async def _talk(self, reader: asyncio.StreamReader) -> None:
        """Say hello, then listen; between answers say LK again. No answer to LK: the watch hangs up."""
        stream = bytearray()
        while True:
            await self._write(
                words.keepalive(self.device.name, steps=self.steps, tumbles=0, battery_pct=self.battery_pct)
            )
            deadline = asyncio.get_running_loop().time() + KEEPALIVE_S
            while (left := deadline - asyncio.get_running_loop().time()) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):  # wait_for would lose a cancel that comes with an answer
                        chunk = await reader.read(4096)
                    if not chunk:
                        return
                    stream += chunk
                    for word in words.answers(stream):
                        await self._hear(word)

    async def _hear(self, word: str) -> None:
        """An answer to what it said, or an order: told back, then obeyed as far as a body and a place go."""
        if word in self._answered:
            self._answered[word].set()
        elif word in words.ORDERS:
            await self._write(words.echo(self.name, word))
            if word == "CR":
                await self._write(
                    words.position(self.name, now(), self._fix(), battery_pct=self.battery_pct, steps=self.steps)
                )
            elif word == "hrtstart":  # measured and failed is a 0
                await self._write(words.pulse(self.name, self.body.live(now()).heart_rate_bpm or 0))

    async def _write(self, frame: bytes) -> bool:
        writer = self._writer
        if writer is None:
            return False
        try:
            writer.write(frame)
            await writer.drain()
        except OSError:
            return False
        return True

    def _fix(self) -> words.Fix:
        lat, lon = self.resident.place
        return words.Fix(lat=lat, lon=lon, valid=False)  # at home, under a roof: the last place, marked V
