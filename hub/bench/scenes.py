"""What `carehub bench escalation` plays: the same scene for the hub and for its peers, turn by turn."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.model import AlertKind
from hub.bench import centre
from hub.bench.alertmanager import Alertmanager, Poster
from hub.bench.centre import Home
from hub.bench.load import PASSWORD
from hub.bench.queue_peer import QueuePeer
from hub.bench.receiver import Receiver
from hub.bench.stack import Stack
from hub.bench.wire import BareMqtt
from hub.store.pool import connect

LINES = 4  # connections a burst is injected through, for every system
PAUSE_S = 0.03  # between single alerts: they are single events, not a burst
SPACING_S = 0.02  # between timers
LEAD_S = 3.0  # from scheduling the first job to its time
LATE_LIMIT_S = 60.0
Figures = dict[str, Any]


@dataclass(kw_only=True)
class Cast:
    """Who plays. A peer that is not installed is None."""

    receiver: Receiver
    stack: Stack
    homes: list[Home]  # not yet used
    alertmanager: Alertmanager | None
    queue: QueuePeer | None

    def homes_for(self, number: int) -> list[Home]:
        taken, self.homes = self.homes[:number], self.homes[number:]
        return taken


async def first_page(cast: Cast, number: int) -> dict[str, Figures]:
    """One alert at a time, each system in turn: milliseconds until its first POST is here."""
    ms: dict[str, list[float]] = {}

    async def one(who: str, key: str, inject: Awaitable[object]) -> None:
        began = time.time()
        await inject
        ms.setdefault(who, []).append((await cast.receiver.first(key) - began) * 1000)
        await asyncio.sleep(PAUSE_S)

    homes = cast.homes_for(2 * number)
    line = await cast.alertmanager.line() if cast.alertmanager else None
    async with await connect(cast.stack.dsn, name="carehub bench") as conn:
        for turn, (home, other) in enumerate(zip(homes[:number], homes[number:], strict=True)):
            async with BareMqtt(cast.stack.listener_port, home.watch, PASSWORD) as watch:
                await asyncio.sleep(PAUSE_S)
                body = b'{"seq":1,"event":"sos","id":"one"}'
                await one("carehub", home.path, watch.publish(f"carehub/{home.watch}/event", body))
            await one("carehub_raise", other.path, centre.raise_one(conn, other, datetime.now(UTC)))
            if line is not None:
                await one("alertmanager", f"first-{turn}", line.raise_alert(f"first-{turn}"))
            if cast.queue is not None:
                await one("procrastinate", f"/first/{turn}", cast.queue.raise_alert(f"/first/{turn}"))
    if line is not None:
        line.close()
    return {who: spread(values, "ms") for who, values in ms.items()}


async def lateness(cast: Cast, number: int, pending: int) -> dict[str, Figures]:
    """Timers that come due one by one while many are pending: milliseconds from due to fired, and to the POST."""
    figures: dict[str, Figures] = {"alertmanager": {"fired": "n/a: it has no escalation"}}
    homes = cast.homes_for(number)
    async with await connect(cast.stack.dsn, name="carehub bench") as conn:
        await centre.pending(conn, pending)
        for home in homes:
            await centre.raise_one(conn, home, datetime.now(UTC), AlertKind.VITALS)
            await asyncio.sleep(SPACING_S)
        await cast.receiver.all_of([home.path for home in homes], centre.SHORT_S + LATE_LIMIT_S, times=2)
        rows = await (await conn.execute(centre.FIRED.encode())).fetchall()
    came = cast.receiver.came
    posted = [(came[f"/c/{name}"][1] - due) * 1000 for name, _, due in rows if len(came[f"/c/{name}"]) > 1]
    figures["carehub"] = {"fired": len(rows), **spread([late * 1000 for _, late, _ in rows], "late_ms"),
                          **spread(posted, "post_ms")}  # fmt: skip
    if cast.queue is not None:
        figures["procrastinate"] = await _lateness_of(cast.queue, cast.receiver, number, pending)
    return figures


async def _lateness_of(queue: QueuePeer, receiver: Receiver, number: int, pending: int) -> Figures:
    await queue.schedule(pending, datetime.now(UTC) + timedelta(hours=1))
    start = datetime.now(UTC) + timedelta(seconds=LEAD_S + number * 0.005)
    due = {f"/late/{n}": start + timedelta(seconds=n * SPACING_S) for n in range(number)}
    for path, at in due.items():
        await queue.raise_alert(path, at)
    fired = await receiver.all_of(due, number * SPACING_S + LATE_LIMIT_S)
    began = [(receiver.started[path] - at.timestamp()) * 1000 for path, at in due.items() if path in receiver.started]
    posted = [(receiver.came[path][0] - at.timestamp()) * 1000 for path, at in due.items() if path in receiver.came]
    return {"fired": fired, **spread(began, "late_ms"), **spread(posted, "post_ms")}


async def burst(cast: Cast, number: int, limit_s: float) -> dict[str, Figures]:
    """As many alerts as fast as they go in: accepted a second, and first pages a second."""
    figures: dict[str, Figures] = {}
    homes = cast.homes_for(number)
    now = datetime.now(UTC)
    figures["carehub"] = await _burst_of(
        cast.receiver, [home.path for home in homes], limit_s,
        lambda: centre.raise_many(cast.stack.dsn, homes, now, LINES),
    )  # fmt: skip
    if cast.alertmanager is not None:
        lines = [await cast.alertmanager.line() for _ in range(LINES)]
        keys = [f"burst-{n}" for n in range(number)]
        figures["alertmanager"] = await _burst_of(cast.receiver, keys, limit_s, lambda: _through(lines, keys))
        for line in lines:
            line.close()
    if cast.queue is not None:
        queue = cast.queue
        paths = [f"/burst/{n}" for n in range(number)]
        figures["procrastinate"] = await _burst_of(cast.receiver, paths, limit_s, lambda: _deferred(queue, paths))
    return figures


async def _burst_of(
    receiver: Receiver, keys: Sequence[str], limit_s: float, inject: Callable[[], Awaitable[None]]
) -> Figures:
    began = time.time()
    await inject()
    accepted_s = time.time() - began
    paged = await receiver.all_of(keys, limit_s)
    came = sorted(receiver.came[key][0] - began for key in keys if key in receiver.came)
    return {
        "accepted_per_s": len(keys) / accepted_s, "paged": paged, "paged_per_s": paged / came[-1] if came else 0.0,
        "last_page_s": came[-1] if came else None,
    }  # fmt: skip


async def _through(lines: Sequence[Poster], keys: Sequence[str]) -> None:
    async def one(line: Poster, mine: Sequence[str]) -> None:
        for key in mine:
            await line.raise_alert(key)

    await asyncio.gather(*(one(line, keys[at :: len(lines)]) for at, line in enumerate(lines)))


async def _deferred(queue: QueuePeer, paths: Sequence[str]) -> None:
    async def one(mine: Sequence[str]) -> None:
        for path in mine:
            await queue.raise_alert(path)

    await asyncio.gather(*(one(paths[at::LINES]) for at in range(LINES)))


async def presses(cast: Cast, number: int, limit_s: float) -> dict[str, Figures]:
    """So many people press at one moment, each on a connection of her own: when each is paged for."""
    homes = cast.homes_for(number)
    watches = await centre.Presser.ready(cast.stack.listener_port, homes)
    paging = asyncio.create_task(cast.receiver.all_of([home.path for home in homes], limit_s), name="pages")
    began, acked = await watches.press()
    paged = await paging
    came = sorted(cast.receiver.came[home.path][0] - began for home in homes if home.path in cast.receiver.came)
    heard = sorted(acked.values())
    early = min(1_000, max(1, number // 10))
    return {"carehub": {
        "presses": number, "acked": len(heard), "paged": paged,
        "early": early, "early_acked_s": heard[early - 1] if len(heard) >= early else None,
        "early_paged_s": came[early - 1] if len(came) >= early else None,
        "last_acked_s": heard[-1] if len(heard) == number else None,
        "last_paged_s": came[-1] if len(came) == number else None,
    }}  # fmt: skip


async def killed(cast: Cast, number: int, limit_s: float) -> dict[str, Figures]:
    """Accepted, on their way to a receiver that does not answer, then kill -9: how many arrive after a restart."""
    figures: dict[str, Figures] = {}
    homes = cast.homes_for(number)
    cast.receiver.holding = True
    for home in homes:
        async with BareMqtt(cast.stack.listener_port, home.watch, PASSWORD) as watch:
            await watch.publish(f"carehub/{home.watch}/event", b'{"seq":1,"event":"sos","id":"one"}')
    await asyncio.sleep(1)
    centre.kill(cast.stack)
    cast.receiver.holding = False
    figures["carehub"] = await _survivors(cast.receiver, [home.path for home in homes], limit_s)
    if cast.alertmanager is not None:
        keys = [f"killed-{n}" for n in range(number)]
        cast.receiver.holding = True
        line = await cast.alertmanager.line()
        await _through([line], keys)
        line.close()
        await asyncio.sleep(1)
        await cast.alertmanager.kill_and_start()
        cast.receiver.holding = False
        figures["alertmanager"] = await _survivors(cast.receiver, keys, limit_s)
    if cast.queue is not None:
        paths = [f"/killed/{n}" for n in range(number)]
        cast.receiver.holding = True
        await _deferred(cast.queue, paths)
        await asyncio.sleep(1)
        await cast.queue.kill_and_start()
        cast.receiver.holding = False
        figures["procrastinate"] = await _survivors(cast.receiver, paths, limit_s)
    return figures


async def _survivors(receiver: Receiver, keys: Sequence[str], limit_s: float) -> Figures:
    began = time.monotonic()
    arrived = await receiver.all_of(keys, limit_s)
    took = time.monotonic() - began if arrived == len(keys) else None
    return {"accepted": len(keys), "arrived": arrived, "lost": len(keys) - arrived, "all_back_s": took}


def spread(values: Sequence[float], name: str) -> Figures:
    """Return the least, the median and the 99th percentile."""
    if len(values) < 2:
        return {f"{name}_min": None, f"{name}_p50": None, f"{name}_p99": None}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {f"{name}_min": min(values), f"{name}_p50": cuts[49], f"{name}_p99": cuts[98]}


def ratio(figures: Mapping[str, Figures], name: str, peer: str, who: str = "carehub") -> float | None:
    """Return one figure of the hub as a multiple of a peer's; None without the peer."""
    mine, other = figures.get(who, {}).get(name), figures.get(peer, {}).get(name)
    return mine / other if mine and other and not isinstance(other, str) else None
