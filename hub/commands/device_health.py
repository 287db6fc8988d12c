"""carehub devices health, visits, deadline: who is silent, whose battery ends when, who must go there, what fails."""

import argparse
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.supervision import class_of
from alerts.supervision_attempts import FEW, Attempts
from hub.commands import device_steps
from hub.commands.tables import table
from hub.config import Settings
from hub.device_files import LONGEST_DEADLINE_S
from hub.errors import HubError
from hub.store import device_life, fleet, supervision
from hub.store.console import Row
from hub.store.fleet import SHOWN, WORN_DAYS, Fleet, Wish
from hub.store.pool import Connection, connect, hub_now

CLASS = "class"  # the word that gives a device back to the deadline of its class

WHY = {"said": "自报离线 says so", "silent": "集体失联 silent together"}
FORECASTS = {
    "falling": "",
    "flat": "已耗尽 flat",
    "too_little": "数据不足 too little history",
    "charged": "刚充过电 charged lately",
    "steady": "未见下降 does not fall",
    "far": "两年以上 beyond two years",
    "": "待计算 not worked out yet",
}


def add_to(commands: Any) -> None:
    """Add the commands to `carehub devices`."""
    health = commands.add_parser("health", help="gateways down, silent, batteries, worn hours, first-attempt failure")
    health.add_argument("--model", help="of this model only")
    health.add_argument("--area", help="of this area only")
    health.set_defaults(run=_health)
    visits = commands.add_parser("visits", help="visits to be made because of a battery; `--done NUMBER` was made")
    visits.add_argument("--done", type=int, metavar="NUMBER", help="this visit was made")
    visits.add_argument("--note", default="", help="what was done there")
    visits.add_argument("--by", metavar="PERSON", help="who was there: number, name, account or telephone")
    visits.add_argument("--all", action="store_true", help="also those made in the last 28 days")
    visits.add_argument("--area", help="of this area only")
    visits.set_defaults(run=_visits)
    deadline = commands.add_parser("deadline", help="how long one device may be silent, instead of its class")
    deadline.add_argument("device", metavar="DEVICE", help="number or address")
    deadline.add_argument("seconds", help=f"1 to {LONGEST_DEADLINE_S}, 0: not supervised, `{CLASS}`: as its class")
    deadline.add_argument("--by", metavar="PERSON", help="whose doing it is")
    deadline.set_defaults(run=_deadline)


async def _health(options: argparse.Namespace, settings: Settings) -> int:
    zone = ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        now = await hub_now(conn)
        today = now.astimezone(zone).date()
        wish = Wish(model=options.model, area=options.area)
        await fleet.must_be_there(conn, wish)
        found = await fleet.fleet(conn, wish, now, today)
    for head, lines in _sections(found, zone, now):
        print(head)
        print(lines)
    return 0


def _sections(found: Fleet, zone: ZoneInfo, now: datetime) -> list[tuple[str, str]]:
    return [
        (f"网关失联 gateways down: {len(found.gateways)}", table(
            ("no.", "gateway", "since", "why", "devices", "silent", "incident"),
            [(g["device_id"], g["gateway"], _at(g["began_at"], zone),
              WHY[g["why"]], g["members"], g["silent_now"],
              g["incident"]) for g in found.gateways], indent=2)),
        (f"设备失联 silent: {_count(found.silent)}", table(
            ("no.", "address", "model", "resident", "area", "last heard", "for", "deadline", "incident"),
            [(s["device_id"], s["address"], s["model"], s["resident"], s["area"], _at(s["since"], zone),
              _span((now - s["since"]).total_seconds()), deadline_words(s["address"], s["model"], s["deadline_s"]),
              s["incident"]) for s in found.silent], indent=2)),
        (f"电池 batteries low or flat within 28 days: {_count(found.batteries)}", table(
            ("no.", "address", "model", "resident", "area", "level", "flat on"),
            [(b["device_id"], b["address"], b["model"], b["resident"], b["area"], f"{b['level_pct']:.0f} %",
              b["flat_on"] or FORECASTS.get(b["forecast"], b["forecast"])) for b in found.batteries], indent=2)),
        (f"佩戴 worn, hours a day of the last {WORN_DAYS} days", table(
            ("no.", "address", "model", "resident", "h/day", "days told"),
            [(w["device_id"], w["address"], w["model"], w["resident"], f"{w['hours']:.1f}", w["days"])
             for w in found.worn], indent=2)),
        ("首次按键失败率 first-attempt failure by model, 90 days", league_table(found.league)),
        (f"上门 visits to be made: {len(found.visits)}; made in 28 days: {len(found.done)}", ""),
    ]  # fmt: skip


