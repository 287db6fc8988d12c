"""Debian's prometheus-alertmanager, set up to page at once: the peer that forgets, but is quick."""

import asyncio
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from hub.bench.receiver import ALERTS
from hub.bench.wire import LIMIT_S
from hub.errors import HubError
from hub.ports import free_port

PROGRAM = "prometheus-alertmanager"
PROMISE = "in memory: an accepted alert is gone with the process"
READY_S = 20.0
CONFIG = """
route:
  receiver: bench
  group_by: [n]
  group_wait: 0s
  group_interval: 1h
  repeat_interval: 4h
receivers:
  - name: bench
    webhook_configs:
      - url: "{url}"
        send_resolved: false
"""


class Alertmanager:
    """One process with a folder of its own. Every alert is a group of its own, so none waits for another."""

    def __init__(self, program: str, folder: Path, url: str) -> None:
        self._program, self._folder = program, folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alertmanager.yml").write_text(CONFIG.format(url=url + ALERTS))
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._end(signal.SIGTERM)

    async def start(self) -> None:
        words = (
            f"--config.file={self._folder / 'alertmanager.yml'}", f"--storage.path={self._folder / 'kept'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=", "--log.level=error",
        )  # fmt: skip
        with (self._folder / "alertmanager.log").open("ab") as log:
            self._process = subprocess.Popen([self._program, *words], stdout=log, stderr=log)  # noqa: ASYNC220
        async with asyncio.timeout(READY_S):
            while not await self._answers():  # noqa: ASYNC110 - another process: there is nothing to wait for
                await asyncio.sleep(0.05)

    async def kill_and_start(self) -> None:
        """End it without warning, and start it on what it kept."""
        self._end(signal.SIGKILL)
        await self.start()

    async def line(self) -> "Poster":
        """Return a kept-alive connection to its interface."""
        return await Poster.open(self.port)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None


class Poster:
    """POST /api/v2/alerts on one kept connection, nothing between the socket and the clock."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def raise_alert(self, key: str) -> None:
        """Return when the alert was accepted."""
        body = msgspec.json.encode([{"labels": {"alertname": "sos", "n": key}}])
        self._writer.write(
            b"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), LIMIT_S)
        if not head.startswith(b"HTTP/1.1 200"):
            raise HubError(f"Alertmanager refused an alert: {head[:40]!r}")

    def close(self) -> None:
        self._writer.close()
