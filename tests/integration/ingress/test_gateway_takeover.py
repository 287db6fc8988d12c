"""One ingest process is killed, another takes over: trackers come back, and what was answered had been saved."""

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from hub.ports import free_port
from tests.integration.ingest.conftest import add_resident
from tests.integration.ingest.test_process import Process
from tests.integration.ingress.parts import Raw, until
from tests.integration.ingress.trackers import ALARM, gt06_answer, gt06_login, gt06_sos

pytestmark = pytest.mark.anyio

TRACKERS = 12
BEFORE, AFTER = 3, 8  # presses of each: answered when the process is killed, and in all
STARTED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


class WithGateway(Process):
    """An ingest process with a port for GT06."""

    def __init__(self, dsn: str, folder: Path) -> None:
        super().__init__(dsn, folder)
        self.tcp_port = free_port()

    def start(self) -> None:
        os.environ |= {"CAREHUB_GATEWAY_ENABLED": "true", "CAREHUB_GATEWAY_PROTOCOLS": f"gt06:{self.tcp_port}"}
        try:
            super().start()
        finally:
            del os.environ["CAREHUB_GATEWAY_ENABLED"], os.environ["CAREHUB_GATEWAY_PROTOCOLS"]


class Tracker:
    """Presses until all its presses are answered; signs in again wherever it is told to when its line is gone."""

    def __init__(self, number: int) -> None:
        self.imei = f"86200000{number:07}"
        self.answered = 0

    def at(self, press: int) -> datetime:
        return STARTED + timedelta(seconds=press)

    async def press_all(self, ports: list[int]) -> None:
        while self.answered < AFTER:
            try:
                async with await Raw.open(ports[-1]) as line:
                    await self._press_on(line)
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.05)

    async def _press_on(self, line: Raw) -> None:
        line.say(gt06_login(self.imei))
        assert await line.reader.readexactly(10) == gt06_answer(0x01, 1)
        while self.answered < AFTER:
            serial = 10 + self.answered
            line.say(gt06_sos(serial, self.at(self.answered)))
            assert await line.reader.readexactly(10) == gt06_answer(ALARM, serial)
            self.answered += 1


@pytest.fixture
def processes(dsn: str, tmp_path: Path) -> Iterator[tuple[WithGateway, WithGateway]]:
    both = [WithGateway(dsn, tmp_path / name) for name in ("first", "second")]
    try:
        for process in both:
            process.folder.mkdir()
        both[0].start()
        both[0].wait_page("readyz", "ok")
        both[1].start()
        both[1].wait_page("readyz", "waiting to own the devices")
        yield both[0], both[1]
    finally:
        for process in both:
            if process.popen is not None and process.popen.poll() is None:
                process.end(signal.SIGKILL)


def counted(dsn: str) -> dict[str, int]:
    """Return how many presses of each device are saved."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        rows = conn.execute(
            "select d.address, count(*) from press p join device d on d.id = p.device_id group by 1"
        ).fetchall()
    return dict(rows)


async def test_what_was_answered_is_saved_and_the_successor_hears_the_rest(
    processes: tuple[WithGateway, WithGateway], dsn: str
) -> None:
    first, second = processes
    trackers = [Tracker(number) for number in range(TRACKERS)]
    for tracker in trackers:
        add_resident(dsn, f"gt06:{tracker.imei}")
    ports = [first.tcp_port]
    async with asyncio.TaskGroup() as group:
        for tracker in trackers:
            group.create_task(tracker.press_all(ports), name=tracker.imei)
        await until(lambda: sum(tracker.answered for tracker in trackers) >= TRACKERS * BEFORE, 60.0)
        await asyncio.to_thread(first.end, signal.SIGKILL)
        heard = {f"gt06:{tracker.imei}": tracker.answered for tracker in trackers}
        saved = counted(dsn)
        assert all(saved.get(address, 0) >= answered for address, answered in heard.items())
        await asyncio.to_thread(second.wait_page, "readyz", "ok")
        ports.append(second.tcp_port)
    assert counted(dsn) == {f"gt06:{tracker.imei}": AFTER for tracker in trackers}
    with psycopg.connect(dsn, autocommit=True) as conn:
        rows = conn.execute("select presses from incident where kind = 'sos'").fetchall()
    assert sum(presses for (presses,) in rows) == TRACKERS * AFTER
