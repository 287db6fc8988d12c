"""The event loop's own progress: a process whose loop is blocked has threads that answer, and must not look alive."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

EVERY_S = 0.5
STANDS_AFTER_S = 5.0  # ten beats missed: a slice of the loop is 5 ms, so this is no load, something hangs


@dataclass
class Pulse:
    """Beats as long as the loop turns. Read from other threads."""

    at: float = field(default_factory=time.monotonic)

    def standing(self) -> str | None:
        """Return why the process must be taken for dead; None while its loop turns."""
        silent_s = time.monotonic() - self.at
        return f"the event loop stands since {silent_s:.1f} s" if silent_s > STANDS_AFTER_S else None

    async def beat(self) -> None:
        while True:
            self.at = time.monotonic()
            await asyncio.sleep(EVERY_S)


@contextlib.asynccontextmanager
async def beating() -> AsyncIterator[Pulse]:
    """Beat until the block ends."""
    pulse = Pulse()
    task = asyncio.create_task(pulse.beat(), name="pulse")
    try:
        yield pulse
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
