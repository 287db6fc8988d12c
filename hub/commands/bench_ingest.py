"""carehub bench ingest: what a message costs the hub, PostgreSQL and the broker, beside mosquitto_sub on the same load.

Three scenes in one run, on real processes: mosquitto_sub alone behind Mosquitto (the floor), the hub behind the same
Mosquitto, and the hub's own listener. PostgreSQL is the embedded one with fsync on.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from hub.bench import load
from hub.bench.children import ended
from hub.bench.cost import Snapshot, cpu_s, family_cpu_s
from hub.bench.folder import own_folder
from hub.bench.metrics_page import page, slow_slices_pct, stored_messages
from hub.bench.offer import offered
from hub.embedded import EmbeddedPostgres
from hub.errors import HubError
from hub.ports import free_port
from hub.store.pool import migrate

WARM_UP_S = 3.0  # caches fill, connections settle, the first partitions are touched
READY_LIMIT_S = 60.0
DRAIN_LIMIT_S = 60.0
SAMPLE_S = 0.5
MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 1
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
log_type error
"""


class BenchError(HubError):
    """The bench cannot be run, or its numbers would mean nothing."""


def main(argv: list[str]) -> int:
    """Run the scenes and print their figures; the last line is one JSON object with --json."""
    parser = argparse.ArgumentParser(prog="carehub bench ingest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="measured time of each scene (a minute is honest)")
    parser.add_argument("--rate", type=float, default=18_000.0, help="messages a second offered")
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--path", choices=("both", "bridge", "listener"), default="both")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--profile", type=Path, help="write a cProfile of the hub's process here (costs time itself)")
    options = parser.parse_args(argv)
    with own_folder("bench") as folder:
        figures = Bench(options=options, folder=folder).play()
    print(table(figures))
    if options.json:
        print(json.dumps(figures))
    return 0


@dataclass
class Bench:
    """One run."""

    options: argparse.Namespace
    folder: Path
    samples: list[int] = field(default_factory=list)

    def play(self) -> dict[str, Any]:
        """Play every scene asked for and return the figures of the contract; the listener's stand beside."""
        figures: dict[str, Any] = {}
        if self.options.path != "listener":
            floor = self._floor()
            figures = self._hub("bridge")
            figures["floor_us_per_msg"] = floor["floor_us_per_msg"]
            figures["floor_broker_us_per_msg"] = floor["broker_us_per_msg"]
            figures["ratio_to_floor"] = figures["hub_us_per_msg"] / floor["floor_us_per_msg"]
        if self.options.path != "bridge":
            own = self._hub("listener")
            if "floor_us_per_msg" in figures:
                own["ratio_to_floor"] = own["hub_us_per_msg"] / figures["floor_us_per_msg"]
            figures = {**(figures or own), "listener": own}
        figures |= {"seconds": self.options.seconds, "connections": self.options.connections, "cores": os.cpu_count()}
        return rounded(figures)

    def _floor(self) -> dict[str, Any]:
        say("floor: mosquitto_sub -q 1 behind Mosquitto")
        with mosquitto(self.folder) as (broker, port), subscriber(port) as sub:
            return self._measure(port, {"floor": lambda: cpu_s(sub.pid), "broker": lambda: cpu_s(broker.pid)}, None)

    def _hub(self, path: str) -> dict[str, Any]:
        say(f"hub: {'behind the same Mosquitto' if path == 'bridge' else 'its own listener'}")
        with contextlib.ExitStack() as stack:
            postgres = stack.enter_context(database(self.folder / f"postgres-{path}"))
            register(postgres.dsn(), self.options.connections)
            environ = {"CAREHUB_DATABASE_DSN": postgres.dsn(), "CAREHUB_LISTENER_PORT": str(free_port())}
            port = int(environ["CAREHUB_LISTENER_PORT"])
            used: dict[str, Callable[[], float]] = {}
            if path == "bridge":
                broker, port = stack.enter_context(mosquitto(self.folder))
                environ |= {"CAREHUB_BRIDGE_ENABLED": "true", "CAREHUB_BRIDGE_PORT": str(port)}
                used["broker"] = lambda: cpu_s(broker.pid)
            hub, metrics_port = stack.enter_context(ingest(self.folder, environ, self.options.profile))
            assert postgres.process is not None
            server = postgres.process.pid
            used |= {"hub": lambda: cpu_s(hub.pid), "pg": lambda: family_cpu_s(server)}
            figures = self._measure(port, used, metrics_port)
            figures |= self._check(postgres.dsn(), metrics_port, figures["sent"])
            return figures

    def _measure(self, port: int, used: dict[str, Callable[[], float]], metrics_port: int | None) -> dict[str, Any]:
        """Offer the load, look at the processes after the warm-up and at the end, and wait until all is stored."""
        given = self.options.rate, WARM_UP_S + self.options.seconds + 1, self.options.connections
        with offered(port, *given) as offer:
            used = {**used, "generator": lambda: cpu_s(offer.process.pid)}

            def look() -> Snapshot:
                stored = offer.acknowledged if metrics_port is None else stored_messages(metrics_port)
                return Snapshot(
                    at_s=time.monotonic(), sent=offer.sent, stored=stored,
                    cpu_s={who: read() for who, read in used.items()},
                )  # fmt: skip

            time.sleep(WARM_UP_S)
            before, backlog = look(), []
            while (now := look()).at_s - before.at_s < self.options.seconds:
                backlog.append(now.sent - now.stored)
                time.sleep(SAMPLE_S)
            figures: dict[str, Any] = now.since(before)
            offer.wait_ended()
            sent, acknowledged = offer.sent, offer.acknowledged
        half = len(backlog) // 2
        return figures | {
            "backlog_max": max(backlog), "backlog_first_half": statistics.mean(backlog[:half]),
            "backlog_second_half": statistics.mean(backlog[half:]), "sent": sent, "acknowledged": acknowledged,
        }  # fmt: skip

    def _check(self, dsn: str, metrics_port: int, sent: int) -> dict[str, Any]:
        """Every message sent is a row, once."""
        deadline = time.monotonic() + DRAIN_LIMIT_S
        with psycopg.connect(dsn, autocommit=True) as conn:
            while True:
                row = conn.execute("select count(*) from telemetry").fetchone()
                rows = int(row[0]) if row else 0
                if rows >= sent or time.monotonic() > deadline:
                    break
                time.sleep(0.2)
        if rows != sent:
            raise BenchError(f"{sent} messages were sent and {rows} rows are there")
        return {"rows": rows, "slow_slices_pct": slow_slices_pct(metrics_port)}


