"""What is told of the disk: by table, by message, by wearer and day; and the doctor's line."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from hub.config import Settings
from hub.keeping import of_storage
from hub.keeping.verdict import Patient, State
from hub.store import hypertables, partitions, sizes
from hub.store.pool import Connection, connect
from tests.integration.ingest.conftest import add_resident

DEVICES = 20


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    """A database with a day of some wearers."""
    for number in range(DEVICES):
        add_resident(dsn, f"watch3g:{number}")
    async with await connect(dsn) as conn:
        row = await (await conn.execute("select date_trunc('day', now(), 'UTC')")).fetchone()
        assert row is not None
        day: datetime = row[0] - timedelta(days=1)
        await partitions.ensure(conn, day)
        await conn.execute(
            "insert into telemetry (received_at, device_id, batch, measured_at, heart_rate_bpm)"
            " select at, d, 1, at, 70 from generate_series(1, %(devices)s) d,"
            " generate_series(%(day)s::timestamptz, %(day)s::timestamptz + interval '23:59', '1 minute') at",
            {"day": day, "devices": DEVICES},
        )  # fmt: skip
        await conn.execute("analyze telemetry")
        yield conn


async def test_message_and_wearer_day_have_their_bytes(conn: Connection) -> None:
    telemetry, *others = await sizes.measure(conn)
    assert telemetry.hypertable is ("telemetry" in await hypertables.are(conn))
    assert telemetry.rows == pytest.approx(1440 * DEVICES, rel=0.1)
    assert 60 < telemetry.per_row < 250
    assert telemetry.pieces == 1
    wearers = await sizes.wearers(conn)
    assert wearers == DEVICES
    assert telemetry.per_wearer_day(wearers) == pytest.approx(1440 * telemetry.per_row, rel=0.1)
    assert telemetry.per_wearer_day(0) == 0
    assert [each.rows for each in others if not each.table.startswith("measured")] == [0, 0, 0, 0]


async def test_doctor_tells_the_room_that_is_left(conn: Connection, dsn: str) -> None:
    patient = Patient(settings=Settings(), dsn=dsn, conn=conn)
    verdict = await of_storage.storage(patient)
    assert "kB a wearer-day" in verdict.says
    if "another machine" in verdict.says:
        assert verdict.state is State.OK
        return
    limits = replace(Settings().ingest, storage_short_mb=1 << 40)
    verdict = await of_storage.storage(Patient(settings=replace(Settings(), ingest=limits), dsn=dsn, conn=conn))
    assert verdict.state is State.WRONG
    assert verdict.says.endswith("telemetry is not taken")
