"""carehub coverage: who could come, for every resident and hour of the coming days, and where nobody could."""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from alerts.comers import Run, comers
from alerts.coverage import HOUR, Cover, Coverage, coverage
from alerts.holes import Hole, holes
from hub.config import Settings, load, required_dsn
from hub.policies import whose
from hub.store import coverage as store
from hub.store.pool import connect
from hub.web.vocabulary.coverage import duty
from hub.web.words import speaker

SHOWN = 60
STRIP = {Cover.COVERED: "·", Cover.UNKNOWN: "?", Cover.FAR: "f", Cover.ONLY_FAMILY_FAR: "F", Cover.LAST_RESORT: "L",
         Cover.NOBODY: "X"}  # fmt: skip


def main(argv: list[str]) -> int:
    """Return 0 when everybody is covered, 1 when there are holes."""
    parser = argparse.ArgumentParser(prog="carehub coverage", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    parser.add_argument("--area")
    parser.add_argument("--resident", metavar="NUMBER|NAME", help="also draws her hours, and tells who could come")
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
        home = None if options.resident is None else await whose(conn, options.resident)
        number = None if home is None else home.resident_id
        of = await store.town(conn, area=options.area, resident=number, hours=hours, radius_min=how.radius_min)
        found = coverage(of)
        gaps = holes(found)
        zone = ZoneInfo(settings.console.zone)
        told = () if number is None else comers(of, number)
        names = await store.names(conn, sorted({*found.mute, *(c.person_id for run in told for c in run.people)}))
    for hole in gaps[:SHOWN]:
        print(_line(hole, zone, t(f"hole.{hole.kind}")))
    if len(gaps) > SHOWN:
        print(f"… {len(gaps) - SHOWN}")
    for person_id, residents in sorted(found.mute.items()):
        print(f"{t('hole.unreachable')}: {names.get(person_id, person_id)} ({len(residents)})")
    if home is not None and len(found.residents):
        print(f"{home.name} ({home.resident_id})" + (f", {home.address}" if home.address else ""))
        _draw(found, zone)
        for run in told:
            _tell(run, zone, names, t)
    total = len(found.residents) * hours
    covered = int((found.codes == Cover.COVERED).sum())
    print(f"{covered}/{total} h ({100 * found.covered:.1f} %) ≤ {how.radius_min:g} min")
    return 1 if gaps or found.mute else 0


def _line(hole: Hole, zone: ZoneInfo, kind: str) -> str:
    span = f"{_wall(hole.first_hour, zone)} – {_wall(hole.last_hour + timedelta(hours=1), zone)}"
    away = "" if hole.minutes is None else f"  {hole.minutes:g} min"
    who = ", ".join(map(str, hole.residents[:8])) + (" …" if len(hole.residents) > 8 else "")
    return f"{kind:<12}  {hole.area or '-':<12}  {span}  {len(hole.residents):>5} ({who}){away}"


def _tell(run: Run, zone: ZoneInfo, names: Mapping[int, str], t: Callable[..., str]) -> None:
    """Who could come in a run of hours: a line for the hours, a line for each person."""
    print(f"{_wall(run.first_hour, zone)} – {_wall(run.first_hour + run.hours * HOUR, zone)}  {t(f'cover.{run.code}')}")
    for comer in run.people:
        away = t("coverage.not_known") if comer.minutes is None else t("coverage.minutes", n=f"{comer.minutes:.0f}")
        step = f"{run.policy} · {t('coverage.step', n=comer.step + 1)}"
        who = names.get(comer.person_id, comer.person_id)
        print("    " + "  ".join((away, str(who), t(f"role.{comer.role}"), duty(t, comer.lists), step)))


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
