"""carehub devices falls: falls suspected, cancelled, called out and closed as none, by model and by wearer."""

import argparse
from typing import Any
from zoneinfo import ZoneInfo

from alerts.false_falls import Falls
from hub.commands.tables import table
from hub.config import Settings
from hub.store import falls, fleet
from hub.store.falls import OVER_DAYS, Line
from hub.store.fleet import Wish
from hub.store.pool import connect, hub_now

HEAD = ("suspected", "cancelled", "at desk", "proceeded", "real", "false", "unclear", "open", "too late", "worn days",
        "h worn", "false a week", "95 %", "")  # fmt: skip


def add_to(commands: Any) -> None:
    """Add the command to `carehub devices`."""
    told = commands.add_parser(
        "falls",
        help=f"falls of {OVER_DAYS} days by model and wearer: cancelled, called out, false alarms a wearer-week",
    )
    told.add_argument("--model", help="of this model only")
    told.add_argument("--area", help="of this area only")
    told.set_defaults(run=_falls)


async def _falls(options: argparse.Namespace, settings: Settings) -> int:
    zone = ZoneInfo(settings.console.zone)
    wish = Wish(model=options.model, area=options.area)
    async with await connect(settings.database.dsn, name="carehub devices") as conn:
        now = await hub_now(conn)
        today = now.astimezone(zone).date()
        await fleet.must_be_there(conn, wish)
        while await falls.read_cases(conn, now):
            pass
        await falls.count_worn(conn, now, zone, again=True)
        models = await falls.by_model(conn, wish, today, zone)
        wearers = await falls.by_wearer(conn, wish, today, zone)
    print(f"按型号 by model, {OVER_DAYS} days")
    print(table(("model", *HEAD), [(one.about["model"] or "?", *_cells(one.falls)) for one in models], indent=2))
    print(f"按佩戴者 by wearer, {OVER_DAYS} days")
    print(table(("resident", "area", *HEAD), [_wearer(one) for one in wearers], indent=2))
    print("误报 false: 倒计时内取消 cancelled in time; 结案为误按、上门平安、设备故障、低电、不在家 closed as no fall")
    print("一周为佩戴满 7 天 a week is seven days worn; 区间为泊松 95 % intervals are Poisson's.")
    return 0


def _wearer(one: Line) -> tuple[object, ...]:
    return (one.about["resident"], one.about["area"], *_cells(one.falls))


def _cells(one: Falls) -> tuple[object, ...]:
    rate, between = one.per_week(one.false_alarms), one.interval(one.false_alarms)
    return (
        one.suspected, one.cancelled, one.at_desk, one.proceeded, one.real, one.false, one.unclear, one.under_way,
        one.late, one.worn_days, f"{one.worn_hours:.0f}", "" if rate is None else f"{rate:.2f}",
        "" if between is None else f"{between[0]:.2f}–{between[1]:.2f}", "样本少 few" if one.few else " ",
    )  # fmt: skip