def league_table(found: Sequence[Attempts]) -> str:
    """Return the league table; the interval is of 95 % confidence."""
    return table(
        ("", "model", "failed", "of", "rate", "95 %", "again", "unanswered", "trials failed", "no press", ""),
        [(place, one.model or "?", one.failed, one.all, f"{100 * one.failed / one.all:.1f} %",
          f"{100 * one.interval[0]:.1f}–{100 * one.interval[1]:.1f}", one.again, one.unanswered, one.trials_failed,
          one.trials_silent, "样本少 few" if one.all < FEW else " ") for place, one in enumerate(found, start=1)],
        indent=2,
    )  # fmt: skip


def deadline_words(address: str, model: str, own: int | None) -> str:
    """Return how long a device may be silent, and whether that is its own or its class's."""
    its = class_of(address, model)
    seconds = its.deadline_s if own is None else own
    words = _span(seconds) if seconds else "不监测 none"
    return words if own is not None else f"{words} ({its.zh} {its.en})"


async def _visits(options: argparse.Namespace, settings: Settings) -> int:
    zone = ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        if options.done is not None:
            await _made(conn, options)
        await fleet.must_be_there(conn, Wish(area=options.area))
        open_ = await fleet.visits(conn, area=options.area)
        now = await hub_now(conn)
        made = await fleet.visits(conn, status="done", since=now - fleet.DONE_SHOWN) if options.all else []
    head = ("visit", "due", "device", "address", "resident", "area", "reason", "battery", "state", "by", "note")
    print(table(head, [_visit(one, zone, now.astimezone(zone).date()) for one in [*open_, *made]]))
    return 0


async def _made(conn: Connection, options: argparse.Namespace) -> None:
    by = await device_steps.actor(conn, options.by)
    async with conn.transaction():
        done = await fleet.visit_done(conn, options.done, by, options.note[: device_life.LONGEST_NOTE])
    if not done:
        raise HubError(f"there is no visit {options.done} to be made: see `carehub devices visits`")
    print(f"visit {options.done}: 已完成 done")


def _visit(one: Row, zone: ZoneInfo, today: date) -> tuple[object, ...]:
    late = " 逾期 late" if one["status"] == "open" and one["due"] < today else ""
    level = "" if one["level_pct"] is None else f"{one['level_pct']:.0f} %"
    state = "待上门 open" if one["status"] == "open" else f"已完成 done {_at(one['done_at'], zone)}"
    return (one["id"], f"{one['due']}{late}", one["device_id"], one["address"], one["resident"], one["area"],
            "电池 battery", level, state, one["done_name"] or one["done_by"], one["note"])  # fmt: skip


async def _deadline(options: argparse.Namespace, settings: Settings) -> int:
    said = options.seconds
    if said != CLASS and not (said.isascii() and said.isdecimal() and int(said[:12]) <= LONGEST_DEADLINE_S):
        raise HubError(f"{said!r}: whole seconds from 0 (not supervised) to {LONGEST_DEADLINE_S}, or `{CLASS}`")
    own = None if said == CLASS else int(said)
    async with await connect(settings.database.dsn, name="carehub devices") as conn, conn.transaction():
        device = await device_life.hold(conn, options.device)
        await supervision.set_deadline(conn, device.id, own, await device_steps.actor(conn, options.by))
    print(f"device {device.id}: {device.address}")
    print(f"  deadline  {deadline_words(device.address, device.model, own)}")
    return 0


def _count(rows: Sequence[Row]) -> str:
    return f"{len(rows)}+" if len(rows) >= SHOWN else str(len(rows))


def _at(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
