"""carehub bench town: a hub of many residents at full rate, and what it costs as a town grows.

Everything is real: PostgreSQL with fsync on, `carehub up` with all its roles, gateways that carry everybody's watches
over MQTT, people who press while telemetry flows, an operator's console, relatives' webhooks. Sizes of --growth are
played before it, each with a message a minute of everybody, so that the slopes are those of one machine in one hour.
Beside it stand mosquitto_sub on the same load and a bare COPY of the same rows, measured in the same run.
"""

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import uvloop

from devices.columns import Columns
from hub.bench import peers
from hub.bench.cost import cpu_s, family_cpu_s
from hub.bench.folder import own_folder
from hub.bench.machine import machine
from hub.bench.offer import offered
from hub.bench.scale import ROLES, Scale
from hub.commands.bench_ingest import database, mosquitto, rounded, subscriber
from hub.store.telemetry import COPY_WIDE, encode_wide

RESIDENTS, RATE, SECONDS = 1_100_000, 18_300.0, 600.0
GROWTH = (10_000, 100_000)
GROWTH_SECONDS = 60.0
WARM_UP_S, REST_S = 10.0, 10.0  # not longer than what is measured
FLOOR_SECONDS = 15.0
FLOOR_ROWS, FLOOR_BATCHES = 4_096, 100
AIMS = {
    "hub_and_pg_us_per_msg": 25.0, "screen_p99_ms": 50.0, "hub_bytes_per_device": 1_000.0,
}  # fmt: skip


def main(argv: list[str]) -> int:
    """Play the sizes and print the figures; the last line is one JSON object with --json."""
    options = arguments(argv)
    with own_folder("town") as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(play(options, folder))
    print(table(figures))
    if options.json:
        print(json.dumps(figures))
    return 0


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read what is asked."""
    parser = argparse.ArgumentParser(prog="carehub bench town", description=__doc__)
    parser.add_argument("--residents", type=int, default=RESIDENTS)
    parser.add_argument("--rate", type=float, help="messages a second (default: one a minute of everybody)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="measured time at full rate")
    parser.add_argument("--connections", type=int, default=128, help="gateways that carry the watches")
    parser.add_argument("--incidents", type=float, default=50.0, help="presses a minute, each taken and closed")
    parser.add_argument("--presses", type=int, default=50, help="presses before the load")
    parser.add_argument("--growth", type=int, nargs="*", default=list(GROWTH), help="smaller towns, played before")
    parser.add_argument("--growth-seconds", type=float, default=GROWTH_SECONDS, help="measured time of each of them")
    parser.add_argument("--no-floor", action="store_true", help="without mosquitto_sub and COPY beside it")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args(argv)


async def play(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Play the floors, the smaller towns and the town."""
    figures: dict[str, Any] = {"machine": machine()}
    rate = options.rate or options.residents / 60
    if not options.no_floor:
        say("floors: mosquitto_sub on the same load; COPY of the same rows")
        figures["floor"] = await asyncio.to_thread(floors, folder, options, rate)
    smaller = [(residents, residents / 60, options.growth_seconds) for residents in sorted(set(options.growth))]
    sizes = [*smaller, (options.residents, rate, options.seconds)]
    towns = [await _one(options, folder, *size) for size in sizes]
    figures |= rounded(towns[-1])
    figures["growth"] = [{name: rounded(one)[name] for name in GROWING if name in one} for one in towns]
    figures["slopes"] = slopes(towns)
    figures["bytes_per_further_device"] = further(towns)
    figures["published"] = peers.PUBLISHED
    figures["aims"] = aims(figures)
    return figures


