"""carehub bench console: many consoles on one queue, a change each second; change to visible, beside a bare NOTIFY.

A change is another press of an open case, committed by the hub's own engine. Every console is a real stream with a
session of its own, takes the rows that come with an event, and fetches as the page does: the whole queue every 15 s and
whenever something is announced that stands in no row. The floor is a connection that does nothing but LISTEN.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from alerts.model import Alert, AlertKind, Severity
from hub import incidents
from hub.bench.consoles import Browser, Change, seat, weigh
from hub.bench.cost import cpu_s
from hub.bench.folder import own_folder
from hub.bench.scenes import spread
from hub.embedded import EmbeddedPostgres
from hub.errors import HubError
from hub.ports import free_port
from hub.store import devices, people
from hub.store.pool import Connection, connect, hub_now, migrate

READY_S = 60.0
SETTLE_S = 3.0
LAST_S = 15.0


def main(argv: list[str]) -> int:
    options = arguments(argv)
    with own_folder("console") as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        server = EmbeddedPostgres(folder / "db")
        server.start()
        try:
            dsn = server.dsn("postgres")
            migrate(dsn)
            figures = runner.run(play(options, dsn, folder))
        finally:
            server.stop()
    print(table(figures))
    if options.json:
        print(json.dumps(figures))
    return 0


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="carehub bench console", description=__doc__)
    parser.add_argument("--consoles", type=int, default=50, help="operators with an open console")
    parser.add_argument("--incidents", type=int, default=200, help="open incidents")
    parser.add_argument("--changes", type=int, default=60, help="changes to be measured")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two changes")
    parser.add_argument("--whole", action="store_true", help="consoles fetch the whole queue at every change")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args(argv)


async def play(options: argparse.Namespace, dsn: str, folder: Path) -> dict[str, Any]:
    async with await connect(dsn, name="bench console") as conn, AsyncExitStack() as stack:
        tokens = [await seat(conn, number) for number in range(options.consoles)]
        cases = await provision(conn, options.incidents)
        url, process = await stack.enter_async_context(console(dsn, folder))
        connector = aiohttp.TCPConnector(limit=0)
        client = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        weight = await weigh(client, url, tokens[0])
        changes: list[Change] = []
        browsers = await stack.enter_async_context(opened(client, url, tokens, changes, whole=options.whole))
        await stack.enter_async_context(listening(dsn, changes))
        await asyncio.sleep(SETTLE_S)
        used_s = cpu_s(process)
        before = [(b.fetches, b.fetched_bytes, b.pushed_bytes) for b in browsers]
        for number in range(options.changes):
            began = time.monotonic()
            await press(conn, cases[number % len(cases)], f"change:{number}", changes)
            await asyncio.sleep(max(0.0, options.every - (time.monotonic() - began)))
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                while any(len(c.seen) < len(browsers) for c in changes):  # noqa: ASYNC110 - fifty callbacks fill it
                    await asyncio.sleep(0.05)
        fetched = sum(b.fetched_bytes - old[1] for b, old in zip(browsers, before, strict=True))
        fetches = sum(b.fetches - old[0] for b, old in zip(browsers, before, strict=True))
        pushed = sum(b.pushed_bytes - old[2] for b, old in zip(browsers, before, strict=True))
        used_s = cpu_s(process) - used_s
    line = {
        "cpu_ms_per_change": round(1000 * used_s / max(1, len(changes)), 1),
        "bytes_per_fetch": fetched // max(1, fetches), "fetches_per_change": round(fetches / max(1, len(changes)), 1),
        "bytes_pushed": pushed // max(1, len(changes) * options.consoles),
    }  # fmt: skip
    return figures_of(options, changes, weight.__dict__ | line)


def figures_of(options: argparse.Namespace, changes: list[Change], more: dict[str, Any]) -> dict[str, Any]:
    notified = [1000 * (c.notified - c.committed) for c in changes if c.notified is not None]
    told = [1000 * (at - c.committed) for c in changes for at in c.told]
    seen = [1000 * (at - c.committed) for c in changes for at in c.seen]
    return {
        "consoles": options.consoles, "incidents": options.incidents, "changes": len(changes),
        "missed": sum(options.consoles - len(c.seen) for c in changes),
        **spread(notified, "notify_ms"), **spread(told, "told_ms"), **spread(seen, "visible_ms"), **more,
    }  # fmt: skip


def table(f: dict[str, Any]) -> str:
    """Return the figures as a person reads them."""

    def of(name: str) -> str:
        low, half, high = (f[f"{name}_{part}"] for part in ("min", "p50", "p99"))
        return "–" if half is None else f"min {low:7.1f}   p50 {half:7.1f}   p99 {high:7.1f}"

    return "\n".join((
        f"{f['consoles']} consoles, {f['incidents']} open incidents, {f['changes']} changes, missed {f['missed']}",
        f"database's own NOTIFY, ms      {of('notify_ms')}",
        f"event at the console, ms       {of('told_ms')}",
        f"row visible, ms                {of('visible_ms')}",
        f"the console's own processor time: {f['cpu_ms_per_change']:.0f} ms a change, beats and all",
        f"page {f['page'] / 1024:.0f} kB ({f['page_gz'] / 1024:.0f} gz), its files {f['files'] / 1024:.0f} kB"
        f" ({f['files_gz'] / 1024:.0f} gz), first row after {1000 * f['first_row_s']:.0f} ms",
        f"a change is {f['bytes_pushed'] / 1024:.1f} kB to each console; besides, {f['fetches_per_change']:.0f} fetches"
        f" of {f['bytes_per_fetch'] / 1024:.1f} kB",
    ))  # fmt: skip


async def provision(conn: Connection, wanted: int) -> list[tuple[int, int]]:
    """Register residents with a watch each and open a case of each; returns (device, resident)."""
    made = []
    for number in range(wanted):
        async with conn.transaction():
            resident = await people.add_resident(
                conn, people.Resident(name=f"长者{number:03d}", area="测试社区", address=f"测试路 {number} 号"),
            )  # fmt: skip
            device = await devices.register(conn, f"carehub:bench{number:03d}", resident_id=resident, live=True)
        made.append((device, resident))
    for number, case in enumerate(made):
        await press(conn, case, f"open:{number}", None)
    return made


async def press(conn: Connection, case: tuple[int, int], identity: str, changes: list[Change] | None) -> None:
    """One more press of a case, as ingest writes it; the clock starts before the commit."""
    device, resident = case
    async with conn.transaction():
        now = await hub_now(conn)
        raised = await incidents.raise_alert(conn, Alert(
            alert_id=f"{device}:{identity}", kind=AlertKind.SOS, severity=Severity.CRITICAL, raised_at=now,
            device_id=device, resident_id=resident, area="测试社区", identity=identity,
        ))  # fmt: skip
        if changes is not None:
            row = await (
                await conn.execute("select presses from incident where id = %s", (raised.incident_id,))
            ).fetchone()
            assert row is not None
            assert raised.incident_id is not None
            changes.append(Change(incident=raised.incident_id, presses=row[0], committed=time.monotonic()))


@asynccontextmanager
async def console(dsn: str, folder: Path) -> AsyncIterator[tuple[str, int]]:
    """Run `carehub console` as a process of its own; yields its address and the number of its process."""
    port = free_port()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CAREHUB_")} | {
        "CAREHUB_DATABASE_DSN": dsn, "CAREHUB_CONSOLE_PORT": str(port), "CAREHUB_RUN_DIR": str(folder),
        "CAREHUB_LOG_LEVEL": "warning",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "hub", "console"], env=environ)  # noqa: ASYNC220 - once
    try:
        async with aiohttp.ClientSession() as client:
            await _ready(client, f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(READY_S)


async def _ready(client: aiohttp.ClientSession, url: str, process: "subprocess.Popen[bytes]") -> None:
    async with asyncio.timeout(READY_S):
        while True:
            if process.poll() is not None:
                raise HubError("the console did not start")
            with suppress(aiohttp.ClientError):
                async with client.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def opened(
    client: aiohttp.ClientSession, url: str, tokens: list[str], changes: list[Change], *, whole: bool
) -> AsyncIterator[list[Browser]]:
    """Have every operator's stream open; what she is told and sees is written into the changes."""

    def of(incident: int) -> Change | None:
        return next((c for c in reversed(changes) if c.incident == incident), None)

    def browser(token: str) -> Browser:
        told: set[int] = set()
        seen: set[int] = set()

        def on_told(incident: int) -> None:
            if (change := of(incident)) is not None and id(change) not in told:
                told.add(id(change))
                change.told.append(time.monotonic())

        def on_seen(incident: int, presses: int) -> None:
            change = of(incident)
            if change is not None and presses >= change.presses and id(change) not in seen:
                seen.add(id(change))
                change.seen.append(time.monotonic())

        return Browser(url=url, token=token, client=client, on_told=on_told, on_seen=on_seen, partial=not whole)

    browsers = [browser(token) for token in tokens]
    tasks = [asyncio.create_task(work, name="bench console") for b in browsers for work in (b.follow(), b.fetch())]
    try:
        async with asyncio.timeout(READY_S):
            for each in browsers:
                await each.connected.wait()
        yield browsers
        if failed := [t.exception() for t in tasks if t.done() and not t.cancelled() and t.exception()]:
            raise HubError(f"{len(failed)} consoles broke off: {failed[0]!r}")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def listening(dsn: str, changes: list[Change]) -> AsyncIterator[None]:
    """The floor: when a connection that only listens hears of each change."""
    async with await connect(dsn, name="bench listen") as conn:
        await conn.execute("listen carehub_incident")

        async def hear() -> None:
            async for note in conn.notifies():
                for change in changes[-2:]:
                    if note.payload == str(change.incident) and change.notified is None:
                        change.notified = time.monotonic()

        task = asyncio.create_task(hear(), name="bench listen")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
