"""Hours and days as text: the same sums for both servers, and nothing an extension would refuse."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from hub.config import IngestSettings
from hub.store import hypertables, measured, vital_rollup
from hub.store.vital_rollup import AT_ONCE

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
BEGINS = measured.midnight(ZoneInfo("Asia/Shanghai"), NOW)
HOURLY, HOUR_VIEW, HOUR_POLICY, DAILY, DAY_VIEW, DAY_POLICY = (one.decode() for one in measured.continuous(BEGINS))
ORIGIN = "timestamptz '2000-01-02 16:00:00+00'"


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", text))


def test_day_begins_at_the_districts_midnight_also_by_half_hours() -> None:
    assert datetime(2000, 1, 2, 16, tzinfo=UTC) == BEGINS
    kolkata = measured.midnight(timezone(timedelta(hours=5, minutes=30)), NOW)
    assert measured.floor(NOW, timedelta(days=1), kolkata) == datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


def test_aggregate_upon_another_names_its_source_and_the_same_origin() -> None:
    assert f"time_bucket(interval '1 hour', received_at, {ORIGIN}) as arrived," in plain(HOURLY)
    assert f"time_bucket(interval '1 day', arrived, {ORIGIN}) as arrived_on," in plain(DAILY)
    assert "from measured_hour_kept group by 1, 2, 3 with no data" in plain(DAILY)


def test_aggregates_hold_nothing_that_is_refused() -> None:
    for text in (plain(HOURLY), plain(DAILY)):
        assert text.endswith("group by 1, 2, 3 with no data")  # what has data is not made inside a transaction
        assert text.count("time_bucket(") == 1
        assert "timescaledb.materialized_only = true" in text
        assert not re.search(r"\bfilter\b|\bdistinct on\b|\bover \(|now\(\)|%\(|date_trunc|extract|at time zone", text)
        assert not re.search(r"_at [-+] interval", text)  # a time and an interval: not immutable
        assert "{" not in text


def test_views_give_the_columns_of_the_tables_they_replace() -> None:
    for view, kept in ((plain(HOUR_VIEW), "measured_hour_kept"), (plain(DAY_VIEW), "measured_day_kept")):
        assert view.endswith(f" from {kept}")
        names = re.findall(r" as (\w+)(?=,| from)", view.partition(" as select ")[2])
        assert names == ["arrived", *measured.FIELDS]


def test_extension_looks_back_less_far_than_the_least_its_source_may_be_kept() -> None:
    """Else it makes anew what was dropped beneath it: hours and days of nothing."""
    assert "start_offset => interval '7 days'" in HOUR_POLICY
    assert "start_offset => interval '14 days'" in DAY_POLICY
    assert IngestSettings(telemetry_keep_days=14, hours_keep_days=31, days_keep_days=366).telemetry_keep_days > 7
    for wrong in ({"telemetry_keep_days": 13}, {"hours_keep_days": 30}, {"days_keep_days": 99_999}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            replace(IngestSettings(), **wrong)  # type: ignore[arg-type]


def test_policies_refresh_whole_and_not_beside_whoever_fills_the_aggregate() -> None:
    """By batches 2.28 left out what came at the first moment of a bucket: each hour that a day is made of comes so."""
    for of in (measured.continuous(BEGINS, AT_ONCE), vital_rollup.ways()[0]):
        policies = [one.decode() for one in of if b"add_continuous_aggregate_policy" in one]
        assert policies
        for policy in policies:
            assert ", buckets_per_batch => 0)" in policy
            assert "initial_start => now() + interval '1 hour'" in policy
    assert "buckets_per_batch" not in HOUR_POLICY + DAY_POLICY  # of releases that know none
    whole, plainly = hypertables.REFRESH
    assert '"buckets_per_batch": 0' in whole
    assert "options" not in plainly
