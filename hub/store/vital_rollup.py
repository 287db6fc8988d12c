"""The one select that makes hours of vital signs, as a roll-up on plain PostgreSQL and as TimescaleDB's aggregate."""

from hub.store.sql import queries

Q = queries("vital_hours")
HOURLY = b"date_bin('1 hour', received_at, '2000-01-03 00:00+00')"
BUCKET = b"time_bucket(interval '1 hour', received_at)"  # begins where date_bin does
PART = (
    b" and received_at >= %(since)s and received_at < %(until)s"
    b" and device_id >= %(first)s and device_id < %(end)s group by 1, 2"
)
ROLL = (
    b"insert into vital_hour_rolled select " + Q.told + b" from ("
    + Q.measured.replace(b"{hour}", HOURLY) + PART
    + b") measured on conflict (device_id, hour) do update set walked = excluded.walked, still = excluded.still,"
    b" still_sum = excluded.still_sum, blind = excluded.blind, blind_sum = excluded.blind_sum, rest = excluded.rest"
)  # fmt: skip


# How a policy refreshes. All at once: by batches, as 2.28 does unless it is told, a change at the very first moment of
# a bucket may be left out. An hour from now: refreshing twice at a time may leave out as much, and whoever makes an
# aggregate fills it.
SCHEDULE = (
    b"end_offset => interval '1 hour', schedule_interval => interval '1 hour', if_not_exists => true,"
    b" initial_start => now() + interval '1 hour'"
)
AT_ONCE = b", buckets_per_batch => 0"


def ways() -> list[list[bytes]]:
    """Return the statements that let TimescaleDB keep the hours: for releases that know batches, for those before."""
    return [continuous(AT_ONCE), continuous()]


def continuous(batches: bytes = b"") -> list[bytes]:
    """Return the statements of one way. They change nothing where they ran before."""
    return [
        b"create materialized view if not exists vital_hour_kept"
        b" with (timescaledb.continuous, timescaledb.materialized_only = true) as "
        + Q.measured.replace(b"{hour}", BUCKET) + b" group by 1, 2 with no data",
        b"create or replace view vital_hour as select " + _named(Q.told) + b" from vital_hour_kept",
        # Only what changed since the last time is made anew, and less far back than telemetry is kept at the least:
        # else hours would be made anew of days that were dropped, and they would be gone.
        b"select add_continuous_aggregate_policy('vital_hour_kept', start_offset => interval '7 days', " + SCHEDULE
        + batches + b")",
        b"select add_retention_policy('vital_hour_kept', drop_after => interval '42 days', if_not_exists => true)",
    ]  # fmt: skip


def _named(told: bytes) -> bytes:
    """Return the columns under the names the view has: it is replaced, not dropped."""
    text = told.rpartition(b"--")[2].partition(b"\n")[2] if told.startswith(b"--") else told
    for name in (b"walked", b"still", b"still_sum", b"blind", b"blind_sum"):
        text = text.replace(name + b"::int,", name + b"::int as " + name + b",")
    return text.strip() + b" as rest"
