"""carehub coverage: who could come, for every resident and hour of the coming days, and where nobody could."""

import argparse
import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from alerts.coverage import Cover, Coverage, coverage
from alerts.holes import Hole, holes
from hub.config import Settings, load, required_dsn
from hub.store import coverage as store
from hub.store.pool import connect
from hub.web.words import speaker

SHOWN = 60
STRIP = {Cover.COVERED: "·", Cover.UNKNOWN: "?", Cover.FAR: "f", Cover.ONLY_FAMILY_FAR: "F", Cover.LAST_RESORT: "L",
         Cover.NOBODY: "X"}  # fmt: skip


def main(argv: list[str]) -> int:
    """Return 0 when everybody is covered, 1 when there are holes."""
    parser = argparse.ArgumentParser(prog="carehub coverage", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    parser.add_argument("--area")
    parser.add_argument("--resident", type=int, help="also draws her hours, a line a day")
    parser.add_argument("--days", type=int, help=f"up to {store.MAX_DAYS}; left out: as configured")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh")
    options = parser.parse_args(argv)
    settings = load(options.config)
    required_dsn(settings)
    return asyncio.run(_run(settings, options))


async def _run(settings: Settings, options: argparse.Namespace) -> int:
    how, t = settings.coverage, speaker(options.lang)
    hours = 24 * max(1, min(options.days or how.days, store.MAX_DAYS))
    async with await connect(settings.database.dsn, name="carehub coverage") as conn:
        of = await store.town(
            conn, area=options.area, resident=options.resident, hours=hours, radius_min=how.radius_min
        )
        found = coverage(of)
        gaps = holes(found)
        zone = ZoneInfo(settings.console.zone)
        names = await store.names(conn, sorted(found.mute))
    for hole in gaps[:SHOWN]:
        print(_line(hole, zone, t(f"hole.{hole.kind}")))
    if len(gaps) > SHOWN:
        print(f"… {len(gaps) - SHOWN}")
    for person_id, residents in sorted(found.mute.items()):
        print(f"{t('hole.unreachable')}: {names.get(person_id, person_id)} ({len(residents)})")
    if options.resident is not None and len(found.residents):
        _draw(found, zone)
    total = len(found.residents) * hours
    covered = int((found.codes == Cover.COVERED).sum())
    print(f"{covered}/{total} h ({100 * found.covered:.1f} %) ≤ {how.radius_min:g} min")
    return 1 if gaps or found.mute else 0


def _line(hole: Hole, zone: ZoneInfo, kind: str) -> str:
    span = f"{_wall(hole.first_hour, zone)} – {_wall(hole.last_hour + timedelta(hours=1), zone)}"
    away = "" if hole.minutes is None else f"  {hole.minutes:g} min"
    who = ", ".join(map(str, hole.residents[:8])) + (" …" if len(hole.residents) > 8 else "")
    return f"{kind:<12}  {hole.area or '-':<12}  {span}  {len(hole.residents):>5} ({who}){away}"


def _wall(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"


def _draw(found: Coverage, zone: ZoneInfo) -> None:
    """One character an hour, one line a day of the wall's calendar."""
    day = ""
    for hour, code in enumerate(np.asarray(found.codes[0])):
        at = (found.from_hour + timedelta(hours=hour)).astimezone(zone)
        if f"{at:%m-%d}" != day:
            day = f"{at:%m-%d}"
            print(f"{'' if hour == 0 else chr(10)}{day}  {' ' * (at.hour if hour == 0 else 0)}", end="")
        print(STRIP[Cover(int(code))], end="")
    print("\n" + "  ".join(f"{sign} {kind.name.lower()}" for kind, sign in STRIP.items()))
