"""procrastinate, a job queue in PostgreSQL: the peer that remembers. Also run as a module: its worker process.

`python -m hub.bench.queue_peer DSN URL` works until killed.
"""

import asyncio
import http.client
import importlib
import importlib.util
import signal
import subprocess
import sys
import time
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from hub.errors import HubError

PROMISE = "durable rows; a job that was running when its worker died stays `doing` until somebody looks"
CONCURRENCY = 64  # as many jobs side by side as carehub has senders
READY_S = 20.0
READY_WORD = b"ready\n"


def installed() -> bool:
    """Whether the peer is there to be measured."""
    return importlib.util.find_spec("procrastinate") is not None


def app_of(dsn: str, pool: int = 4) -> Any:
    """Return an App with one task, `post`."""
    procrastinate = importlib.import_module("procrastinate")
    connector = procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=pool)
    app = procrastinate.App(connector=connector)

    @app.task(name="post", retry=True)  # type: ignore[untyped-decorator, unused-ignore]
    def post(url: str, path: str) -> None:
        _post(url, path)

    return app


class QueuePeer:
    """A worker process and an open App to defer with, in a database of their own."""

    def __init__(self, dsn: str, url: str) -> None:
        self._dsn, self._url = dsn, url
        self._worker: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        self.app = app_of(self._dsn, pool=8)
        await self.app.open_async()
        await self.app.schema_manager.apply_schema_async()
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._end(signal.SIGKILL)
        await self.app.close_async()

    async def start(self) -> None:
        words = [sys.executable, "-m", "hub.bench.queue_peer", self._dsn, self._url]
        self._worker = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
        assert self._worker.stdout is not None
        if await asyncio.to_thread(self._worker.stdout.readline) != READY_WORD:
            raise HubError("procrastinate's worker did not start: run `python -m hub.bench.queue_peer` by hand")

    async def kill_and_start(self) -> None:
        """End the worker without warning, and start another."""
        self._end(signal.SIGKILL)
        await self.start()

    async def raise_alert(self, key: str, at: datetime | None = None) -> None:
        """Return when the job is committed; with `at` it is scheduled."""
        await self.app.configure_task("post", schedule_at=at).defer_async(url=self._url, path=key)

    async def schedule(self, number: int, at: datetime) -> None:
        """Schedule many jobs that nobody waits for."""
        jobs = [{"url": self._url, "path": f"/never/{n}"} for n in range(number)]
        for start in range(0, number, 1_000):
            await self.app.configure_task("post", schedule_at=at).batch_defer_async(*jobs[start : start + 1_000])

    def _end(self, how: signal.Signals) -> None:
        if self._worker is not None:
            self._worker.send_signal(how)
            self._worker.wait(10)
            self._worker = None


def _post(url: str, path: str) -> None:
    body = b'{"started":%.6f}' % time.time()
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        line.request("POST", path, body)
        line.getresponse().read()
    finally:
        line.close()


async def work(dsn: str) -> None:
    """Run the worker until killed."""
    app = app_of(dsn, pool=16)
    async with app.open_async():
        sys.stdout.write(READY_WORD.decode())
        sys.stdout.flush()
        await app.run_worker_async(concurrency=CONCURRENCY, fetch_job_polling_interval=1.0, delete_jobs="never")


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
