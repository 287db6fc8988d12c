"""Shows the detectors and supervision what was stored, and that time passes; what they find is raised."""

import asyncio
from collections.abc import Callable

import numpy as np

from alerts.detectors.detector import Finding
from hub import clock
from hub.alerts_made import finding_alert
from hub.detection import Detection
from hub.device_table import DeviceTable
from hub.fall_streams import FallStreams
from hub.gathered import Gathered
from hub.jobs import Ring
from hub.still_rings import ring
from hub.store.raw import BatchNumbers
from hub.store.telemetry import moment
from hub.supervision import Supervision

AT_ONCE = 2048  # messages shown to the detectors before the event loop gets its turn
RAISED_AT_ONCE = 256  # findings of a tick likewise: a network that fails silences thousands in one second
TICK_S = 1.0


class Observer:
    """What follows a commit. A batch's number is done when everybody has seen the batch.

    Args:
        put: takes what is to be raised.
        technical: takes a rule and words, when a detector has failed.
        freed: called when there may be room for messages again.
    """

    def __init__(
        self, *, table: DeviceTable, detection: Detection, falls: FallStreams, supervision: Supervision,
        numbers: BatchNumbers, put: Callable[[Ring], None], technical: Callable[[str, str], None],
        freed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._table, self._detection, self._falls, self._supervision = table, detection, falls, supervision
        self._numbers, self._put, self._technical, self._freed = numbers, put, technical, freed
        self._bursts: asyncio.Queue[tuple[int, Gathered]] = asyncio.Queue()
        self.raising = 0  # findings that are not saved yet

    def urgent(self, number: int, gathered: Gathered) -> None:
        """Take one message that was stored by itself."""
        self.raise_all(self._detection.observe(gathered.rows, gathered.columns))
        self._after(number, gathered)

    async def batch(self, number: int, gathered: Gathered) -> None:
        """Take a batch that was stored."""
        for start in range(0, len(gathered.rows), AT_ONCE):
            part = np.arange(start, min(start + AT_ONCE, len(gathered.rows)))
            self.raise_all(self._detection.observe(gathered.rows[part], gathered.columns.take(part)))
            await asyncio.sleep(0)
        self._after(number, gathered)

    def _after(self, number: int, gathered: Gathered) -> None:
        self._supervision.observe(gathered.rows, gathered.columns, gathered.links)
        if gathered.bursts:
            self._bursts.put_nowait((number, gathered))
        else:
            self._numbers.done(number)
        self._freed()

    async def judge_bursts(self) -> None:
        """Judge acceleration until cancelled."""
        while True:
            number, gathered = await self._bursts.get()
            try:
                self.raise_all(await self._falls.feed(gathered.bursts))
            finally:
                self._numbers.done(number)
                self._bursts.task_done()

    async def drained(self) -> None:
        """Return when all acceleration is judged."""
        await self._bursts.join()

    async def tick(self, now_ms: int) -> None:
        """Let time pass for all detectors, a part at a time."""
        for found in self._detection.tick(now_ms):
            self.raising += len(found)  # no checkpoint between the first and the last of them
            for start in range(0, len(found) or 1, RAISED_AT_ONCE):
                self.raise_all(found[start : start + RAISED_AT_ONCE], now_ms)
                await asyncio.sleep(0)
            self.raising -= len(found)
        self._supervision.tick(now_ms)

    async def ticks(self) -> None:
        """Let time pass until cancelled."""
        while True:
            await self.tick(clock.now_ms())
            self._freed()
            await asyncio.sleep(TICK_S)

    def raise_all(self, found: list[Finding], now_ms: int = 0) -> None:
        """Raise what was found, but for the silences that a lost gateway explains."""
        if self._detection.failed:
            self._technical("detector_failed", f"failed on a batch: {', '.join(sorted(self._detection.failed))}")
            self._detection.failed.clear()
        clock_ms = clock.now_ms()
        for finding in self._supervision.alone(found, now_ms or clock_ms):
            self.raising += 1
            alert = finding_alert(self._table, finding, moment(clock_ms))
            self._put(ring(alert, finding, self._detection.begin_anew, self._raised))

    def _raised(self) -> None:
        self.raising -= 1
