"""A town's people in bulk: residents, watches and relatives by COPY, as when a district moves in. All invented."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from hub.bench import load
from hub.bench.packets import name

AREA_RESIDENTS = 5_000  # of one community
ROWS_AT_ONCE = 20_000  # in one piece of a COPY
PASSED = "now"  # since when the watches are hers: her deadline begins with it
# What a register's own triggers would write of each row – a line of its history, a mark that cover must be worked out –
# is left out: a town that moves in has no history. Foreign keys hold by how the numbers are made.
BULK = "set local session_replication_role = replica"
SPREAD = 16_000  # everybody lives within some kilometres of one place
COLUMNS = {
    "resident": ("id", "name", "area", "address", "lat", "lon", "created_at"),
    "person": ("id", "name", "role", "created_at"),
    "contact": ("person_id", "channel", "address"),
    "care_circle": ("resident_id", "person_id", "relation", "minutes_away"),
    "device": ("id", "address", "adapter", "model", "resident_id", "state", "bound_at", "created_at"),
}


def area(number: int) -> str:
    """Return the community of a resident."""
    return f"测量{number // AREA_RESIDENTS:03d}社区"


def people(conn: psycopg.Connection, residents: int, webhook_url: str) -> float:
    """Register everybody and return the seconds it took. The numbers of resident, relative and watch are the same.

    Each resident has a watch of carehub's profile, in use, and a daughter who is called by webhook. All watches may
    come in behind the town's gateways, which share one account.
    """
    began = time.monotonic()
    with conn.transaction():
        conn.execute(BULK)
        if conn.execute("select from resident limit 1").fetchone() is not None:
            raise ValueError("a town moves into an empty database only")
        _copy(conn, "resident", ((n + 1, f"长者{n:07d}", area(n), f"测量路{n}号", 31.2 + n % 977 / SPREAD,
                                  121.4 + n % 991 / SPREAD, PASSED) for n in range(residents)))  # fmt: skip
        _copy(conn, "person", ((n + 1, f"家属{n:07d}", "family", PASSED) for n in range(residents)))
        _copy(conn, "contact", ((n + 1, "webhook", f"{webhook_url}/{n + 1}") for n in range(residents)))
        _copy(conn, "care_circle", ((n + 1, n + 1, "女儿", 10) for n in range(residents)))
        _copy(conn, "device", ((n + 1, f"carehub:{name(n)}", "carehub/1", "", n + 1, "live", PASSED, PASSED)
                               for n in range(residents)))  # fmt: skip
        for table in ("resident", "person", "device"):
            conn.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), {max(1, residents)})")
        conn.execute(
            "insert into credential (username, secret_sha256, kind, topic_prefix, created_at)"
            " values (%s, %s, 'gateway', 'carehub/', hub_now())",
            (load.GATEWAY, digest()),
        )
    conn.execute("vacuum (analyze) resident, person, contact, care_circle, device")
    return time.monotonic() - began


def buttons(conn: psycopg.Connection, numbers: Iterable[int]) -> None:
    """Let some watches sign in by themselves as well, to press: what is heard on the device is told to it alone."""
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            "insert into credential (username, secret_sha256, kind, topic_prefix, device_id, created_at)"
            " values (%s, %s, 'device', %s, %s, hub_now()) on conflict do nothing",
            [(name(n), digest(), f"carehub/{name(n)}/", n + 1) for n in numbers],
        )
        conn.execute("select pg_notify('carehub_config', '')")


def digest() -> bytes:
    """Return what the hub keeps of the secret."""
    return hashlib.sha256(load.PASSWORD.encode()).digest()


def _copy(conn: psycopg.Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Send rows as text, many at a time: a value of ours holds no tab and no backslash."""
    columns = ", ".join(COLUMNS[table])
    piece: list[str] = []
    with conn.cursor() as cursor, cursor.copy(f"copy {table} ({columns}) from stdin") as copy:
        for row in rows:
            piece.append("\t".join(map(str, row)))
            if len(piece) == ROWS_AT_ONCE:
                copy.write("\n".join(piece) + "\n")
                piece.clear()
        if piece:
            copy.write("\n".join(piece) + "\n")
