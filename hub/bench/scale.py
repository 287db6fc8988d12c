"""A town of some size: it moves in, the hub starts, everybody speaks, some press, ingest dies and comes back."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from alerts.detectors import detectors
from hub.bench import citizens, town
from hub.bench.cases import Cases, at_work
from hub.bench.cost import Snapshot, cpu_s, family_cpu_s
from hub.bench.crowd import resident_kb
from hub.bench.detect import OFFSET_MIN, timed
from hub.bench.metrics_page import page, stored_messages
from hub.bench.offer import Offer, offered
from hub.bench.receiver import Receiver
from hub.bench.stack import Stack
from hub.detection import HEALTH, Detection
from hub.device_table import DeviceTable
from hub.embedded import EmbeddedPostgres
from hub.errors import HubError
from hub.store import policies
from hub.store.pool import connect, migrate

ROLES = ("ingest", "dispatch", "console", "audit")
PRESSES_FROM = 0.5  # of the residents: who presses under load is somebody else than who pressed before
SAMPLE_S = 1.0
SETTLE_S = 5.0  # what everybody does at a start is no rest
START_LIMIT_S = 1_800.0  # what is measured may be slow; it must not be called a failure
STORED = ("telemetry", "raw_batch", "observation")
WAL = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
SETTINGS = {
    "CAREHUB_LOG_LEVEL": "warning",
    "CAREHUB_LISTENER_CLIENTS_PER_CREDENTIAL": "1000",  # all gateways sign in with the town's account
    "CAREHUB_AUDIT_CANARY": "false",  # a press of the hub's own every few minutes is not what is timed here
}


class ScaleError(HubError):
    """The figures would mean nothing."""


@dataclass(kw_only=True)
class Scale:
    """One size. Everything is real but the people; the folder is the bench's."""

    folder: Path
    residents: int
    rate: float
    seconds: float
    connections: int = 128
    incidents_per_minute: float = 50.0
    idle_presses: int = 50
    warm_up_s: float = 10.0
    rest_s: float = 10.0
    figures: dict[str, Any] = field(default_factory=dict)

    async def play(self) -> dict[str, Any]:
        """Return the figures of this size."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        self.postgres.start()
        try:
            async with Receiver() as receiver:
                await self._move_in(receiver)
                await self._live(receiver)
        finally:
            self.postgres.stop()
        self.figures |= {"residents": self.residents, "rate": self.rate, "seconds": self.seconds}
        self.figures |= {"deadlines_pass_ms": 1000 * await asyncio.to_thread(deadlines_s, self.residents)}
        return self.figures

    async def _move_in(self, receiver: Receiver) -> None:
        dsn = self.postgres.dsn()
        await asyncio.to_thread(migrate, dsn)
        self.figures["moved_in_s"] = await asyncio.to_thread(self._register, f"{receiver.url}/c")
        async with await connect(dsn) as conn:
            await policies.publish(conn, town.POLICY)

    def _register(self, url: str) -> float:
        with psycopg.connect(self.postgres.dsn(), autocommit=True) as conn:
            took_s = citizens.people(conn, self.residents, url)
            citizens.buttons(conn, [*self._pressing(idle=True), *self._pressing(idle=False), self.residents - 1])
        return took_s

    def _pressing(self, *, idle: bool) -> Sequence[int]:
        """Return who presses: each presses once."""
        if idle:
            return range(min(self.idle_presses, self.residents // 4))
        first = int(self.residents * PRESSES_FROM)
        most = self.residents // 4
        return range(first, first + min(most, round(self.incidents_per_minute * self.seconds / 60)))

    async def _live(self, receiver: Receiver) -> None:
        stack = Stack(self.folder / "hub", {**SETTINGS, "CAREHUB_DATABASE_DSN": self.postgres.dsn()}, START_LIMIT_S)
        try:
            self.figures["first_start_s"] = await asyncio.to_thread(self._timed_start, stack)
            self.figures["memory_at_rest"] = self._memory(stack)
            self.figures["cores_at_rest"] = await self._at_rest(stack)
            async with at_work(self.postgres.dsn(), stack.console_url, stack.listener_port, receiver) as cases:
                await cases.several(self._pressing(idle=True))
                self.figures["idle"] = told(cases)
                await self._loaded(stack, cases)
                self.figures["raised"] = await self._raised(cases)
            self.figures["takeover_s"] = await asyncio.to_thread(self._timed_takeover, stack)
        finally:
            await asyncio.to_thread(stack.stop)

    def _timed_start(self, stack: Stack) -> dict[str, float]:
        """Start everything; returns the seconds until ingest takes messages and until all roles are ready."""
        began = time.monotonic()
        stack.launch()
        ingest = _wait_ready(stack, "INGEST", began)
        stack.wait()
        return {"ingest": ingest, "everything": time.monotonic() - began}

    def _timed_takeover(self, stack: Stack) -> float:
        """Kill ingest; returns the seconds until its successor takes messages: state, and what came since, are back."""
        began = time.monotonic()
        if not stack.kill("ingest"):
            raise ScaleError("ingest was not running")
        return _wait_ready(stack, "INGEST", began)

    def _memory(self, stack: Stack) -> dict[str, float]:
        """Return megabytes of each role, and bytes a registered device of all of them."""
        pids = stack.pids()
        mb = {role: resident_kb(pids[role]) / 1024 for role in ROLES}
        return {**mb, "hub_bytes_per_device": sum(mb.values()) * 2**20 / self.residents,
                "ingest_bytes_per_device": mb["ingest"] * 2**20 / self.residents}  # fmt: skip

    async def _at_rest(self, stack: Stack) -> float:
        """Return how many cores hub and PostgreSQL take while nobody speaks."""
        await asyncio.sleep(SETTLE_S)
        before, began = self._used(stack), time.monotonic()
        await asyncio.sleep(self.rest_s)
        now = self._used(stack)
        return sum(now[who] - before[who] for who in now) / (time.monotonic() - began)

    async def _loaded(self, stack: Stack, cases: Cases) -> None:
        cases.ms = {measure: [] for measure in cases.ms}
        seconds = self.warm_up_s + self.seconds + 2
        with offered(stack.listener_port, self.rate, seconds, self.connections, self.residents) as offer:
            await asyncio.sleep(self.warm_up_s)
            async with asyncio.TaskGroup() as group:
                pressing = cases.rate(self._pressing(idle=False), self.incidents_per_minute)
                group.create_task(pressing, name="presses")
                await self._measured(stack, offer)
            await asyncio.to_thread(offer.wait_ended)
            self.figures |= {"sent": offer.sent, "acknowledged": offer.acknowledged}
        self.figures["loaded"] = told(cases)
        self.figures |= await asyncio.to_thread(self._kept, self.figures["sent"])

    async def _measured(self, stack: Stack, offer: Offer) -> None:
        before, wal = await asyncio.to_thread(self._look, stack, offer), await self._wal()
        backlog = []
        while (now := await asyncio.to_thread(self._look, stack, offer)).at_s - before.at_s < self.seconds:
            backlog.append(now.sent - now.stored)
            offer.check()
            await asyncio.sleep(SAMPLE_S)
        self.figures |= self._costs(before, now, backlog)
        self.figures["wal_bytes_per_msg"] = (await self._wal() - wal) / max(1, now.stored - before.stored)
        self.figures["memory"] = self._memory(stack)

    def _look(self, stack: Stack, offer: Offer) -> Snapshot:
        used = self._used(stack) | {"generator": cpu_s(offer.process.pid)}
        stored = stored_messages(metrics_port(stack, "INGEST"))
        return Snapshot(at_s=time.monotonic(), sent=offer.sent, stored=stored, cpu_s=used)

    def _used(self, stack: Stack) -> dict[str, float]:
        assert self.postgres.process is not None
        pids = stack.pids()
        used = {role: cpu_s(pids[role]) for role in ROLES} | {"supervisor": cpu_s(pids["up"])}
        return used | {"pg": family_cpu_s(self.postgres.process.pid)}

    def _costs(self, before: Snapshot, now: Snapshot, backlog: list[int]) -> dict[str, Any]:
        figures: dict[str, Any] = now.since(before)
        figures["hub_us_per_msg"] = sum(figures[f"{role}_us_per_msg"] for role in (*ROLES, "supervisor"))
        figures["hub_and_pg_us_per_msg"] = figures["hub_us_per_msg"] + figures["pg_us_per_msg"]
        figures["cores_used"] = sum(now.cpu_s[who] - before.cpu_s[who] for who in now.cpu_s) / (now.at_s - before.at_s)
        rest_us = self.figures["cores_at_rest"] / max(1.0, figures["stored_per_s"]) * 1e6
        figures["above_rest_us_per_msg"] = figures["hub_and_pg_us_per_msg"] - rest_us
        half = max(1, len(backlog) // 2)
        return figures | {
            "backlog": backlog, "backlog_max": max(backlog), "backlog_first_half": statistics.mean(backlog[:half]),
            "backlog_second_half": statistics.mean(backlog[half:] or backlog),
        }  # fmt: skip

    def _kept(self, sent: int) -> dict[str, Any]:
        """Every message is a row, once; returns what a row takes on the disk, raw bytes included."""
        size = "select coalesce(sum(pg_total_relation_size(relid)), 0)::bigint from pg_partition_tree(%s)"
        with psycopg.connect(self.postgres.dsn(), autocommit=True) as conn:
            row = conn.execute("select count(*) from telemetry").fetchone()
            rows = int(row[0]) if row else 0
            if rows < sent:
                raise ScaleError(f"{sent} messages were acknowledged and {rows} rows are there")
            sizes = {table: int((conn.execute(size, (table,)).fetchone() or (0,))[0]) for table in STORED}
        per = {f"{table}_bytes_per_msg": size / max(1, rows) for table, size in sizes.items()}
        return {**per, "rows": rows, "disk_bytes_per_msg": sum(per.values()),
                "disk_kb_per_wearer_day": sum(per.values()) * 1440 / 1000}  # fmt: skip

    async def _wal(self) -> int:
        async with await connect(self.postgres.dsn()) as conn:
            row = await (await conn.execute(WAL.encode())).fetchone()
        return int(row[0]) if row else 0

    async def _raised(self, cases: Cases) -> dict[str, int]:
        """Return how many cases of each kind there were: nobody is ill here, so there should be presses alone."""
        rows = await (await cases.conn.execute("select kind, count(*) from incident group by 1 order by 1")).fetchall()
        return {str(kind): int(count) for kind, count in rows}


def told(cases: Cases) -> dict[str, Any]:
    """Return the percentiles of what was timed, and what did not come."""
    out: dict[str, Any] = {"presses": len(cases.ms["puback"]), "missed": len(cases.missed), "closed": cases.closed}
    for measure, values in cases.ms.items():
        if values:
            out |= {
                f"{measure}_p50_ms": float(np.percentile(values, 50)),
                f"{measure}_p99_ms": float(np.percentile(values, 99)),
            }
    return out


def deadlines_s(residents: int) -> float:
    """Return the CPU seconds of one look at everybody's deadline, with all that detectors do as time passes."""
    table = DeviceTable()
    table.put((row + 1, f"bench:{row}", "", "", row + 1, "", 900, None, "live") for row in range(residents))
    detection = Detection(table, detectors(OFFSET_MIN))
    now_ms = 1_790_000_000_000
    health = detection.states[HEALTH]
    health["heard_ms"][:] = now_ms - np.random.default_rng(1).integers(0, 60_000, residents)
    health["ticked_ms"][:] = now_ms - 1000
    return min(timed(partial(_tick, detection, now_ms + second * 1000)) for second in range(3))


def _tick(detection: Detection, now_ms: int) -> None:
    for found in detection.tick(now_ms):
        if found:
            raise ScaleError(f"everybody was heard, and there is {found[0].rule}")


def metrics_port(stack: Stack, role: str) -> int:
    return int(stack.environ[f"CAREHUB_METRICS_{role}_PORT"])


def _wait_ready(stack: Stack, role: str, began: float) -> float:
    """Return the seconds since then until the role says that it is ready."""
    port, deadline = metrics_port(stack, role), began + START_LIMIT_S
    while page(port, "readyz") != "ok\n":
        stack.check()
        if time.monotonic() > deadline:
            raise ScaleError(f"{role.lower()} was not ready after {START_LIMIT_S:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began
