"""carehub bench escalation: first page, timers, bursts and kill -9, beside Alertmanager and procrastinate in one run.

Everything is real and on one machine: `carehub up` with its own PostgreSQL (fsync on) and the built-in listener,
Debian's Alertmanager with group_wait 0s, a procrastinate worker in a database of its own in the same PostgreSQL. All of
them post to one HTTP receiver.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from psycopg.conninfo import make_conninfo

from hub.bench import alertmanager, centre, queue_peer, scenes
from hub.bench.alertmanager import Alertmanager
from hub.bench.folder import own_folder
from hub.bench.queue_peer import QueuePeer
from hub.bench.receiver import Receiver
from hub.bench.scenes import Cast, ratio
from hub.bench.stack import Stack
from hub.store.pool import connect

SCENES = ("first", "late", "burst", "kill", "presses")
SYSTEMS = ("carehub", "carehub_raise", "alertmanager", "procrastinate")
WORDS = {"carehub": "carehub", "carehub_raise": "carehub, no device"}
HUB = {"CAREHUB_LOG_LEVEL": "warning"}


def main(argv: list[str]) -> int:
    """Play the scenes and print what came of them; the last line is one JSON object with --json."""
    options = arguments(argv)
    with own_folder("escalation") as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(play(options, folder))
    print(table(figures))
    if options.json:
        print(json.dumps(rounded(figures)))
    return 0


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="carehub bench escalation", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SCENES, default=SCENES, help="scenes to play")
    parser.add_argument("--alerts", type=int, default=300, help="single alerts in the scene of the first page")
    parser.add_argument("--timers", type=int, default=300, help="timers that come due, in the scene of lateness")
    parser.add_argument("--pending", type=int, default=20_000, help="timers pending meanwhile")
    parser.add_argument("--burst", type=int, default=5_000, help="alerts in the burst")
    parser.add_argument("--killed", type=int, default=50, help="alerts accepted and undelivered when kill -9 comes")
    parser.add_argument("--presses", type=int, default=10_000, help="people who press at one moment")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds to wait for the last page of a scene")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args(argv)


async def play(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Start everybody and play the scenes in order."""
    needs = {"first": 2 * options.alerts, "late": options.timers, "burst": options.burst, "kill": options.killed,
             "presses": options.presses}  # fmt: skip
    figures: dict[str, Any] = {}
    async with contextlib.AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        hub = stack.enter_context(Stack(folder / "hub", HUB))
        async with await connect(hub.dsn) as conn:
            homes = await centre.provision(conn, receiver.url, 0, sum(needs[name] for name in options.only))
        await centre.wait_known(hub, homes[-1])
        cast = Cast(
            receiver=receiver, stack=hub, homes=homes, alertmanager=await peer_alertmanager(stack, folder, receiver),
            queue=await peer_queue(stack, hub.dsn, receiver),
        )  # fmt: skip
        figures["promises"] = promises(cast)
        plays = {
            "first": lambda: scenes.first_page(cast, options.alerts),
            "late": lambda: scenes.lateness(cast, options.timers, options.pending),
            "burst": lambda: scenes.burst(cast, options.burst, options.limit),
            "kill": lambda: scenes.killed(cast, options.killed, min(options.limit, 30.0)),
            "presses": lambda: scenes.presses(cast, options.presses, options.limit),
        }
        for name in options.only:
            say(f"{name} …")
            figures[name] = await plays[name]()
    figures["ratios"] = ratios(figures)
    return figures


async def peer_alertmanager(stack: contextlib.AsyncExitStack, folder: Path, receiver: Receiver) -> Alertmanager | None:
    program = shutil.which(alertmanager.PROGRAM)
    if program is None:
        say(f"{alertmanager.PROGRAM} is missing (apt-get install {alertmanager.PROGRAM}): measured without it")
        return None
    return await stack.enter_async_context(Alertmanager(program, folder / "alertmanager", receiver.url))


async def peer_queue(stack: contextlib.AsyncExitStack, dsn: str, receiver: Receiver) -> QueuePeer | None:
    if not queue_peer.installed():
        say("procrastinate is missing (pip install 'carehub[bench]'): measured without it")
        return None
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("create database procrastinate")
    return await stack.enter_async_context(QueuePeer(make_conninfo(dsn, dbname="procrastinate"), receiver.url))


def promises(cast: Cast) -> dict[str, str]:
    """Return what each system promises when it says "accepted"."""
    said = {"carehub": centre.PROMISE}
    if cast.alertmanager is not None:
        said["alertmanager"] = alertmanager.PROMISE
    if cast.queue is not None:
        said["procrastinate"] = queue_peer.PROMISE
    return said


def ratios(figures: dict[str, Any]) -> dict[str, float | None]:
    """Return the hub's figures as multiples of the peers' in the same run."""
    wanted = {
        "first_page_p50_to_alertmanager": ("first", "ms_p50", "alertmanager"),
        "first_page_p99_to_alertmanager": ("first", "ms_p99", "alertmanager"),
        "first_page_p99_to_procrastinate": ("first", "ms_p99", "procrastinate"),
        "late_p99_to_procrastinate": ("late", "late_ms_p99", "procrastinate"),
        "burst_accepted_to_alertmanager": ("burst", "accepted_per_s", "alertmanager"),
        "burst_accepted_to_procrastinate": ("burst", "accepted_per_s", "procrastinate"),
        "burst_paged_to_alertmanager": ("burst", "paged_per_s", "alertmanager"),
        "burst_paged_to_procrastinate": ("burst", "paged_per_s", "procrastinate"),
    }  # fmt: skip
    return {
        name: ratio(figures[scene], figure, peer) for name, (scene, figure, peer) in wanted.items() if scene in figures
    }


ROWS = {
    "first": ("first page, ms", {"min": "ms_min", "p50": "ms_p50", "p99": "ms_p99"}),
    "late": ("a timer's lateness, ms", {"p50": "late_ms_p50", "p99": "late_ms_p99", "POST p50": "post_ms_p50",
                                        "POST p99": "post_ms_p99", "fired": "fired"}),
    "burst": ("burst", {"accepted/s": "accepted_per_s", "pages/s": "paged_per_s", "last page s": "last_page_s"}),
    "kill": ("kill -9", {"accepted": "accepted", "arrived": "arrived", "lost": "lost", "all back s": "all_back_s"}),
    "presses": ("pressed at once", {"presses": "presses", "paged": "paged", "early": "early",
                                    "early acked s": "early_acked_s", "early paged s": "early_paged_s",
                                    "last acked s": "last_acked_s", "last paged s": "last_paged_s"}),
}  # fmt: skip


def table(figures: dict[str, Any]) -> str:
    """Return the figures as a person reads them."""
    lines: list[str] = []
    for name, (title, columns) in ROWS.items():
        if name not in figures:
            continue
        lines.append(f"{title:<24}" + "".join(f"{column:>14}" for column in columns))
        for who in SYSTEMS:
            if who in figures[name]:
                cells = [_cell(figures[name][who].get(figure)) for figure in columns.values()]
                lines.append(f"  {WORDS.get(who, who):<22}" + "".join(f"{cell:>14}" for cell in cells))
    lines += [f"{name:<40}{_cell(value):>10}" for name, value in figures["ratios"].items()]
    lines += [f"{who}: {words}" for who, words in figures["promises"].items()]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "–" if value is None else str(value).partition(":")[0]


def rounded(value: Any) -> Any:
    """Return figures with as many digits as they are worth."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def say(text: str) -> None:
    """Tell the person at the terminal how far we are."""
    print(text, file=sys.stderr, flush=True)