@contextlib.contextmanager
def database(home: Path) -> Iterator[EmbeddedPostgres]:
    """An embedded PostgreSQL with the schema."""
    server = EmbeddedPostgres(home)
    server.start()
    try:
        migrate(server.dsn())
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A real broker on a free port."""
    program = tool("mosquitto", "mosquitto")
    port, home = free_port(), folder / f"mosquitto-{time.monotonic_ns()}"
    home.mkdir(mode=0o777)
    text = MOSQUITTO.format(port=port, folder=home) + ("user root\n" if os.getuid() == 0 else "")
    (home / "mosquitto.conf").write_text(text)
    with ended(subprocess.Popen([program, "-c", str(home / "mosquitto.conf")])) as broker:
        wait(lambda: listening(port), broker, "mosquitto")
        yield broker, port


@contextlib.contextmanager
def subscriber(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """mosquitto_sub, throwing everything away: the cheapest subscriber there is."""
    program = tool("mosquitto_sub", "mosquitto-clients")
    command = [program, "-p", str(port), "-q", "1", "-c", "-i", "floor", "-t", "carehub/+/vitals"]
    with ended(subprocess.Popen(command, stdout=subprocess.DEVNULL)) as sub:
        time.sleep(0.5)
        yield sub


@contextlib.contextmanager
def ingest(
    folder: Path, environ: dict[str, str], profile: Path | None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The hub's ingest process, as it runs in production; yields it and the port of its metrics."""
    port = free_port()
    wrapped = ["-m", "cProfile", "-o", str(profile)] if profile else []
    command = [sys.executable, *wrapped, "-m", "hub", "ingest"]
    given = {**os.environ, **environ, "CAREHUB_METRICS_INGEST_PORT": str(port), "CAREHUB_LOG_LEVEL": "warning"}
    given |= {"CAREHUB_RUN_DIR": str(folder)}
    with ended(subprocess.Popen(command, env=given)) as hub:
        wait(lambda: page(port, "readyz") == "ok\n", hub, "the hub")
        yield hub, port


def register(dsn: str, connections: int) -> None:
    """Make the watches known, each with a resident of its own and a credential."""
    digest = hashlib.sha256(load.PASSWORD.encode()).digest()
    with psycopg.connect(dsn) as conn:
        for number in range(connections):
            device = load.name(number)
            conn.execute(
                "with r as (insert into resident (name, area, created_at)"
                "  values (%(device)s, 'bench', now()) returning id),"
                " d as (insert into device (address, resident_id, state, deadline_s, created_at)"
                "  select 'carehub:' || %(device)s, id, 'live', 600, now() from r returning id)"
                " insert into credential (username, secret_sha256, kind, topic_prefix, device_id, created_at)"
                " select %(device)s, %(digest)s, 'device', 'carehub/' || %(device)s || '/', id, now() from d",
                {"device": device, "digest": digest},
            )
        conn.execute("select pg_notify('carehub_config', '')")


def wait(condition: Callable[[], bool], process: subprocess.Popen[bytes], what: str) -> None:
    """Wait for a condition as long as the process lives."""
    deadline = time.monotonic() + READY_LIMIT_S
    while not condition():
        if process.poll() not in {None, 0} or time.monotonic() > deadline:
            raise BenchError(f"{what}: not ready after {READY_LIMIT_S:.0f} s, or ended ({process.poll()})")
        time.sleep(0.05)


def listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tool(name: str, package: str) -> str:
    """Return the path of a Debian tool."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BenchError(f"{name} is missing: apt-get install {package}")
    return found


def rounded(figures: dict[str, Any]) -> dict[str, Any]:
    """Return figures a person can read."""
    return {
        name: rounded(value) if isinstance(value, dict) else round(value, 2) if isinstance(value, float) else value
        for name, value in figures.items()
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures side by side: through Mosquitto, and the listener's own."""
    own = figures.get("listener", {})
    names = [name for name in {**figures, **own} if name != "listener"]
    lines = [f"{'':<26}{'bridge':>14}{'listener':>14}"]
    lines += [f"{name:<26}{figures.get(name, ''):>14}{own.get(name, ''):>14}" for name in names]
    return "\n".join(lines)


def say(text: str) -> None:
    """Tell the person at the terminal how far we are."""
    print(text, file=sys.stderr, flush=True)
