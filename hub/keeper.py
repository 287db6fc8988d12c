"""Saves the detectors' state and brings it back: saved blocks first, then what was stored after them, in order."""

import asyncio
from datetime import datetime, timedelta

import numpy as np
import structlog

from alerts.detectors.detector import Finding
from devices.telemetry import AccelWindow
from hub import usual
from hub.detection import BLOCK, Detection
from hub.fall_streams import FallStreams
from hub.pieces import Cut, cut, joined, read_layout, read_whole, remembered
from hub.store import checkpoints
from hub.store.checkpoints import SUMMARY, Part
from hub.store.pool import Connection
from hub.store.raw import BatchNumbers

TURNS = 12  # every changed block is saved at least every so many checkpoints: of a million devices six at each
REPLAY_LIMIT = timedelta(hours=24)  # without a checkpoint, telemetry older than this is not looked at again
FALL_HISTORY = timedelta(seconds=15)  # what a fall stream needs to know of its past

log = structlog.get_logger()


class Keeper:
    """One partition's checkpoints."""

    def __init__(self, detection: Detection, numbers: BatchNumbers, partition: int, offset_min: int = 0) -> None:
        self._detection, self._numbers, self._partition = detection, numbers, partition
        self._offset_min = offset_min
        self._saved: dict[str, Cut] = {}  # what the pieces of each block were like when they were saved, by part

    async def save(self, conn: Connection, now: datetime, *, everything: bool = False) -> int:
        """Save the blocks that have waited longest, or all; returns how many. Bounded work, most of it in a thread."""
        detection = self._detection
        dirty = np.flatnonzero(detection.dirty)
        most = len(detection.dirty) if everything else -(-len(detection.dirty) // TURNS)
        turn = dirty[np.argsort(detection.saved_through[dirty], kind="stable")][:most]
        for block in turn.tolist():
            through = self._numbers.through
            detection.dirty[block] = False
            part = f"block:{block:05}"
            whole = await asyncio.to_thread(cut, *detection.block_columns(block))
            before = self._saved.pop(part, None)  # after a commit of which nobody heard, all of it is written
            try:
                await checkpoints.save_block(conn, self._partition, Part(part, through, b"", now), whole, before)
            except BaseException:
                detection.dirty[block] = True
                raise
            self._saved[part] = whole.seal()
            detection.saved_through[block] = max(int(detection.saved_through[block]), through)
        waiting = np.flatnonzero(detection.dirty)
        oldest = int(detection.saved_through[waiting].min()) if len(waiting) else self._numbers.through
        await checkpoints.save(conn, self._partition, Part(SUMMARY, min(oldest, self._numbers.through), b"", now))
        return len(turn)

    async def restore(self, conn: Connection, falls: FallStreams, now: datetime) -> list[Finding]:
        """Bring everything back and return what the replay found: the same findings as before, with the same names."""
        detection = self._detection
        through, since = 0, now - REPLAY_LIMIT
        async for part in checkpoints.load(conn, self._partition):
            if part.part == SUMMARY:
                through = part.through_batch
                detection.restored_at_ms = int(part.at.timestamp() * 1000)
                since = min(since, part.at - FALL_HISTORY)
            else:
                await asyncio.to_thread(self._put_back, part)
        detection.bring_scores()
        detection.hub_was_here(detection.restored_at_ms)
        await usual.bring(conn, detection, since, self._offset_min)  # what is replayed comes after it
        found = await self._replay(conn, through, since)
        found += await self._replay_falls(conn, falls, now)
        return found

    def _put_back(self, part: Part) -> None:
        layout = read_layout(part.body)
        device, columns = joined(layout, part.pieces) if layout else read_whole(part.body)
        self._detection.restore(device, columns, part.through_batch)
        if layout:  # what is as it was need not be written again
            self._saved[part.part] = remembered(layout, part.pieces)

    async def _replay(self, conn: Connection, through: int, since: datetime) -> list[Finding]:
        detection = self._detection
        table = detection.table
        found: list[Finding] = []
        total = 0
        async for batch, columns in checkpoints.telemetry_after(conn, through, since):
            rows = table.rows_of_ids(columns.device)
            wanted = (rows >= 0) & (batch > detection.saved_through[np.maximum(rows, 0) // BLOCK])
            found += detection.observe(rows[wanted], columns.take(wanted))
            total += int(wanted.sum())
            await asyncio.sleep(0)
        log.info("telemetry replayed", messages=total, after_batch=through)
        return found

    async def _replay_falls(self, conn: Connection, falls: FallStreams, now: datetime) -> list[Finding]:
        table = self._detection.table
        bursts = []
        for _, device_id, received_ms, first, rate_hz, accel, gyro in await checkpoints.windows_since(
            conn, now - FALL_HISTORY
        ):
            row = table.row_of_id(device_id)
            if row >= 0:
                window = AccelWindow(
                    rate_hz=rate_hz, first=first, accel_mg=np.frombuffer(accel, "<i2").reshape(-1, 3),
                    gyro_2mrad=None if gyro is None else np.frombuffer(gyro, "<i2").reshape(-1, 3),
                )  # fmt: skip
                bursts.append((row, received_ms, window))
        return await falls.feed(bursts)
