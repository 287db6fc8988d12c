"""A loop that runs beside the story, and waiting for what it does."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from hub.loops.ending import ended
from tests.patience import PATIENCE_S


class Loop(Protocol):
    def run(self) -> Awaitable[None]: ...


L = TypeVar("L", bound=Loop)


@asynccontextmanager
async def running(loop: L) -> AsyncIterator[L]:
    """Run a loop until the block ends."""
    task = asyncio.ensure_future(loop.run())
    try:
        yield loop
    finally:
        await ended(task)


async def until(happened: Callable[[], object]) -> None:
    """Return as soon as `happened()` is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
