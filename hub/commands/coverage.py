"""carehub coverage: who could come, for every resident and hour of the coming days, and where nobody could."""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from alerts.comers import Run, comers
from alerts.coverage import Cover, Coverage, coverage
from alerts.holes import Hole, HoleKind, holes
from alerts.town import HOUR
from hub.commands.tables import table
from hub.config import Settings, load, required_dsn
from hub.errors import HubError
from hub.policies import whose
from hub.store import coverage as store
from hub.store.pool import connect
from hub.web.words import duty, speaker

SHOWN = 60
NAMED = 3  # residents named in a line
STRIP = {Cover.COVERED: "·", Cover.UNKNOWN: "?", Cover.FAR: "f", Cover.ONLY_FAMILY_FAR: "F", Cover.LAST_RESORT: "L",
         Cover.NOBODY: "X"}  # fmt: skip


def main(argv: list[str]) -> int:
    """Return 0 when everybody is covered, 1 when there are holes."""
    parser = argparse.ArgumentParser(prog="carehub coverage", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML; the environment comes after it")
    parser.add_argument("--area", help="only the residents of this area")
    parser.add_argument("--resident", metavar="NUMBER|NAME", help="only her; draws her hours, and tells who could come")
    parser.add_argument("--days", type=int, help=f"1 to {store.MAX_DAYS}; left out: as configured")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh", help="left out: %(default)s")
    options = parser.parse_args(argv)
    if options.days is not None and not 1 <= options.days <= store.MAX_DAYS:
        raise HubError(f"--days is 1 to {store.MAX_DAYS}: duty is laid out no farther")
    settings = load(options.config)
    required_dsn(settings)
    return asyncio.run(_run(settings, options))


async def _run(settings: Settings, options: argparse.Namespace) -> int:
    how, t = settings.coverage, speaker(options.lang)
    hours = 24 * min(options.days or how.days, store.MAX_DAYS)
    async with await connect(settings.database.dsn, name="carehub coverage") as conn:
        home = None if options.resident is None else await whose(conn, options.resident)
        number = None if home is None else home.resident_id
        areas = await store.areas(conn)
        if options.area is not None and options.area not in areas:
            raise HubError(
                f"nobody lives in area {options.area!r}; there are {', '.join(filter(None, areas)) or 'none'}"
            )
        some = None if options.area is None else [options.area]
        of = await store.town(conn, areas=some, resident=number, hours=hours, radius_min=how.radius_min)
        found = coverage(of)
        gaps = holes(found)
        zone = ZoneInfo(settings.console.zone)
        told = () if number is None else comers(of, number)
        names = await store.names(conn, sorted({*found.mute, *(c.person_id for run in told for c in run.people)}))
        shown = sorted({number for hole in gaps[:SHOWN] for number in hole.residents[:NAMED]})
        homes = {row["id"]: row["name"] for row in await store.residents(conn, shown)}
    if gaps:
        head = (t("coverage.what"), t("coverage.where"), t("coverage.hours_in", zone=zone.key), t("coverage.whom"),
                t("coverage.nearest"))  # fmt: skip
        print(table(head, [_row(hole, zone, homes, t) for hole in gaps[:SHOWN]]))
    if len(gaps) > SHOWN:
        print(f"… {len(gaps) - SHOWN}")
    for person_id, residents in sorted(found.mute.items()):
        print(f"{t('hole.unreachable')}: {names.get(person_id, person_id)} ({len(residents)})")
    if home is not None and len(found.residents):
        print(f"{home.name} ({home.resident_id})" + (f", {home.address}" if home.address else ""))
        _draw(found, zone, t)
        for run in told:
            _tell(run, zone, names, t)
    total = len(found.residents) * hours
    covered = int((found.codes == Cover.COVERED).sum())
    share = f"{100 * found.covered:.1f}"
    print(t("coverage.share", radius=f"{how.radius_min:g}", covered=covered, total=total, share=share))
    return 1 if gaps or found.mute else 0


def _row(hole: Hole, zone: ZoneInfo, names: Mapping[int, str], t: Callable[..., str]) -> tuple[str, ...]:
    span = f"{_wall(hole.first_hour, zone)} – {_wall(hole.last_hour + timedelta(hours=1), zone)}"
    who = t("and").join(f"{names.get(number, '?')} ({number})" for number in hole.residents[:NAMED])
    more = f" {t('coverage.and_more', n=len(hole.residents) - NAMED)}" if len(hole.residents) > NAMED else ""
    return t(f"hole.{hole.kind}"), hole.area or "-", span, who + more, _nearest(hole, t)


def _nearest(hole: Hole, t: Callable[..., str]) -> str:
    """Minutes of the nearest whose way is known; where another's is not, that says little, and is said so."""
    if hole.minutes is None:
        return t("coverage.not_known") if hole.kind is HoleKind.UNKNOWN else "-"
    word = "coverage.known_way" if hole.kind is HoleKind.UNKNOWN else "coverage.minutes"
    return t(word, n=f"{hole.minutes:.0f}")


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


def _draw(found: Coverage, zone: ZoneInfo, t: Callable[..., str]) -> None:
    """One character an hour, one line a day of the wall's calendar."""
    day = ""
    for hour, code in enumerate(np.asarray(found.codes[0])):
        at = (found.from_hour + timedelta(hours=hour)).astimezone(zone)
        if f"{at:%m-%d}" != day:
            day = f"{at:%m-%d}"
            print(f"{'' if hour == 0 else chr(10)}{day}  {' ' * (at.hour if hour == 0 else 0)}", end="")
        print(STRIP[Cover(int(code))], end="")
    print("\n" + "  ".join(f"{sign} {t(f'cover.{kind}')}" for kind, sign in STRIP.items()))
