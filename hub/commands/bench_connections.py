"""carehub bench connections: thousands of idle devices on the listener and on the gateway, beside Mosquitto.

A real ingest process with its own PostgreSQL: memory a connection, acknowledgement while each device speaks once a
minute, a thousand that come back at once over half-open lines, slow and half-open peers beside a watch that presses,
and another process that takes over after kill -9.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import uvloop

from hub.bench.crowd import (
    BARE,
    MQTT,
    TCP,
    Crowd,
    CrowdError,
    Speech,
    all_gone,
    allow_files,
    connect_packet,
    imei,
    resident_kb,
    silent,
    slow,
    subscribe_packet,
    within,
)
from hub.bench.folder import own_folder
from hub.bench.load import name
from hub.bench.metrics_page import metric, page
from hub.commands.bench_ingest import database, ingest, mosquitto, register
from hub.ports import free_port

EVERY_S = 60.0  # a device speaks once in this
PATIENCE_S = 2.0  # of the hub with those who do not say who they are, or do not read; 10 and 60 otherwise
SETTLE_S = 1.1  # until memory is looked at
GONE_WITHIN_S = 30.0
HALF_OPEN, TORN, SLOW = 200, 50, 5
SPARE = 100  # devices registered beside the crowd: the slow ones sign in too
PRESS_EVERY_S = 0.05
FILES_BESIDE = 500
QUEUED = 100  # downlinks waiting when the first process is killed
BULK, BULKS = 400_000, 14  # bytes and number of the downlinks that a slow reader asks for: more than the kernel holds
QUEUE = (
    "insert into downlink (topic, payload, retain, created_at, expires_at)"
    " values (%s, %s, false, now(), now() + interval '10 minutes')"
    " returning pg_notify('carehub_downlink', id::text)"
)


def main(argv: list[str]) -> int:
    """Run all scenes and print their figures; the last line is one JSON object with --json."""
    parser = argparse.ArgumentParser(prog="carehub bench connections", description=__doc__)
    parser.add_argument("--connections", type=int, default=5_000, help="on the listener, and as many on the gateway")
    parser.add_argument("--back-at-once", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=EVERY_S, help="how long all speak once a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    options.back_at_once = min(options.back_at_once, options.connections)
    allow_files(2 * options.connections + 2 * options.back_at_once + HALF_OPEN + TORN + SLOW + FILES_BESIDE)
    with (
        own_folder("crowd") as folder, database(folder / "postgres") as postgres,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):  # fmt: skip
        register(postgres.dsn(), options.connections + SPARE)
        figures = runner.run(play(options, folder, postgres.dsn()))
    print(table(figures))
    if options.json:
        print(json.dumps(figures))
    return 0


async def play(options: argparse.Namespace, folder: Path, dsn: str) -> dict[str, Any]:
    """Play every scene, Mosquitto's first."""
    figures: dict[str, Any] = {"connections": options.connections, "back_at_once": options.back_at_once}
    say("Mosquitto")
    with mosquitto(folder) as (broker, port):
        figures["mosquitto"] = {"kb_per_connection": await memory(Crowd(BARE, port), broker.pid, options.connections)}
    with contextlib.ExitStack() as stack:
        ports = free_port(), free_port()
        environ = settings(dsn, *ports)
        first, metrics_port = stack.enter_context(ingest(folder, environ, None))
        crowds = {"mqtt": Crowd(MQTT, ports[0]), "tcp": Crowd(TCP, ports[1])}
        for way, crowd in crowds.items():
            say(f"{way}: {options.connections} connections")
            figures[way] = await scenes(crowd, first.pid, metrics_port, dsn, options)
        say("takeover: kill -9, and all go to the next process")
        figures["takeover"] = await takeover(stack, folder, dsn, first, crowds)
        for crowd in crowds.values():
            crowd.leave()
    return figures


def settings(dsn: str, listener_port: int, gateway_port: int) -> dict[str, str]:
    """Return what an ingest process is told: both ways in, and little patience with those who waste its time."""
    return {
        "CAREHUB_DATABASE_DSN": dsn, "CAREHUB_LISTENER_PORT": str(listener_port),
        "CAREHUB_LISTENER_CONNECT_TIMEOUT_S": str(PATIENCE_S), "CAREHUB_LISTENER_WRITE_STALL_S": str(PATIENCE_S),
        "CAREHUB_LISTENER_PACKET_TIMEOUT_S": str(PATIENCE_S), "CAREHUB_GATEWAY_ENABLED": "true",
        "CAREHUB_GATEWAY_PROTOCOLS": f"gt06:{gateway_port}", "CAREHUB_GATEWAY_FIRST_FRAME_S": str(PATIENCE_S),
    }  # fmt: skip


