"""Five low-battery signals in 72 hours book one visit; a battery's end is foretold; worn hours are counted by day."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from hub.__main__ import main
from hub.loops.fleet import FleetLoop
from hub.store import fleet
from hub.store.fleet import Wish
from hub.store.pool import connect
from tests.integration.ingest.conftest import eventually
from tests.integration.supervision.conftest import BASE, District, add_device

HOUR_MS = 3_600_000
OPEN = "select device_id, reason, status from visit order by id"


async def known(district: District, count: int = 1) -> None:
    async def there() -> bool:
        return len(district.ingest.table) >= count

    await eventually(there)


async def low(district: District, times: int, every_ms: int = 12 * HOUR_MS, *, until_ms: int | None = None) -> None:
    """The button says that its battery is low, so many times, the last time now."""
    last = until_ms or int(time.time() * 1000)
    for back in range(times - 1, -1, -1):
        district.send(f"{BASE}/SOS", {"battery_low": True, "linkquality": 60 + back}, at_ms=last - back * every_ms)
        await district.done()
    await district.written()


async def test_five_low_signals_in_72_hours_book_one_visit(district: District, dsn: str) -> None:
    device_id = add_device(dsn, f"z2m:{BASE}/SOS")
    await known(district)
    await low(district, 4)
    assert await district.rows(OPEN) == []
    await low(district, 1, until_ms=int(time.time() * 1000) + 120_000)
    await low(district, 3, every_ms=HOUR_MS, until_ms=int(time.time() * 1000) + 5 * HOUR_MS)
    assert await district.rows(OPEN) == [(device_id, "battery", "open")]
    due, booked = (await district.rows("select due, booked_at from visit"))[0]
    assert 5 <= (due - booked.astimezone(ZoneInfo("Asia/Shanghai")).date()).days <= 7  # five working days


async def test_five_low_signals_in_a_week_book_none(district: District, dsn: str) -> None:
    add_device(dsn, f"z2m:{BASE}/SOS")
    await known(district)
    await low(district, 5, every_ms=36 * HOUR_MS)
    assert await district.rows(OPEN) == []


async def test_watch_below_twenty_percent_for_an_evening_is_one_signal_an_hour(district: District, dsn: str) -> None:
    add_device(dsn, "carehub:w1")
    await known(district)
    now = int(time.time() * 1000)
    for minute in range(120, 0, -1):
        district.send("carehub/w1/vitals", {"seq": 200 - minute, "battery": 15}, at_ms=now - minute * 60_000)
    await district.done()
    await district.written()
    assert await district.one("select count(*) from low_signal") in (2, 3)  # clock hours it reached into
    assert await district.rows(OPEN) == []


async def test_battery_charged_before_anybody_went_needs_no_visit(district: District, dsn: str) -> None:
    add_device(dsn, f"z2m:{BASE}/SOS")
    await known(district)
    await low(district, 5)
    district.send(f"{BASE}/SOS", {"battery": 100, "battery_low": False})
    await district.done()
    await district.written()
    assert await district.rows("select status, done_by, note from visit") == [("done", "device", "charged")]
    assert await district.one("select count(*) from low_signal") == 0


async def test_visit_that_was_made_is_written_with_who_and_books_no_other(
    district: District, dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    add_device(dsn, f"z2m:{BASE}/SOS")
    await known(district)
    await low(district, 5)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "insert into person (name, role, phone, language, created_at)"
            " values ('周电工', 'community', '', 'zh-CN', now())"
        )
    await _command("devices", "visits")
    assert "待上门 open" in capsys.readouterr().out
    await _command("devices", "visits", "--done", "1", "--by", "周电工", "--note", "换了电池")
    assert await district.rows("select status, done_by, note from visit") == [("done", "person:1", "换了电池")]
    await low(district, 4, every_ms=HOUR_MS)
    assert await district.one("select count(*) from visit") == 1, "the signals before the visit are of the old battery"


async def _command(*words: str) -> None:
    assert await asyncio.to_thread(main, list(words)) == 0


async def test_levels_of_days_foretell_the_flat_day(district: District, dsn: str) -> None:
    device_id = add_device(dsn, f"z2m:{BASE}/door")
    await known(district)
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date()
    for back in range(20, 0, -1):
        await district.conn.execute(
            "insert into device_day (device_id, day, battery_pct) values (%s, %s, %s)",
            (device_id, today - timedelta(days=back), 10 + back),
        )
    district.sensor("door", battery=10)
    await district.done()
    await district.written()
    async with await connect(dsn) as conn:
        await FleetLoop(dsn=dsn, zone=ZoneInfo("Asia/Shanghai")).once(conn)
        found = await fleet.fleet(conn, Wish(), datetime.now(UTC), today)
    told = [(one["address"], one["forecast"], one["flat_on"]) for one in found.batteries]
    assert told == [(f"z2m:{BASE}/door", "falling", today + timedelta(days=5))]


async def test_worn_hours_of_a_day_are_those_between_messages(district: District, dsn: str) -> None:
    add_device(dsn, "carehub:w1")
    await known(district)
    now = int(time.time() * 1000)
    for minute, worn in ((50, True), (40, True), (30, False), (10, False)):
        district.send("carehub/w1/vitals", {"seq": 60 - minute, "worn": worn}, at_ms=now - minute * 60_000)
    await district.done()
    await district.written()
    assert await district.one("select round(sum(worn_min)) from device_day") == 20
