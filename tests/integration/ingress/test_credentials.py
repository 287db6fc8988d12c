"""Credentials out of a real database, fresh within a NOTIFY."""

import hashlib

import psycopg
import pytest

from hub.embedded import EmbeddedPostgres
from hub.ingress.credentials import Credentials, Failures
from tests.integration.ingress.parts import SECRET, credential, until

pytestmark = pytest.mark.anyio

ADD = """
insert into credential (username, secret_sha256, kind, topic_prefix, created_at)
values (%s, %s, 'device', %s, hub_now())
"""


def change(dsn: str, statement: str, values: tuple[object, ...] = ()) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute(statement.encode(), values)
        conn.execute("select pg_notify('carehub_config', '')")


async def test_credentials_follow_the_database(dsn: str) -> None:
    digest = hashlib.sha256(SECRET.encode()).digest()
    change(dsn, ADD, ("w-1", digest, "carehub/w-1/"))
    async with Credentials(dsn) as credentials:
        assert credentials.check("w-1", SECRET.encode()) == credential("w-1")
        assert credentials.check("w-1", b"wrong") is None
        assert credentials.check("w-2", SECRET.encode()) is None
        changes: list[int] = []
        credentials.watch(lambda: changes.append(1))
        change(dsn, ADD, ("w-2", digest, "carehub/w-2"))
        await until(lambda: credentials.check("w-2", SECRET.encode()))
        assert credentials.current("w-2") == credential("w-2")  # the slash is ours to add
        change(dsn, "update credential set active = false where username = 'w-1'")
        await until(lambda: credentials.current("w-1") is None)
        assert changes == [1, 1]


async def test_credentials_outlive_a_restart_of_the_database(dsn: str, postgres: EmbeddedPostgres) -> None:
    digest = hashlib.sha256(SECRET.encode()).digest()
    change(dsn, ADD, ("w-1", digest, "carehub/w-1/"))
    async with Credentials(dsn) as credentials:
        postgres.stop()
        assert credentials.check("w-1", SECRET.encode())
        postgres.start()
        change(dsn, ADD, ("w-2", digest, "carehub/w-2/"))
        await until(lambda: credentials.check("w-2", SECRET.encode()))


@pytest.mark.parametrize("prefix", ["", "/", "#", "a/+/", "$SYS/"])
def test_a_prefix_that_is_none_admits_nobody(prefix: str) -> None:
    odd = credential("x", "device", "placeholder/")
    known = Credentials.of([type(odd)(username="x", secret_sha256=odd.secret_sha256, kind="device", prefix=prefix)])
    assert known.check("x", SECRET.encode()) is None


@pytest.mark.parametrize(("username", "password"), [(None, None), ("w-1", None), ("w-1", b""), ("", b""), (None, b"x")])
def test_missing_parts_admit_nobody(username: str | None, password: bytes | None) -> None:
    assert Credentials.of([credential("w-1")]).check(username, password) is None


def test_backoff_doubles_is_bounded_and_is_forgotten() -> None:
    failures = Failures(tolerated=2, backoff_s=1, backoff_max_s=4, remembered=10)
    assert [failures.curt("a", now) for now in (0.0, 0.1, 0.2, 1.05, 1.2, 3.0, 3.2)] == [
        False, False, True, True, False, True, False,
    ]  # fmt: skip
    failures.forget("a")
    assert failures.curt("a", 3.3) is False
    assert failures.curt("a", 100.0) is False


def test_remembered_sources_are_bounded() -> None:
    failures = Failures(tolerated=1, backoff_s=60, backoff_max_s=60, remembered=3)
    for number in range(10):
        failures.curt(str(number), 0.0)
    assert not failures.curt("0", 0.1)
    assert failures.curt("9", 0.1)
