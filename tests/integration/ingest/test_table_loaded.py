"""The table of devices as it is read at a start, in pages, knows what it would know row by row."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from hub import device_table
from hub.device_table import NONE, DeviceTable, Q
from hub.store.pool import Connection, connect

pytestmark = pytest.mark.anyio
WORDS = ("address", "adapter", "model", "stated_model", "area")
NUMBERS = (
    "device_id", "resident_id", "deadline_s", "bound_ms", "created_ms", "test_until_ms", "first_row", "wearable",
    "skin", "spo2_scale2",
)  # fmt: skip
INSERT = (
    "insert into device (address, adapter, model, resident_id, state, deadline_s, test_until, bound_at, model_told,"
    " created_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, '2026-11-21 12:00:00.123457+00')"
)


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    async with await connect(dsn) as conn:
        yield conn


async def furnish(conn: Connection) -> None:
    """Register a device of every kind that makes a difference."""
    add = "insert into resident (name, area, spo2_scale, created_at) values (%s, %s, %s, hub_now()) returning id"
    cursor = conn.cursor()
    await cursor.executemany(add.encode(), [("wang", "东街", 2), ("li", "", 1)], returning=True)
    wang = (await cursor.fetchone() or (0,))[0]
    cursor.nextset()
    li = (await cursor.fetchone() or (0,))[0]
    at = "2026-11-20 08:00:00.987653+00"
    for line in (
        ("carehub:w1", "carehub/1", "", wang, "live", None, None, at, True),
        ("carehub:w2", "carehub/1", "call-button", wang, "tested", None, at, at, True),
        ("carehub:w3", "carehub/1", "", None, "seen", None, None, None, False),
        ("watch3g:8800000015", "watch3g/1", "T9", li, "bound", 600, None, at, True),
        ("z2m:home/bridge", "z2m/1", "", li, "live", None, None, at, True),
        ("z2m:home/门铃", "z2m/1", "TS0215A", li, "live", None, None, None, True),
        ("carehub:old", "", "", li, "retired", 900, None, at, True),
        ("carehub:box", "", "", None, "claimed", None, None, None, True),
        ("mystery:1", "", "", li, "live", None, None, at, False),
        ("lorawan:gateway/1", "", "", None, "live", 0, None, None, True),
    ):
        await conn.execute(INSERT.encode(), line)


async def row_by_row(conn: Connection) -> DeviceTable:
    table = DeviceTable(default_deadline_s=1_234)
    table.put(await (await conn.execute(Q.load_again, {"after": 0, "limit": 1_000})).fetchall())
    return table


def known(table: DeviceTable) -> dict[str, Any]:
    told: dict[str, Any] = {name: list(getattr(table, name)) for name in WORDS}
    return told | {name: getattr(table, name)[: len(table)].tolist() for name in NUMBERS} | {"row_of": table.row_of}


@pytest.mark.parametrize("at_once", [3, 50_000])
async def test_table_read_in_pages_is_the_one_read_row_by_row(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(device_table, "LOADED_AT_ONCE", at_once)
    await furnish(conn)
    table = DeviceTable(default_deadline_s=1_234)
    await table.load(conn)
    assert known(table) == known(await row_by_row(conn))
    assert len(table) == 10


async def test_word_that_holds_the_parting_sign_is_read_all_the_same(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_table, "LOADED_AT_ONCE", 4)
    await furnish(conn)
    odd = f"carehub:a{device_table.PARTS}b"
    await conn.execute("update device set address = %s where address = 'watch3g:8800000015'", (odd,))
    table = DeviceTable(default_deadline_s=1_234)
    await table.load(conn)
    assert known(table) == known(await row_by_row(conn))
    assert odd in table.row_of


async def test_number_is_found_whether_it_came_at_the_start_or_later(conn: Connection) -> None:
    await furnish(conn)
    table = DeviceTable()
    await table.load(conn)
    numbers = table.device_id[: len(table)].copy()
    await conn.execute(INSERT.encode(), ("carehub:new", "", "", None, "seen", None, None, None, True))
    assert await table.refresh(conn) >= 1
    new = int(table.device_id[len(table) - 1])
    wanted = np.array([new, *numbers, 0, new + 1])
    assert table.rows_of_ids(wanted).tolist() == [10, *range(10), NONE, NONE]
    assert [table.row_of_id(int(number)) for number in wanted] == [10, *range(10), NONE, NONE]


async def test_empty_table_is_read(conn: Connection) -> None:
    table = DeviceTable()
    await table.load(conn)
    assert len(table) == 0
    assert table.row_of_id(1) == NONE


async def test_device_changed_since_the_start_keeps_its_row(conn: Connection) -> None:
    await furnish(conn)
    table = DeviceTable()
    await table.load(conn)
    row = table.row_of["carehub:w3"]
    await conn.execute("update device set address = 'carehub:renamed', state = 'live' where address = 'carehub:w3'")
    await table.refresh(conn)
    assert table.row_of["carehub:renamed"] == row
    assert "carehub:w3" not in table.row_of
    assert len(table) == 10
