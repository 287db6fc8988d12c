"""Runs the loops of a process until SIGTERM or Ctrl-C, and makes sure that they end."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

AGAIN_S = 0.5  # Python 3.11's wait_for may swallow a cancellation: it is repeated until everybody has ended


async def until_signal(**loops: Coroutine[None, None, None]) -> None:
    """Run named loops side by side; a loop that fails ends the others and its error is raised."""
    stop = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop, name=name) for name, loop in loops.items()]
        await stop.wait()
        await ended(*tasks)


async def ended(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel tasks until they have ended. What they failed with is told elsewhere."""
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
