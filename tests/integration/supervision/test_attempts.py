"""First attempts as they are counted from presses, trials and what became of them."""

from datetime import UTC, datetime, timedelta

import psycopg

from hub.store import fleet
from hub.store.fleet import Wish
from hub.store.pool import connect
from tests.integration.supervision.conftest import add_device

DAY = datetime(2026, 11, 16, tzinfo=UTC)


def presses(conn: psycopg.Connection[tuple[object, ...]], device: int, *minutes: float) -> None:
    for minute in minutes:
        conn.execute(
            "insert into press (device_id, identity, kind, incident_id, at) values (%s, %s, 'sos', 1, %s)",
            (device, f"at {minute}", DAY + timedelta(minutes=minute)),
        )


def event(
    conn: psycopg.Connection[tuple[object, ...]], device: int, action: str, hour: float, facts: str = "{}"
) -> None:
    conn.execute(
        "insert into device_event (device_id, at, action, state, actor, facts) values (%s, %s, %s, 'bound', 'x', %s)",
        (device, DAY + timedelta(hours=hour), action, facts),
    )


async def test_first_attempts_are_counted_by_model_and_counting_again_changes_nothing(dsn: str) -> None:
    once, twice = (add_device(dsn, f"z2m:a/zigbee2mqtt/{n}", model=n) for n in ("good", "bad"))
    tried, failed, mute = (add_device(dsn, f"z2m:b/zigbee2mqtt/{n}", model="new") for n in "tfm")
    with psycopg.connect(dsn, autocommit=True) as conn:
        presses(conn, once, 60, 300, 600)
        presses(conn, twice, 60, 62, 63, 300, 309, 600)  # again within five minutes; too late; alone
        for device in (tried, failed, mute):
            event(conn, device, "bind", 1)
        event(conn, tried, "press", 1.1)
        event(conn, failed, "check", 1.1, '{"check": "sos", "passed": false}')
        event(conn, failed, "press", 1.2)
    async with await connect(dsn) as db:
        for _ in range(2):
            await fleet.count_attempts(db, DAY.date(), DAY, DAY + timedelta(days=2))
        table = await fleet.attempts(db, Wish(), DAY.date() + timedelta(days=1))
    told = {one.model: (one.failed, one.all, one.unanswered, one.trials_failed, one.trials_silent) for one in table}
    assert told == {"good": (0, 3, 3, 0, 0), "bad": (1, 3, 3, 0, 0), "new": (2, 3, 0, 1, 1)}