async def _one(
    options: argparse.Namespace, folder: Path, residents: int, rate: float, seconds: float
) -> dict[str, Any]:  # fmt: skip
    say(f"{residents:,} residents, {rate:,.0f} messages/s for {seconds:.0f} s")
    scale = Scale(
        folder=folder / f"town-{residents}", residents=residents, rate=rate, seconds=seconds,
        connections=options.connections, incidents_per_minute=options.incidents, idle_presses=options.presses,
        warm_up_s=min(WARM_UP_S, seconds), rest_s=min(REST_S, seconds),
    )  # fmt: skip
    figures = await scale.play()
    return figures | {
        "cpu_s_per_s": figures["above_rest_us_per_msg"] * figures["stored_per_s"] / 1e6,
        "memory_mb": sum(figures["memory"][role] for role in ROLES), "start_s": figures["first_start_s"]["ingest"],
    }  # fmt: skip


GROWING = (
    "residents", "rate", "cpu_s_per_s", "cores_at_rest", "above_rest_us_per_msg", "hub_us_per_msg", "pg_us_per_msg",
    "hub_and_pg_us_per_msg", "memory_mb", "start_s", "takeover_s", "deadlines_pass_ms", "disk_bytes_per_msg",
)  # fmt: skip


def slopes(towns: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return how fast things grow with residents, as the slope between logarithms: 1 is in proportion, 2 a square."""
    if len(towns) < 2:
        return {}
    first, last = towns[0], towns[-1]
    grown = math.log(last["residents"] / first["residents"])
    return {
        name: round(math.log(last[name] / first[name]) / grown, 2)
        for name in ("cpu_s_per_s", "memory_mb", "start_s", "takeover_s", "deadlines_pass_ms")
        if first.get(name, 0) > 0 and last.get(name, 0) > 0
    }


def further(towns: Sequence[dict[str, Any]]) -> float | None:
    """Return the bytes that each device beyond the smallest town takes in all roles: without what a process takes."""
    first, last = towns[0], towns[-1]
    if last["residents"] == first["residents"]:
        return None
    more = (last["memory_mb"] - first["memory_mb"]) * 2**20
    return round(float(more / (last["residents"] - first["residents"])), 1)


def aims(figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each aim with what was measured and whether it is met."""
    measured = {
        "hub_and_pg_us_per_msg": figures["hub_and_pg_us_per_msg"],
        "screen_p99_ms": figures["loaded"].get("screen_p99_ms"),
        "hub_bytes_per_device": figures.get("bytes_per_further_device") or figures["memory"]["hub_bytes_per_device"],
    }
    return {
        name: {"aim": aim, "measured": measured[name], "met": measured[name] is not None and measured[name] <= aim}
        for name, aim in AIMS.items()
    }


def floors(folder: Path, options: argparse.Namespace, rate: float) -> dict[str, float]:
    """Return CPU µs a message of mosquitto_sub and its broker on the same load, and of a bare COPY of such rows."""
    seconds = min(FLOOR_SECONDS, options.seconds)
    load = rate, seconds + 3, options.connections, options.residents
    with mosquitto(folder) as (broker, port), subscriber(port) as sub, offered(port, *load) as offer:
        pids = sub.pid, broker.pid, offer.process.pid
        time.sleep(2)
        used, sent = [cpu_s(pid) for pid in pids], offer.acknowledged
        time.sleep(seconds)
        now, done = [cpu_s(pid) for pid in pids], max(1, offer.acknowledged - sent)
    subscribed, brokered, generated = ((b - a) / done * 1e6 for a, b in zip(used, now, strict=True))
    return rounded({
        "mosquitto_sub_us_per_msg": subscribed, "mosquitto_us_per_msg": brokered, "generator_us_per_msg": generated,
        "copy_us_per_row": copied_us(folder),
    })  # fmt: skip


def copied_us(folder: Path) -> float:
    """Return the CPU µs PostgreSQL takes for a row of the hub's own table when nothing else happens."""
    columns = Columns.absent(FLOOR_ROWS)
    columns.device[:] = np.arange(FLOOR_ROWS)
    columns.received_ms[:] = columns.measured_ms[:] = int(time.time() * 1000)
    columns.heart_rate_bpm[:], columns.spo2_pct[:], columns.steps[:] = 72, 97, 0
    body = encode_wide(columns, 1)
    with database(folder / "postgres-floor") as server, psycopg.connect(server.dsn(), autocommit=True) as conn:
        assert server.process is not None
        used = family_cpu_s(server.process.pid)
        for _ in range(FLOOR_BATCHES):
            with conn.cursor() as cursor, cursor.copy(COPY_WIDE) as copy:
                copy.write(body)
        return (family_cpu_s(server.process.pid) - used) / (FLOOR_ROWS * FLOOR_BATCHES) * 1e6


def table(figures: dict[str, Any]) -> str:
    """Return the figures as a person reads them."""
    f, memory, first = figures, figures["memory"], figures["first_start_s"]
    floor = f.get("floor", {})
    lines = [
        f"{f['residents']:,} residents, {f['offered_per_s']:,.0f} messages/s offered, {f['stored_per_s']:,.0f} stored"
        f" for {f['seconds']:.0f} s on {f['machine']['cores']} cores (load before {f['machine']['load'][0]})",
        f"moved in within {f['moved_in_s']:.0f} s; hub started in {first['ingest']:.1f} s (everything"
        f" {first['everything']:.1f}); ingest taken over in {f['takeover_s']:.1f} s",
        f"CPU µs a message: hub {f['hub_us_per_msg']:.1f}, PostgreSQL {f['pg_us_per_msg']:.1f}, together"
        f" {f['hub_and_pg_us_per_msg']:.1f}; generator {f['generator_us_per_msg']:.1f};"
        f" floors: mosquitto_sub {floor.get('mosquitto_sub_us_per_msg', '–')} + broker"
        f" {floor.get('mosquitto_us_per_msg', '–')}, COPY {floor.get('copy_us_per_row', '–')}",
        f"at rest {f['cores_at_rest']:.2f} cores; above that {f['above_rest_us_per_msg']:.1f} µs a message",
        f"backlog: at most {f['backlog_max']:,} messages, first half {f['backlog_first_half']:,.0f}, second half"
        f" {f['backlog_second_half']:,.0f}",
        f"memory: {memory['hub_bytes_per_device']:.0f} bytes a device in all roles"
        f" ({', '.join(f'{role} {memory[role]:.0f} MB' for role in ROLES)})",
        *([f"each further device {f['bytes_per_further_device']:.0f} bytes"] if f["bytes_per_further_device"] else []),
        f"disk: {f['disk_bytes_per_msg']:.0f} bytes a message, {f['disk_kb_per_wearer_day']:.0f} kB a wearer and day;"
        f" log {f['wal_bytes_per_msg']:.0f} bytes a message",
        f"all deadlines in one pass: {f['deadlines_pass_ms']:.0f} ms of CPU",
        f"{'ms':<26}{'idle p50':>10}{'p99':>9}{'loaded p50':>13}{'p99':>9}",
    ]
    words = {"puback": "press → PUBACK", "heard": "press → 收到", "page": "press → page", "screen": "press → screen"}
    for measure, text in words.items():
        cells = [f[scene].get(f"{measure}_p{p}_ms") for scene in ("idle", "loaded") for p in (50, 99)]
        shown = [f"{cell:.1f}" if cell is not None else "–" for cell in cells]
        lines.append(f"{text:<26}{shown[0]:>10}{shown[1]:>9}{shown[2]:>13}{shown[3]:>9}")
    lines.append(f"presses {f['loaded']['presses']}, missed {f['loaded']['missed']}, closed {f['loaded']['closed']};"
                 f" cases by kind: {f['raised']}")  # fmt: skip
    lines += [f"grows with residents to the power of: {f['slopes']}"] if f["slopes"] else []
    lines += [f"{name}: aim {one['aim']}, measured {one['measured']}, {'met' if one['met'] else 'NOT met'}"
              for name, one in f["aims"].items()]  # fmt: skip
    return "\n".join(lines)


def say(text: str) -> None:
    """Tell where it is, on standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
