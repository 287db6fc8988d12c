"""carehub report: the month's report as one file that prints: levels, visits, work orders, reviews, subsidies."""

import argparse
import asyncio
import re
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.config import Settings, load, required_dsn
from hub.errors import HubError
from hub.store import service_levels
from hub.store.pool import connect, hub_now
from hub.web import reports

LANGUAGES = {"zh": "zh-CN", "en": "en"}


def main(argv: list[str]) -> int:
    """Write the report; returns 0."""
    parser = argparse.ArgumentParser(prog="carehub report", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    what = parser.add_subparsers(dest="what", required=True)
    month = what.add_parser("month", help="one month")
    month.add_argument("month", metavar="YYYY-MM")
    month.add_argument("--area", help="a county, township or community; left out: everywhere")
    month.add_argument("--out", type=Path, required=True, help="an HTML file that stands alone")
    month.add_argument("--lang", choices=tuple(LANGUAGES), default="zh", help="left out: %(default)s")
    options = parser.parse_args(argv)
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", options.month):
        raise HubError(f"{options.month!r} is no month: write it like 2026-10")
    settings = load(options.config)
    required_dsn(settings)
    return asyncio.run(_month(settings, options))


async def _month(settings: Settings, options: argparse.Namespace) -> int:
    zone = ZoneInfo(settings.console.zone)
    async with await connect(settings.database.dsn, name="carehub report") as conn:
        await service_levels.must_be_there(conn, options.area)
        while await service_levels.read_cases(conn, await hub_now(conn)):
            pass
        text = await reports.written(conn, zone, options.month, options.area, LANGUAGES[options.lang])
    options.out.write_text(text, encoding="utf-8")
    print(f"{options.out}: {len(text.encode()) / 1024:.0f} kB")
    return 0
