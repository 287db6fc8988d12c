"""Back-off, what is the database's fault, and how many strangers are let in."""

from datetime import UTC, datetime

import psycopg
import pytest

from hub.steady import LONGEST_WAIT_S, Backoff, database_fault
from hub.store.raw import BatchNumbers
from hub.telemetry_lane import Newcomers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.DeadlockDetected(),
        psycopg.errors.SerializationFailure(),
        psycopg.errors.AdminShutdown(),
        psycopg.errors.DiskFull(),
        psycopg.errors.ReadOnlySqlTransaction(),
        psycopg.InterfaceError(),
        ConnectionResetError(),
    ],
)
def test_database_is_to_blame(error: Exception) -> None:
    assert database_fault(error)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.CheckViolation(),
        psycopg.errors.UntranslatableCharacter(),
        psycopg.errors.NumericValueOutOfRange(),
        ValueError(),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    ],
)
def test_content_is_to_blame(error: Exception) -> None:
    assert not database_fault(error)


def test_back_off_doubles_up_to_its_limit_and_starts_again() -> None:
    backoff = Backoff()
    waits = [backoff.next_s() for _ in range(12)]
    assert waits[:3] == [0.05, 0.1, 0.2]
    assert waits[-1] == LONGEST_WAIT_S
    backoff.reset()
    assert backoff.next_s() == 0.05


def test_strangers_are_let_in_up_to_the_hourly_limit() -> None:
    door = Newcomers(2)
    wanted = [(f"carehub:{name}", "", "") for name in "abc"]
    admitted = door.admit(wanted, NOW)
    assert [address for address, *_ in admitted] == ["carehub:a", "carehub:b"]
    door.spent(2)
    assert door.admit(wanted, NOW) == []
    assert len(door.admit(wanted, NOW.replace(hour=13))) == 2


def test_watches_and_trackers_wait_for_registration_where_that_is_asked() -> None:
    door = Newcomers(10, watches=False)
    wanted = [("watch3g:8800000015", "", ""), ("gt06:862000000000017", "", ""), ("carehub:a", "", "")]
    assert door.admit(wanted, NOW) == [("carehub:a", "", "")]


async def test_numbers_are_done_only_up_to_the_oldest_that_is_open() -> None:
    numbers = BatchNumbers()
    numbers._next, numbers._end = 5000, 6000
    first, second, third = [await numbers.take(None) for _ in range(3)]  # type: ignore[arg-type]
    assert numbers.through == first - 1
    numbers.done(second)
    assert numbers.through == first - 1
    numbers.done(first)
    assert numbers.through == second
    numbers.done(third)
    assert numbers.through == third