async def memory(crowd: Crowd, pid: int, count: int) -> float:
    """Return the kilobytes each of so many idle connections costs the process; they leave again."""
    kept = await grown(crowd, pid, count)
    crowd.leave()
    return kept


async def grown(crowd: Crowd, pid: int, count: int) -> float:
    empty = resident_kb(pid)
    await crowd.come(count)
    await asyncio.sleep(SETTLE_S)
    return (resident_kb(pid) - empty) / count


async def scenes(crowd: Crowd, pid: int, metrics_port: int, dsn: str, options: argparse.Namespace) -> dict[str, Any]:
    """Play one way in: memory, a message a minute, a thousand back at once, peers that only take up room."""
    figures: dict[str, Any] = {"kb_per_connection": await grown(crowd, pid, options.connections)}
    took = await crowd.report_for(options.seconds, min(EVERY_S, options.seconds))
    figures |= {"reports": len(took), **spread("report", took)}
    figures["back_at_once_s"] = await within(crowd.come_back(options.back_at_once))
    figures |= await beside_bad_peers(crowd, metrics_port, dsn, options.connections)
    return figures


async def beside_bad_peers(crowd: Crowd, metrics_port: int, dsn: str, count: int) -> dict[str, Any]:
    """Return how a press fares beside peers that only take up room, and when the last of those was gone."""
    bad = [await silent(crowd.port, b"") for _ in range(HALF_OPEN)]
    bad += [await silent(crowd.port, torn(crowd.speech)) for _ in range(TORN)]
    slower, took = list[socket.socket](), list[float]()
    began = time.perf_counter()
    if crowd.speech is MQTT:  # a tracker is answered ten bytes a frame, and is read no further than it takes them
        await asyncio.to_thread(queue, dsn, [(count + each, b"x" * BULK) for each in range(SLOW)] * BULKS)
        slow_ones = range(count, count + SLOW)
        slower = await asyncio.gather(*(slow(crowd, each, subscribe_packet(each)) for each in slow_ones))
    pressing = asyncio.create_task(press_on(crowd, took), name="presses")
    try:
        gone_s = await all_gone(bad, PATIENCE_S + GONE_WITHIN_S)
        if slower:
            gone_s = max(gone_s, await slow_ended(metrics_port, began))
    finally:
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
        for peer in (*bad, *slower):
            peer.close()
    return {"bad_peers": len(bad) + len(slower), "bad_peers_gone_s": gone_s, **spread("press", took)}


async def slow_ended(metrics_port: int, began: float) -> float:
    """Return when the hub had ended all slow readers. They cannot tell: what they never read stands before the end."""
    while time.perf_counter() - began < PATIENCE_S + GONE_WITHIN_S:
        text = await asyncio.to_thread(page, metrics_port, "metrics")
        if (
            float(metric(text, 'carehub_ingress_connections_ended_total{reason="slow reader",source="listener"}') or 0)
            >= SLOW
        ):
            return time.perf_counter() - began
        await asyncio.sleep(0.1)
    raise CrowdError(f"slow readers are there after {PATIENCE_S + GONE_WITHIN_S:.0f} s")


async def press_on(crowd: Crowd, took: list[float]) -> None:
    """Press one device after the other until told to stop."""
    for line in crowd.lines:
        took.append(await crowd.acknowledged(line, crowd.speech.press))
        await asyncio.sleep(PRESS_EVERY_S)


def torn(speech: Speech) -> bytes:
    """Return the beginning of a sign-in whose rest never comes."""
    return connect_packet(0)[:9] if speech is MQTT else speech.hello(0)[:7]


