"""carehub bench latency: press → page delivered, press → console, press → 收到, idle and under telemetry.

Everything is real: `carehub up` with its own PostgreSQL, the built-in listener, a webhook, a signed-in console. Beside
it, in the same run, a bare Mosquitto publish → subscribe round trip under the same load.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from hub.bench import town
from hub.bench.folder import own_folder
from hub.bench.offer import offered
from hub.bench.stack import Stack
from hub.bench.wire import LIMIT_S, BareMqtt, Console, Webhook
from hub.commands.bench_ingest import mosquitto, register
from hub.passwords import hash_password
from hub.store import policies
from hub.store.pool import connect

LOAD_WARM_UP_S = 3.0
LOAD_LIMIT_S = 3_600.0  # it is ended when the scene is over
PAUSE_S = 0.05  # between two presses: they are single events, not a burst
MEASURES = ("puback", "heard", "page", "console")


def main(argv: list[str]) -> int:
    """Run both scenes and print p50 and p99; the last line is one JSON object with --json."""
    parser = argparse.ArgumentParser(prog="carehub bench latency", description=__doc__)
    parser.add_argument("--presses", type=int, default=300, help="in each scene, each of another resident")
    parser.add_argument("--rate", type=float, default=5_000.0, help="telemetry messages a second in the loaded scene")
    parser.add_argument("--connections", type=int, default=500, help="devices that send the telemetry")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    with own_folder("latency") as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(play(options, folder))
    print(table(figures))
    if options.json:
        print(json.dumps(figures))
    return 0


@dataclass
class Times:
    """Milliseconds from the press to what followed, one list per measure."""

    ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MEASURES})

    def figures(self) -> dict[str, float]:
        return {f"{name}_{p}_ms": value for name, values in self.ms.items() for p, value in spread(values).items()}


async def play(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"presses": options.presses, "rate": options.rate}
    with mosquitto(folder) as (_, port):
        figures["mosquitto"] = {
            "idle": await round_trips(port, options.presses),
            "loaded": await under_load(port, options, lambda: round_trips(port, options.presses)),
        }
    async with Webhook() as webhook:
        with Stack(folder / "hub", {"CAREHUB_LOG_LEVEL": "warning"}) as stack:
            password = secrets.token_urlsafe(12)
            homes = await settle(stack, webhook.url, password, options.presses)
            await asyncio.to_thread(register, stack.dsn, options.connections)
            await asyncio.sleep(1)  # the ingest process hears of them by notification
            async with Console(stack.console_url, "bench", password) as console:
                half = len(homes) // 2
                idle = await presses(stack, homes[:half], webhook, console)
                busy = await under_load(
                    stack.listener_port, options, lambda: presses(stack, homes[half:], webhook, console)
                )
    figures |= {"idle": idle, "loaded": busy}
    base = figures["mosquitto"]["loaded"]["round_trip_p99_ms"]
    figures["page_p99_to_mosquitto_round_trip"] = round(busy["page_p99_ms"] / base, 1)
    return figures


async def settle(stack: Stack, url: str, password: str, presses: int) -> list[town.Home]:
    async with await connect(stack.dsn) as conn:
        await policies.publish(conn, town.POLICY)
        await town.add_person(conn, "测量坐席", "operator", "bench", hash_password(password))
        return await town.provision(conn, 2 * presses, url, "press")


async def presses(stack: Stack, homes: list[town.Home], webhook: Webhook, console: Console) -> dict[str, float]:
    """One press in each home, one after the other."""
    times = Times()
    async with contextlib.AsyncExitStack() as lines, await connect(stack.dsn) as conn:
        connected = []
        for home in homes:
            line = BareMqtt(stack.listener_port, home.credential.username, home.credential.secret)
            connected.append((home, await lines.enter_async_context(line)))
            await line.subscribe(f"carehub/{home.watch}/command")
        for home, line in connected:
            heard: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            line.hear = lambda _body, at, heard=heard: heard.done() or heard.set_result(at)  # type: ignore[misc]
            payload = json.dumps({"seq": 1, "event": "sos", "id": secrets.token_hex(6)}).encode()
            began = time.perf_counter()
            acked = await line.publish(f"carehub/{home.watch}/event", payload)
            told = await asyncio.wait_for(heard, LIMIT_S)
            query = b"select id from incident where resident_id = %s"
            row = await (await conn.execute(query, (home.resident_id,))).fetchone()
            assert row is not None
            shown = await console.shows(int(row[0]))
            moments = (acked, told, await webhook.page_of(int(row[0])), shown)
            for name, at in zip(MEASURES, moments, strict=True):
                times.ms[name].append((at - began) * 1000)
            await asyncio.sleep(PAUSE_S)
    return times.figures()


async def round_trips(port: int, times: int) -> dict[str, float]:
    """Publish → subscribe through a bare Mosquitto, one at a time."""
    ms = []
    async with BareMqtt(port, "bench-sub") as sub, BareMqtt(port, "bench-pub") as pub:
        await sub.subscribe("press")
        for _ in range(times):
            came: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            sub.hear = lambda _body, at, came=came: came.set_result(at)  # type: ignore[misc]
            began = time.perf_counter()
            await pub.publish("press", b"x" * 100)
            ms.append((await asyncio.wait_for(came, LIMIT_S) - began) * 1000)
            await asyncio.sleep(PAUSE_S / 5)
    return {f"round_trip_{p}_ms": value for p, value in spread(ms).items()}


async def under_load(port: int, options: argparse.Namespace, scene: Any) -> dict[str, float]:
    with offered(port, options.rate, LOAD_LIMIT_S, options.connections) as offer:
        await asyncio.sleep(LOAD_WARM_UP_S)
        before, began = offer.sent, time.monotonic()
        figures: dict[str, float] = await scene()
        return {**figures, "offered_per_s": round((offer.sent - before) / (time.monotonic() - began), 1)}


def spread(values: list[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}


def table(figures: dict[str, Any]) -> str:
    lines = [f"{'ms':<34}{'idle p50':>10}{'p99':>9}{'loaded p50':>13}{'p99':>9}"]
    rows = [("mosquitto publish → subscribe", "round_trip", figures["mosquitto"])]
    words = {"puback": "press → PUBACK (committed)", "heard": "press → 收到 on the device",
             "page": "press → first page delivered", "console": "press → operator's console"}  # fmt: skip
    rows += [(text, name, figures) for name, text in words.items()]
    for text, name, group in rows:
        cells = [group[scene][f"{name}_{p}_ms"] for scene in ("idle", "loaded") for p in ("p50", "p99")]
        lines.append(f"{text:<34}{cells[0]:>10}{cells[1]:>9}{cells[2]:>13}{cells[3]:>9}")
    offered = figures["loaded"]["offered_per_s"]
    lines.append(f"loaded: {offered} telemetry messages/s offered while {figures['presses']} people press")
    return "\n".join(lines)
