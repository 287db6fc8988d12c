"""What is usual for a wearer, rolled up where her telemetry lies, and brought to detectors that forgot it."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from alerts.detectors import baseline, detectors
from devices.columns import Columns, joined
from hub import usual
from hub.detection import Detection
from hub.device_table import DeviceTable
from hub.fall_streams import FallStreams
from hub.keeper import Keeper
from hub.store import hypertables, partitions, telemetry, vital_hours, vital_rollup
from hub.store.pool import Connection, connect
from hub.store.raw import BatchNumbers
from tests.integration.ingest.conftest import add_resident

NOW = datetime(2026, 11, 21, 12, 40, tzinfo=UTC)
NOW_MIN = int(NOW.timestamp()) // 60
DAYS, OFFSET_MIN = 15, 480
WITHIN_BPM = 4  # V1's limit from the roll-up, which does not know in which minutes of an hour she had just walked


def living(device: int, first_min: int, minutes: int, rise: float = 0.0) -> Columns:
    """Return a wearer's minutes: calm at night, faster by day, a walk of some minutes in most waking hours."""
    minute = first_min + np.arange(minutes)
    local = (minute + OFFSET_MIN) % 1440
    awake = (local >= 420) & (local < 1380)
    walks = awake & (minute % 60 < minute // 60 % 4 * 4)
    noise = (minute * 0x9E3779B1 >> 12) % 9 - 4
    batch = Columns.absent(minutes)
    batch.device[:] = device
    batch.measured_ms[:] = minute * 60_000
    batch.received_ms[:] = minute * 60_000 + 900
    batch.heart_rate_bpm[:] = 56 + 3 * device + 14 * awake + 20 * walks + noise + rise
    batch.steps[:] = np.where(walks, 60, 0)
    return batch


class Life:
    """One life of a hub on the database of those before it."""

    def __init__(self, conn: Connection) -> None:
        self.conn, self.table = conn, DeviceTable()
        looking = [one for one in detectors(OFFSET_MIN) if one.name in ("vitals", "stillness", "device_health")]
        self.detection = Detection(self.table, looking)
        self.keeper = Keeper(self.detection, BatchNumbers(), 0, OFFSET_MIN)

    async def begins(self) -> "Life":
        await self.table.load(self.conn)
        self.detection.fit()
        await self.keeper.restore(self.conn, FallStreams(None, 1), NOW)
        return self

    def hears(self, batch: Columns) -> list[str]:
        rows = self.table.rows_of_ids(batch.device)
        return [f"{f.rule}@{f.row}" for f in self.detection.observe(rows, batch)]

    @property
    def limits(self) -> NDArray[np.int64]:
        """Return V1's limits of the first two devices by part of the day."""
        bins = self.detection.states["vitals"]["rest_bins"][:2]
        parts = [baseline.high_limit_bpm(bins, np.full(2, part)) for part in range(baseline.PARTS)]
        return np.array(parts).T.astype(np.int64)


async def rolled(conn: Connection, now: datetime = NOW) -> None:
    """Let everything be rolled up that is over: by us, or by the extension."""
    row = await (await conn.execute(vital_rollup.Q.there)).fetchone()
    if row is not None and row[0]:
        until = partitions.floor(now, partitions.HOUR)
        assert await hypertables.refreshed(conn, "vital_hour_kept", until - 60 * partitions.DAY, until)
    while await vital_hours.refresh(conn, now):
        pass


@pytest.fixture(autouse=True)
def nobody_writes_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four weeks are 672 hours, and after each the hub leaves a fiftieth of a second to telemetry: 13 s here."""
    monkeypatch.setattr(vital_hours, "PAUSE_S", 0.0)


@pytest.fixture
def place(dsn: str) -> str:
    """A database with two wearers; where CAREHUB_TEST_DSN names a server it is there, which may have TimescaleDB."""
    for address in ("watch3g:1", "watch3g:2"):
        add_resident(dsn, address)
    return dsn


@pytest.fixture
async def conn(place: str) -> AsyncIterator[Connection]:
    async with await connect(place) as conn:
        await conn.execute("update device set created_at = %s, bound_at = %s", (NOW - timedelta(days=60),) * 2)
        await partitions.ensure(conn, NOW)
        yield conn


async def store(conn: Connection, *batches: Columns, number: int = 1) -> None:
    async with conn.transaction():
        for batch in batches:
            await telemetry.write_wide(conn, batch, number)


async def hours(conn: Connection) -> dict[tuple[int, datetime], tuple[Any, ...]]:
    rows = await (await conn.execute("select * from vital_hour")).fetchall()
    return {(device, hour): tuple(rest) for device, hour, *rest in rows}


async def test_hour_that_is_over_is_counted_by_what_she_did_and_the_bins_of_the_detector(conn: Connection) -> None:
    hour = NOW.replace(minute=0) - timedelta(hours=2)
    day = living(1, int(hour.timestamp()) // 60, 60)
    blind = dataclasses.replace(day.take(np.arange(20)), device=np.full(20, 2), steps=np.full(20, -1, np.int32))
    off = dataclasses.replace(day.take(np.arange(5)), worn=np.zeros(5, np.int8))
    kept = dataclasses.replace(day.take(np.arange(5)), received_ms=day.received_ms[:5] + 1_500_000)
    await store(conn, day, blind, off, kept)
    await rolled(conn)
    found, still = await hours(conn), day.steps == 0
    bins = np.bincount(baseline.BIN_OF[day.heart_rate_bpm[still].astype(int)], minlength=baseline.BINS).tolist()
    pulses = int(day.heart_rate_bpm[still].sum())
    assert found[1, hour] == ((~still).sum(), still.sum(), pulses, 0, 0, bins)
    assert found[2, hour] == (0, 0, 0, 20, int(day.heart_rate_bpm[:20].sum()), [0] * baseline.BINS)
    assert set(found) == {(1, hour), (2, hour)}


async def test_hours_rolled_up_again_are_the_same_and_what_is_committed_late_is_counted(conn: Connection) -> None:
    begin = NOW_MIN // 60 * 60 - 300
    await store(conn, living(1, begin, 120))
    await rolled(conn)
    before = await hours(conn)
    await rolled(conn)
    await conn.execute("update vital_mark set hour = hour - interval '3 hours'")
    await rolled(conn)
    assert await hours(conn) == before
    await store(conn, living(2, begin, 60), number=7)  # received then, committed now
    await rolled(conn, NOW + timedelta(hours=1))
    assert set(await hours(conn)) - set(before) == {(2, datetime.fromtimestamp(begin * 60, UTC))}


async def test_hour_that_is_going_on_waits(conn: Connection) -> None:
    await store(conn, living(1, NOW_MIN - 30, 30))
    await rolled(conn)
    assert set(await hours(conn)) <= {(1, NOW.replace(minute=0) - timedelta(hours=1))}


async def test_detectors_that_lost_their_memory_know_her_as_before(conn: Connection) -> None:
    past = [living(device, NOW_MIN - DAYS * 1440, DAYS * 1440) for device in (1, 2)]
    await store(conn, *past)
    await rolled(conn)
    before, after = Life(conn), Life(conn)
    await before.table.load(conn)
    before.detection.fit()
    order = np.argsort(np.concatenate([one.measured_ms for one in past]), kind="stable")
    whole = joined(*past).take(order)
    for part in np.array_split(np.arange(len(whole)), 30):
        before.hears(whole.take(part))
    await after.begins()  # no checkpoint: everything is gone
    assert (np.abs(before.limits - after.limits) <= WITHIN_BPM).all()
    assert (before.limits < baseline.UNKNOWN).all()
    vitals = before.detection.states["vitals"]["nights"], after.detection.states["vitals"]["nights"]
    known = [(night[:2] > 0) for night in vitals]
    assert (known[0][:, :] >= known[1]).all()
    assert known[1].sum(axis=1).min() >= 13
    both = known[0] & known[1]
    assert (np.abs(vitals[0][:2].astype(int) - vitals[1][:2])[both] <= 2).all()  # a beat a minute
    ill = living(1, NOW_MIN, 120, rise=45.0)
    assert before.hears(ill) == after.hears(ill) == ["V1@0"]
    assert before.hears(living(2, NOW_MIN, 120)) == after.hears(living(2, NOW_MIN, 120)) == []


async def test_new_watch_of_a_resident_knows_her_and_not_its_wearer_before(conn: Connection) -> None:
    past = [living(device, NOW_MIN - DAYS * 1440, DAYS * 1440) for device in (1, 2)]
    await store(conn, *past)
    await rolled(conn)
    life = await Life(conn).begins()
    usual_of_one, usual_of_two = life.limits.tolist()
    whose = await (await conn.execute("select resident_id from device order by id")).fetchall()
    for device, action, facts in ((2, "bind", {"resident": whose[1][0]}), (2, "claim", {})):
        at = NOW - timedelta(days=60) if action == "bind" else NOW - timedelta(minutes=5)
        await conn.execute(
            "insert into device_event (device_id, at, action, state, actor, facts)"
            " values (%s, %s, %s, 'live', 'test', %s)",
            (device, at, action, psycopg.types.json.Jsonb(facts)),
        )
    await conn.execute("update device set resident_id = %s, bound_at = %s where id = 2", (whose[0][0], NOW))
    await life.table.refresh(conn)
    life.detection.fit()
    assert (life.limits[1] == baseline.UNKNOWN).all()
    assert await usual.bring(conn, life.detection, NOW, OFFSET_MIN) == 1
    assert np.abs(life.limits - usual_of_one).max() <= WITHIN_BPM
    assert life.limits[1].tolist() != usual_of_two
    assert await usual.bring(conn, life.detection, NOW, OFFSET_MIN) == 0


async def test_new_watch_knows_when_she_rises(conn: Connection) -> None:
    past = living(1, NOW_MIN - DAYS * 1440, DAYS * 1440)
    await store(conn, past)
    await rolled(conn)
    known = await vital_hours.usual(conn, [1], NOW, OFFSET_MIN)
    rose = known.up_min[0][~np.isnan(known.up_min[0])] + 240  # after midnight
    assert len(rose) == 13  # of fourteen days, the oldest known in part only
    assert set(rose) <= {450, 510}  # she walks in the eighth hour or in the next: the middle of it
    life = await Life(conn).begins()
    assert (life.detection.states["stillness"]["ups"][0] > 0).sum() >= 12


async def test_mat_has_its_own_nights_and_no_pulse_at_rest(conn: Connection) -> None:
    await conn.execute("update device set address = 'bed:1' where id = 1")
    mat = living(1, NOW_MIN - DAYS * 1440, DAYS * 1440)
    mat.steps[:] = -1
    await store(conn, mat)
    await rolled(conn)
    life = await Life(conn).begins()
    assert (life.limits[0] == baseline.UNKNOWN).all()
    assert (life.detection.states["vitals"]["nights"][0] > 0).sum() >= 13
