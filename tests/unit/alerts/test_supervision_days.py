"""What a day leaves of each device: its last level, whether it was charged, how long it was worn."""

import numpy as np

from alerts.supervision_days import DAY_MS, DayBook
from devices.columns import Columns

MINUTE = 60_000
NOON = 20_000 * DAY_MS + 12 * 60 * MINUTE


def batch(*said: tuple[float, float, float, int, float]) -> tuple[np.ndarray, Columns]:
    """Messages as (row, minute, battery, worn, heart rate)."""
    columns = Columns.absent(len(said))
    row, minute, battery, worn, bpm = (np.array(column) for column in zip(*said, strict=True))
    columns.measured_ms[:] = columns.received_ms[:] = NOON + (minute * MINUTE).astype(np.int64)
    columns.battery_pct[:], columns.worn[:], columns.heart_rate_bpm[:] = battery, worn, bpm
    return row.astype(np.int64), columns


NOTHING = float("nan")


def book(rows: int = 3) -> DayBook:
    made = DayBook()
    made.fit(rows)
    return made


def worn_min(days: DayBook, row: int = 0) -> float:
    return float(days.columns["worn_ms"][row].max()) / MINUTE


def test_time_between_messages_counts_while_it_is_worn() -> None:
    days = book()
    days.observe(*batch((0, 0, NOTHING, 1, NOTHING), (0, 10, NOTHING, 1, NOTHING), (0, 15, NOTHING, 0, NOTHING)))
    days.observe(*batch((0, 30, NOTHING, 0, NOTHING), (0, 40, NOTHING, 1, NOTHING), (0, 45, NOTHING, 1, NOTHING)))
    assert worn_min(days) == 20


def test_heart_rate_of_a_watch_that_says_nothing_else_is_worn() -> None:
    days = book()
    days.observe(*batch((0, 0, NOTHING, -1, 70), (0, 1, NOTHING, -1, 71), (0, 2, NOTHING, -1, NOTHING)))
    assert worn_min(days) == 1
    days.observe(*batch((0, 2, NOTHING, 0, 70)))
    assert worn_min(days) == 2, "it was worn until it said that it is not, whatever its sensor sees"


def test_silence_is_worn_for_half_an_hour_at_most() -> None:
    days = book()
    days.observe(*batch((0, 0, NOTHING, 1, NOTHING)))
    days.observe(*batch((0, 300, NOTHING, 1, NOTHING)))
    assert worn_min(days) == 30


def test_order_in_a_batch_makes_no_difference_and_a_repeat_adds_nothing() -> None:
    said = [(0, m, NOTHING, 1, NOTHING) for m in (0, 10, 20)] + [(1, m, NOTHING, 1, NOTHING) for m in (5, 6)]
    straight, mixed = book(), book()
    straight.observe(*batch(*said))
    mixed.observe(*batch(*[said[at] for at in (4, 2, 0, 3, 1)]))
    mixed.observe(*batch(said[0], said[2]))
    assert [worn_min(straight, r) for r in (0, 1)] == [worn_min(mixed, r) for r in (0, 1)] == [20, 1]


def test_days_are_the_districts_and_yesterday_is_kept_until_it_is_written() -> None:
    days = DayBook(offset_ms=8 * 60 * MINUTE)
    days.fit(1)
    days.observe(*batch((0, 239, 50, 1, NOTHING), (0, 241, 49, 1, NOTHING)))  # noon in UTC is 20:00 there
    days.observe(*batch((0, 12 * 60, 40, -1, NOTHING)))
    taken = days.take(days.fresh(10, 0))
    assert sorted(taken["battery"][0].tolist()) == [40, 50]
    assert abs(int(taken["day"][0, 0]) - int(taken["day"][0, 1])) == 1


def test_level_that_rises_was_charged() -> None:
    days = book()
    days.observe(*batch((0, 0, 40, -1, NOTHING), (0, 5, 43, -1, NOTHING), (1, 0, 40, -1, NOTHING)))
    days.observe(*batch((0, 10, 42, -1, NOTHING), (1, 10, 90, -1, NOTHING)))
    assert [bool(days.columns["charged"][row].max()) for row in range(3)] == [False, True, False]


def test_low_level_is_one_signal_in_a_clock_hour_whatever_the_batches() -> None:
    once, apart = book(), book()
    said = [(0, minute, 15, -1, NOTHING) for minute in range(150)]
    assert len(once.observe(*batch(*said))) == 3
    assert sum(len(apart.observe(*batch(one))) for one in said) == 3


def test_what_could_not_be_written_is_written_later() -> None:
    days = book()
    days.observe(*batch((0, 0, 40, 1, NOTHING), (0, 10, 40, 1, NOTHING)))
    rows = days.fresh(10, 0)
    taken = days.take(rows)
    assert len(days.fresh(10, 0)) == 0
    days.put_back(rows, taken)
    assert days.fresh(10, 0).tolist() == [0]
    assert worn_min(days) == 10
