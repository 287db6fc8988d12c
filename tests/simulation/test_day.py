"""A recorded day of a district, played in lock-step, ends as it should; twice the same. How fast it was is printed.

`CAREHUB_DAY_SEED=…` plays another day; `CAREHUB_DAY=FILE` plays one that was recorded.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hub import chain
from hub.embedded import EmbeddedPostgres
from tests.conftest import create, drop
from tests.simulation import district
from tests.simulation.district import DAY_S, RESIDENTS, Entry, make_day
from tests.simulation.playback import MIDNIGHT, Playback, log_of, open_district

pytestmark = pytest.mark.anyio
SEED = int(os.environ.get("CAREHUB_DAY_SEED", "20261121"))
HALF = RESIDENTS // 4  # residents of the day that is played twice

OFF_DUTY = b"""
select p.id, p.person_id, p.created_at from page p join incident i on i.id = p.incident_id
where p.purpose = 'alarm' and p.role not in ('family', 'ambulance')
  and not exists (select from shift s where s.person_id = p.person_id and s.during @> p.created_at)
  and not exists (select from response r where r.incident_id = i.id and r.person_id = p.person_id)
"""
SILENT = b"""
select i.id from incident i left join timer t on t.incident_id = i.id
where (i.dedup_key is null) <> (t.incident_id is null)
"""
STUCK = b"""
select p.id, p.state from page p join incident i on i.id = p.incident_id
where i.dedup_key is null and p.purpose = 'alarm' and p.state in ('ready', 'sending', 'sent')
"""

Open = Callable[[int], Awaitable[Playback]]


@pytest.fixture
async def fresh(anyio_backend: str, postgres: EmbeddedPostgres) -> AsyncIterator[Open]:
    """A factory of districts, each in a database of its own."""
    async with AsyncExitStack() as stack:

        async def make(residents: int) -> Playback:
            name = f"day{len(made)}"
            made.append(name)
            playback = await open_district(create(postgres, name), residents)
            stack.push_async_callback(playback.conn.close)
            stack.push_async_callback(playback.worker_conn.close)
            return playback

        made: list[str] = []
        yield make
    for name in made:
        drop(postgres, name)


def recorded(tmp_path: Path, seed: int, residents: int) -> list[Entry]:
    """A day out of a file: what the simulator's watches said on the wire, and what people did about it."""
    if given := os.environ.get("CAREHUB_DAY"):
        return district.read(Path(given))
    path = tmp_path / "day.jsonl"
    district.write(path, district.record(make_day(seed, residents), MIDNIGHT))
    return district.read(path)


async def test_recorded_day_played_in_lock_step_ends_as_it_should(fresh: Open, tmp_path: Path) -> None:
    day = recorded(tmp_path, SEED, RESIDENTS)
    playback = await fresh(RESIDENTS)
    played = await playback.play(day, DAY_S)
    print(
        f"seed {SEED}: {len(day)} entries in {played.took_s:.1f} s, {played.speed:.0f} times as fast as life;"
        f" done {dict(played.done)}, refused {dict(played.refused)}", flush=True,
    )  # fmt: skip
    assert played.faults == []
    assert played.late_s == 0.0, "the clock moved while a timer was due"
    faults = await verdict(playback)
    assert faults == [], f"seed {SEED}: {faults[:10]}"
    assert played.speed > 1.0, "slower than life: it could never be played in a night"


async def test_same_day_played_twice_is_the_same_to_the_last_hash(fresh: Open, tmp_path: Path) -> None:
    """Invariant 12, over the whole hub: no clock, no order of tasks and no number of a worker gets into a chain."""
    day = recorded(tmp_path, SEED + 1, HALF)
    logs = []
    for _ in range(2):
        playback = await fresh(HALF)
        await playback.play(day, DAY_S)
        logs.append(await log_of(playback.conn))
    assert sum(len(entries) for entries in logs[0].values()) > 500
    assert logs[0] == logs[1]


def test_day_that_was_written_is_the_day_that_is_read(tmp_path: Path) -> None:
    day = list(district.record(make_day(SEED, 20), MIDNIGHT))
    assert {entry.what for entry in day if entry.said} == {entry.what for entry in day} & set(district.WORN)
    district.write(tmp_path / "day.jsonl", day)
    assert district.read(tmp_path / "day.jsonl") == day
    assert day == list(district.record(make_day(SEED, 20), MIDNIGHT))
    assert day != list(district.record(make_day(SEED + 1, 20), MIDNIGHT))


async def verdict(playback: Playback) -> list[str]:
    """Hold the end of a day against the laws, as an outsider would: rows and chains."""
    conn = playback.conn
    queries = (("silent, or rings after its end", SILENT), ("off duty and paged", OFF_DUTY), ("still wanted", STUCK))
    faults = [f"{what}: {row}" for what, q in queries for row in await (await conn.execute(q)).fetchall()]
    rows = await (await conn.execute(
        b"select i.id, i.state, i.step, i.round, i.presses, i.version, t.kind, t.due_at, i.closed_at is not null,"
        b" t.due_at < hub_now() from incident i left join timer t on t.incident_id = i.id"
    )).fetchall()  # fmt: skip
    tables = {row[0]: row[1:] for row in rows}
    for incident, entries in (await log_of(conn)).items():
        try:
            chain.verify(incident, entries)
        except chain.ChainError as err:
            faults.append(str(err))
            continue
        faults += _tells_another_story(incident, entries, tables[incident])
        faults += _went_wrong(incident, entries, ended=tables[incident][7], overdue=bool(tables[incident][8]))
    return faults


def _tells_another_story(incident: int, entries: list[chain.Entry], row: tuple[Any, ...]) -> list[str]:
    folded = chain.fold(entries)
    told = [folded.state[name] for name in ("state", "step", "round", "presses", "version")]
    told += [folded.timer["kind"], folded.timer["due_at"]] if folded.timer else [None, None]
    return [] if told == chain.plain(list(row[:7])) else [f"incident {incident} is {row}, its chain says {told}"]


def _went_wrong(incident: int, entries: list[chain.Entry], *, ended: bool, overdue: bool) -> list[str]:
    """Steps in order, none early, none late; one page under one key; ended by somebody, or ringing."""
    faults, due, step, keys = [], None, 0, set()
    for entry in entries:
        if entry.actor == "timer" and due is not None and chain.plain(entry.at) != due:
            faults.append(f"incident {incident}: {entry.what} at {entry.at}, due at {due}")
        if entry.what == "next_step" and (entry.body["from"], entry.body["to"]) != (step, step + 1):
            faults.append(f"incident {incident}: from step {step} by {entry.body}")
        after = entry.body.get("after")
        if after is not None:
            due = after["timer"] and after["timer"]["due_at"]
            step = after["step"]
            fresh = [tuple(page[:5]) for page in after["pages"]]
            faults += [f"incident {incident}: page {key} twice" for key in fresh if key in keys]
            keys.update(fresh)
    if ended and not entries[-1].actor.startswith(("person:", "device:")):
        faults.append(f"incident {incident} was ended by {entries[-1].actor}")
    if overdue:
        faults.append(f"incident {incident} is overdue at midnight")
    return faults
