"""Runs the loops of a process until SIGTERM or Ctrl-C, and makes sure that they end."""

import asyncio
import signal
from collections.abc import Coroutine

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
        while not all(task.done() for task in tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=AGAIN_S)
