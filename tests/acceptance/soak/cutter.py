"""A line to PostgreSQL that can be cut at the worst moment: at a COMMIT, and the caller cannot know what came of it."""

import asyncio
from contextlib import suppress
from enum import StrEnum

CHUNK = 64 * 1024
COMMIT = b"COMMIT"


class Cut(StrEnum):
    BEFORE = "before"  # the server never hears of the COMMIT
    AFTER = "after"  # it has committed, and the answer is lost


class Cutter:
    """Passes bytes both ways on 127.0.0.1; once armed, the next COMMIT of anybody ends its connection."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.port = 0
        self.cuts: dict[Cut, int] = dict.fromkeys(Cut, 0)
        self._armed: Cut | None = None
        self._cut = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Cutter":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def through(self, dsn: str) -> str:
        """Return a DSN of the server as one that leads through here."""
        return dsn.replace(f":{self.server_port}/", f":{self.port}/")

    async def cut(self, how: Cut, patience_s: float = 5.0) -> bool:
        """Cut at the next COMMIT; False when nobody committed in time."""
        self._armed = how
        self._cut.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._cut.wait()
                return True
        self._armed = None
        return False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.CancelledError):
            theirs, ours = await asyncio.open_connection("127.0.0.1", self.server_port)
            try:
                down = asyncio.create_task(_pass(theirs, writer), name="from the server")
                await self._up(reader, ours, theirs, down)
            finally:
                down.cancel()
                await asyncio.gather(down, return_exceptions=True)
                ours.transport.abort()
        writer.transport.abort()

    async def _up(
        self,
        reader: asyncio.StreamReader,
        ours: asyncio.StreamWriter,
        theirs: asyncio.StreamReader,
        down: asyncio.Task[None],
    ) -> None:
        """From the hub to the server, until either ends, or it is cut."""
        while not down.done() and (data := await reader.read(CHUNK)):
            how, hit = self._armed, COMMIT in data
            if how is not None and hit:
                self._armed = None
                self.cuts[how] += 1
                if how is Cut.AFTER:
                    down.cancel()
                    await asyncio.gather(down, return_exceptions=True)
                    ours.write(data)
                    await ours.drain()
                    await theirs.read(CHUNK)  # it has answered, and nobody hears it
                self._cut.set()
                return
            ours.write(data)
            await ours.drain()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()  # the server is gone: the hub hears of it at once, as from a closed socket
