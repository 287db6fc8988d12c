"""The roll-up of vital signs as text: one select for both servers, and nothing in it an extension would refuse."""

import re

from alerts.detectors import baseline
from hub.store import vital_rollup

ROLL, (AGGREGATE, VIEW, *POLICIES) = vital_rollup.ROLL.decode(), [one.decode() for one in vital_rollup.continuous()]
BINS = re.compile(r"steps = 0 and (?:heart_rate_bpm >= ([\d.]+))?(?: and )?(?:heart_rate_bpm < ([\d.]+))?")


def plain(text: str) -> str:
    """Return SQL without comments and runs of spaces."""
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", text))


def test_table_and_aggregate_are_made_of_the_same_sums() -> None:
    ours = plain(ROLL).partition(" from ( select ")[2].partition(" group by 1, 2")[0]
    ours = ours.partition(" and received_at >= %(since)s")[0]  # an hour and some devices at a time
    theirs = plain(AGGREGATE).partition(" as select ")[2].partition(" group by 1, 2")[0]
    assert ours.replace(vital_rollup.HOURLY.decode(), "") == theirs.replace(vital_rollup.BUCKET.decode(), "")


def test_aggregate_asks_for_nothing_that_continuous_ones_do_not_have() -> None:
    text = plain(AGGREGATE).lower()
    assert "time_bucket(interval '1 hour', received_at)" in text
    assert text.endswith("with no data")  # what has data cannot be made inside a transaction
    assert not re.search(
        r"\bfilter\b|\bdistinct on\b|\bover \(|count\(distinct|now\(\)|%\(|date_trunc|at time zone", text
    )
    assert "received_at -" in text
    assert not re.search(r"_at [-+] interval", text)  # a time and an interval depend on the zone: that is not immutable


def test_view_keeps_its_columns_when_the_extension_takes_over() -> None:
    names = re.findall(r"(?:as )?(\w+)(?:,| from vital_hour_kept)", plain(VIEW).partition(" array[")[0] + ",")
    assert [name for name in names if name] == [
        "device_id", "hour", "walked", "still", "still_sum", "blind", "blind_sum",
    ]  # fmt: skip
    assert plain(VIEW).endswith("::smallint[] as rest from vital_hour_kept")
    assert all("if_not_exists => true" in policy for policy in POLICIES)


def test_bins_are_those_the_detector_counts_in() -> None:
    edges = [(low, high) for low, high in BINS.findall(plain(ROLL)) if low or high]
    assert [float(high) + 0.5 for _, high in edges[:-1]] == baseline.EDGES_BPM[1:-1].tolist()
    assert [float(low) + 0.5 for low, _ in edges[1:]] == baseline.EDGES_BPM[1:-1].tolist()
