"""carehub bench peers: Node-RED and the hub behind the same Mosquitto, offered more until they fall behind.

Both end in the same PostgreSQL with fsync on. Node-RED is installed into a folder of its own, outside the project:
`carehub bench peers --install`, once.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from hub.bench import citizens, node_red
from hub.bench.cost import Snapshot, cpu_s, family_cpu_s
from hub.bench.folder import own_folder
from hub.bench.metrics_page import stored_messages
from hub.bench.offer import offered
from hub.commands.bench_ingest import database, ingest, mosquitto, rounded

RATES = (2_000.0, 4_000.0, 8_000.0, 12_000.0, 18_300.0)
WARM_UP_S = 3.0
KEEPS_UP = 0.97  # of what is offered is stored while it is offered: below it falls behind
DRAIN_S = 60.0
HUB, PEER = "carehub", "node-red"


def main(argv: list[str]) -> int:
    """Play the steps and print them; the last line is one JSON object with --json."""
    parser = argparse.ArgumentParser(prog="carehub bench peers", description=__doc__)
    parser.add_argument("--rates", type=float, nargs="+", default=list(RATES), help="messages a second, step by step")
    parser.add_argument("--seconds", type=float, default=15.0, help="measured time of each step")
    parser.add_argument("--devices", type=int, default=20_000, help="whose messages these are")
    parser.add_argument("--connections", type=int, default=128, help="gateways that carry them")
    parser.add_argument("--node-red", type=Path, help=f"where Node-RED is (default: ${node_red.FOLDER}, or ~/.cache)")
    parser.add_argument("--install", action="store_true", help="install Node-RED there with npm, if it is not there")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    where = node_red.home(options.node_red)
    if options.install and not node_red.installed(where):
        say(f"installing {' '.join(node_red.PACKAGES)} into {where}")
        node_red.install(where)
    with own_folder("peers") as folder:
        figures = play(options, folder, where)
    print(table(figures))
    if options.json:
        print(json.dumps(figures))
    return 0


@dataclass(kw_only=True)
class System:
    """One system at work: how many messages it has stored, and its processes."""

    stored: Callable[[], int]
    used: dict[str, Callable[[], float]]


def play(options: argparse.Namespace, folder: Path, where: Path) -> dict[str, Any]:
    """Return the steps of both; without Node-RED the hub's alone, and why."""
    figures: dict[str, Any] = {"seconds": options.seconds, "cores": os.cpu_count(), "systems": {}}
    systems: list[tuple[str, Callable[..., contextlib.AbstractContextManager[System]]]] = [(HUB, hub)]
    if node_red.installed(where):
        figures["node_red"] = node_red.version(where)
        systems.append((PEER, peer))
    else:
        figures["node_red"] = None
        say("Node-RED is not installed: run `carehub bench peers --install`")
    for name, opened in systems:
        steps = []
        for rate in options.rates:
            say(f"{name}: {rate:,.0f} messages/s")
            with _beside(folder / f"{name}-{rate:.0f}", options, where, opened) as (port, system):
                steps.append(rounded(step(port, rate, options, system)))
            if not steps[-1]["keeps_up"]:
                break
        figures["systems"][name] = {"steps": steps, "most_per_s": most(steps)}
    return figures


@contextlib.contextmanager
def _beside(
    folder: Path, options: argparse.Namespace, where: Path,
    opened: Callable[..., contextlib.AbstractContextManager[System]],
) -> Iterator[tuple[int, System]]:  # fmt: skip
    """A broker, a database and one system between them, all new: nobody begins with what another left."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(database(folder / "postgres"))
        broker, port = stack.enter_context(mosquitto(folder))
        system = stack.enter_context(opened(folder, options, where, postgres.dsn(), port))
        assert postgres.process is not None
        server, carrier = postgres.process.pid, broker.pid
        system.used |= {"pg": lambda: family_cpu_s(server), "broker": lambda: cpu_s(carrier)}
        yield port, system


@contextlib.contextmanager
def hub(folder: Path, options: argparse.Namespace, _where: Path, dsn: str, port: int) -> Iterator[System]:
    """The hub's ingest, with every detector, behind the broker."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        citizens.people(conn, options.devices, "http://127.0.0.1:9")
    environ = {"CAREHUB_DATABASE_DSN": dsn, "CAREHUB_BRIDGE_ENABLED": "true", "CAREHUB_BRIDGE_PORT": str(port),
               "CAREHUB_LISTENER_PORT": "0"}  # fmt: skip
    with ingest(folder, environ, None) as (process, metrics_port):
        pid = process.pid
        yield System(stored=lambda: stored_messages(metrics_port), used={"system": lambda: cpu_s(pid)})


@contextlib.contextmanager
def peer(folder: Path, _options: argparse.Namespace, where: Path, dsn: str, port: int) -> Iterator[System]:
    """Node-RED behind the broker."""
    with node_red.running(where, folder / "node-red", port, dsn) as process:
        pid = process.pid
        yield System(stored=lambda: node_red.stored(dsn), used={"system": lambda: family_cpu_s(pid)})


def step(port: int, rate: float, options: argparse.Namespace, system: System) -> dict[str, Any]:
    """Offer one rate; returns what was stored meanwhile, what it cost, and whether all of it was stored in the end."""
    load = rate, WARM_UP_S + options.seconds + 1, options.connections, options.devices
    with offered(port, *load) as offer:

        def look() -> Snapshot:
            stored = system.stored()
            used = {who: read() for who, read in system.used.items()}
            return Snapshot(at_s=time.monotonic(), sent=offer.sent, stored=stored, cpu_s=used)

        time.sleep(WARM_UP_S)
        before = look()
        time.sleep(options.seconds)
        now = look()
        offer.wait_ended()
        sent = offer.sent
    deadline = time.monotonic() + DRAIN_S
    while (kept := system.stored()) < sent and time.monotonic() < deadline:
        time.sleep(0.2)
    told = now.since(before)
    keeps_up = told["stored_per_s"] >= KEEPS_UP * rate
    return {**told, "rate": rate, "keeps_up": keeps_up, "behind": now.sent - now.stored, "sent": sent, "rows": kept}


def most(steps: Sequence[dict[str, Any]]) -> float:
    """Return the most messages a second that were stored while they were offered."""
    return max((one["stored_per_s"] for one in steps), default=0.0)


def table(figures: dict[str, Any]) -> str:
    """Return the steps as a person reads them."""
    head = ("stored/s", "behind", "µs system", "µs PG", "µs broker", "rows of sent")
    lines = [f"{'':<24}" + "".join(f"{one:>14}" for one in head)]
    for name, told in figures["systems"].items():
        for one in told["steps"]:
            cells = (
                f"{one['stored_per_s']:.0f}", f"{one['behind']}", f"{one['system_us_per_msg']:.1f}",
                f"{one['pg_us_per_msg']:.1f}", f"{one['broker_us_per_msg']:.1f}", f"{one['rows']}/{one['sent']}",
            )  # fmt: skip
            words = f"{name} at {one['rate']:,.0f}/s" + ("" if one["keeps_up"] else " *")
            lines.append(f"{words:<24}" + "".join(f"{cell:>14}" for cell in cells))
    lines.append("* falls behind what is offered")
    if figures["node_red"] is None:
        lines.append("Node-RED is not installed here: carehub bench peers --install")
    return "\n".join(lines)


def say(text: str) -> None:
    """Tell where it is, on standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