async def takeover(
    stack: contextlib.ExitStack, folder: Path, dsn: str, first: subprocess.Popen[bytes], crowds: dict[str, Crowd]
) -> dict[str, Any]:
    """Kill the process that has them; return when the next one has acknowledged each, and what it kept.

    Raises:
        CrowdError: An acknowledged press is not there, or a device was taken for another.
    """
    waiting = min(QUEUED, len(crowds["mqtt"].lines))
    pressed = [(crowd, line) for crowd in crowds.values() for line in crowd.lines[:waiting]]
    await asyncio.sleep(SETTLE_S)  # a tracker names a press by its second: one within the last is a repeat
    saved = await asyncio.to_thread(presses, dsn)
    await asyncio.gather(*(crowd.acknowledged(line, crowd.speech.press) for crowd, line in pressed))
    there = {way: len(crowd.lines) for way, crowd in crowds.items()}
    for crowd in crowds.values():
        crowd.leave()
    await asyncio.to_thread(queue, dsn, [(each, b"%d" % each) for each in range(waiting)])
    ports, began = (free_port(), free_port()), time.perf_counter()
    first.send_signal(signal.SIGKILL)
    await asyncio.to_thread(first.wait)
    kept = await asyncio.to_thread(presses, dsn) - saved
    if kept < len(pressed):
        raise CrowdError(f"{len(pressed)} presses were acknowledged and {kept} are saved")
    (folder / "next").mkdir()
    stack.enter_context(await asyncio.to_thread(entered, folder / "next", settings(dsn, *ports)))
    ready_s = time.perf_counter() - began
    crowds["mqtt"].port, crowds["tcp"].port = ports
    for way, crowd in crowds.items():
        await crowd.come(there[way])
    back = [(crowd, line) for crowd in crowds.values() for line in crowd.lines]
    await asyncio.gather(*(crowd.acknowledged(line, crowd.speech.report) for crowd, line in back))
    all_back_s = time.perf_counter() - began
    heard = await asyncio.gather(*(commanded(crowds["mqtt"], each) for each in range(waiting)))
    if strangers := await asyncio.to_thread(unknown, dsn, there):
        raise CrowdError(f"devices that came back were taken for {strangers[:3]}")
    return {
        "ready_s": ready_s, "downlinks_heard": sum(heard), "downlinks_waited": waiting,
        "presses_kept": kept, "presses_acknowledged": len(pressed), "back": len(back), "all_back_s": all_back_s,
    }  # fmt: skip


def entered(folder: Path, environ: dict[str, str]) -> contextlib.AbstractContextManager[Any]:
    """Return the next process, ready; its context still ends it."""
    stack = contextlib.ExitStack()
    stack.enter_context(ingest(folder, environ, None))
    return stack


async def commanded(crowd: Crowd, each: int) -> bool:
    """Subscribe and wait for the downlink that was queued while the first process lived."""
    line = crowd.lines[each]
    line.writer.write(subscribe_packet(line.number))
    await line.reader.readexactly(5)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GONE_WITHIN_S):
            while True:  # what people were told of its press comes too
                kind, body = await line.packet()
                after = 2 + int.from_bytes(body[:2], "big")
                if kind & 0x06:
                    line.writer.write(b"\x40\x02" + body[after : after + 2])
                    after += 2
                if body[after:] == b"%d" % each:
                    return True
    return False


def queue(dsn: str, downlinks: Sequence[tuple[int, bytes]]) -> None:
    """Put downlinks for devices into the table, each on a topic of its own."""
    with psycopg.connect(dsn) as conn:
        for at, (number, payload) in enumerate(downlinks):
            conn.execute(QUEUE, (f"carehub/{name(number)}/command/{at}", payload))


def presses(dsn: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as conn:
        row = conn.execute("select count(*) from press").fetchone()
    return int(row[0]) if row else 0


def unknown(dsn: str, there: dict[str, int]) -> list[str]:
    """Return the addresses that belong to nobody in the crowd."""
    known = {f"carehub:{name(each)}" for each in range(there["mqtt"] + SPARE)}
    known |= {f"gt06:{imei(each)}" for each in range(there["tcp"])}
    with psycopg.connect(dsn, autocommit=True) as conn:
        rows = conn.execute("select address from device").fetchall()
    return sorted({str(address) for (address,) in rows} - known)


def spread(what: str, seconds: list[float]) -> dict[str, float | None]:
    """Return p50 and p99 in milliseconds, None where there is too little to say."""
    ms = sorted(1000 * one for one in seconds)
    if len(ms) < 2:
        return {f"{what}_ms_p50": None, f"{what}_ms_p99": None}
    return {f"{what}_ms_p50": statistics.median(ms), f"{what}_ms_p99": statistics.quantiles(ms, n=100)[98]}


def say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def table(figures: dict[str, Any]) -> str:
    """Return the figures of the ways in side by side, then the takeover's."""
    ways = ("mqtt", "tcp", "mosquitto")
    rows = list(figures["mqtt"])
    lines = [f"{figures['connections']} connections", f"{'':<22}" + "".join(f"{way:>12}" for way in ways)]
    lines += [f"{row:<22}" + "".join(f"{shown(figures[way].get(row)):>12}" for way in ways) for row in rows]
    lines += [f"takeover {word:<20}{shown(value):>12}" for word, value in figures["takeover"].items()]
    return "\n".join(lines)


def shown(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
