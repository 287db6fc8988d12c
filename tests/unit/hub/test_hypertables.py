"""What TimescaleDB is asked for, as text: few statements, in words that its releases from 2.13 to 2.29 have."""

import re

from hub.store import hypertables, partitions

NEW, OLD = (b"; ".join(way).decode() for way in hypertables.columnstore("telemetry"))


def test_table_is_made_by_range_and_keeps_the_indexes_it_has() -> None:
    assert "by_range('received_at', %s::interval)" in hypertables.CREATE
    assert "create_default_indexes => false" in hypertables.CREATE


def test_compression_is_asked_for_in_new_words_first_and_in_old_ones_after() -> None:
    assert "timescaledb.enable_columnstore" in NEW
    assert "call add_columnstore_policy('telemetry', after =>" in NEW  # a procedure; the older one is a function
    assert "timescaledb.compress," in OLD
    assert "select add_compression_policy('telemetry', compress_after =>" in OLD
    assert not re.search(r"compress", NEW)


def test_both_ways_compress_the_same_rows_at_the_same_age() -> None:
    for way in (NEW, OLD):
        assert re.search(r"segmentby = 'device_id'", way)
        assert re.search(r"orderby = 'received_at desc'", way)
        assert "interval '3 days'" in way
        assert "if_not_exists => true" in way


def test_only_what_is_kept_for_months_is_compressed() -> None:
    kept = partitions.Retention()
    months = {each.name for each in partitions.TABLES if getattr(kept, each.name).days > 30}
    assert set(hypertables.COMPRESSED) == months


def test_chunks_are_dropped_by_a_moment_and_one_table_at_a_time() -> None:
    assert hypertables.DROP == "select drop_chunks(%s::regclass, older_than => %s::timestamptz)"
