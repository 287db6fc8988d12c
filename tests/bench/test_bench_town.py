"""The bench of a town: small, on a whole hub, so that its figures can be trusted when it is a million."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from hub.bench import citizens, load
from hub.bench.scale import Scale, ScaleError, deadlines_s
from hub.store.pool import connect
from tests.conftest import need

CONTRACT = {
    "residents", "rate", "moved_in_s", "first_start_s", "takeover_s", "memory", "hub_us_per_msg", "pg_us_per_msg",
    "hub_and_pg_us_per_msg", "above_rest_us_per_msg", "offered_per_s", "stored_per_s", "backlog", "backlog_max", "idle",
    "loaded", "disk_bytes_per_msg", "disk_kb_per_wearer_day", "wal_bytes_per_msg", "deadlines_pass_ms", "growth",
    "slopes", "floor", "published", "aims", "machine",
}  # fmt: skip


def town(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "hub", "bench", "town", *words, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def test_bench_prints_its_contract_and_nobody_is_lost() -> None:
    need("mosquitto", "mosquitto")
    need("mosquitto_sub", "mosquitto-clients")
    figures = town(
        "--residents", "400", "--rate", "60", "--seconds", "3", "--connections", "4", "--incidents", "60", "--presses",
        "2", "--growth", "200", "--growth-seconds", "2",
    )  # fmt: skip
    assert set(figures) >= CONTRACT
    assert figures["rows"] >= figures["sent"] == figures["acknowledged"] > 0
    assert figures["idle"]["presses"] == 2
    assert figures["loaded"]["presses"] == 3
    assert figures["loaded"]["missed"] == 0
    assert figures["loaded"]["closed"] == figures["raised"]["sos"] == 5  # nothing else was raised, and all are closed
    assert set(figures["raised"]) == {"sos"}
    assert [one["residents"] for one in figures["growth"]] == [200, 400]


def test_message_that_was_acknowledged_and_is_no_row_fails_the_bench(dsn: str, tmp_path: Path) -> None:
    scale = Scale(folder=tmp_path, residents=10, rate=1.0, seconds=1.0)
    scale.postgres = SimpleNamespace(dsn=lambda: dsn)  # type: ignore[assignment]
    with pytest.raises(ScaleError, match="5 messages were acknowledged and 0 rows"):
        scale._kept(5)


def test_each_press_is_of_another_resident() -> None:
    scale = Scale(folder=Path(), residents=400, rate=1.0, seconds=60.0, idle_presses=50)
    quiet, busy = scale._pressing(idle=True), scale._pressing(idle=False)
    assert (len(quiet), len(busy)) == (50, 50)
    assert not set(quiet) & set(busy)


def test_deadlines_of_everybody_are_looked_at_and_nobody_is_late() -> None:
    assert 0 <= deadlines_s(2_000) < 60


@pytest.mark.anyio
async def test_town_that_moves_in_is_complete(anyio_backend: str, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as sync:
        citizens.people(sync, 7, "http://127.0.0.1:9/c")
        citizens.buttons(sync, [2, 5])
        with pytest.raises(ValueError, match="empty database"):
            citizens.people(sync, 7, "http://127.0.0.1:9/c")
    async with await connect(dsn) as conn:
        query = (
            "select r.name, d.address, p.role, k.address from resident r join device d on d.resident_id = r.id"
            " join care_circle c on c.resident_id = r.id join person p on p.id = c.person_id"
            " join contact k on k.person_id = p.id where d.state = 'live' and d.bound_at is not null order by r.id"
        )
        rows = await (await conn.execute(query.encode())).fetchall()
        assert len(rows) == 7
        assert rows[6] == ("长者0000006", "carehub:town0000006", "family", "http://127.0.0.1:9/c/7")
        await conn.execute("insert into resident (name, created_at) values ('next', hub_now())")
        keys = await (await conn.execute("select username, kind, topic_prefix from credential order by 1")).fetchall()
        assert keys == [
            (load.GATEWAY, "gateway", "carehub/"),
            ("town0000002", "device", "carehub/town0000002/"), ("town0000005", "device", "carehub/town0000005/"),
        ]  # fmt: skip
