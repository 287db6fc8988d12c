"""What a soak that failed leaves behind: who still waits and for what, what the tables say of it, the logs' ends."""

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import psycopg

from simulator.encoders import carehub as words
from tests.acceptance.soak.street import Wearer

LAST_LINES = 40

DOWNLINKS = (
    "select id, created_at, expires_at > hub_now() as valid, delivered_at from downlink"
    " where topic = %s and convert_from(payload, 'UTF8') like %s order by id desc limit 3"
)
SESSIONS = (
    "select pid, application_name, state, coalesce(wait_event, '-'), pg_blocking_pids(pid), now() - state_change,"
    " left(query, 200) from pg_stat_activity"
    " where backend_type = 'client backend' and (state <> 'idle' or query_start > now() - interval '2 s')"
)


def unfinished(dsn: str, wearers: Sequence[Wearer]) -> list[str]:
    """Return a line for each wearer who still waits: for what, how long, over which way, and what the tables say."""
    return [line for wearer in wearers if wearer.waits for line in _waiting(dsn, wearer)]


def _waiting(dsn: str, wearer: Wearer) -> list[str]:
    way = "broker" if wearer.through_broker else "listener"
    who, now = f"{wearer.home.watch} ({way}, {wearer.line.condition})", time.monotonic()
    lines = [f"{who}: waits {now - since:.0f} s for {what}" for what, since in wearer.waits.values()]
    if wearer.pressing:
        press = f"    press {wearer.pressing} of {now - wearer.pressed_at:.0f} s ago"
        lines += [f"{press}: {what}" for what in _known(dsn, wearer)]
    return lines


def _known(dsn: str, wearer: Wearer) -> list[str]:
    """Whether the press is in the table, and what has become of the word that goes down to its device."""
    try:
        with psycopg.connect(dsn, connect_timeout=5) as conn:
            presses = conn.execute(
                "select identity, incident_id from press where device_id = %s and identity like %s",
                (wearer.home.device_id, f"%{wearer.pressing}"),
            ).fetchall()
            topic = words.topic(wearer.home.watch, "command")
            downlinks = conn.execute(DOWNLINKS, (topic, f"%{wearer.pressing}%")).fetchall()
    except psycopg.OperationalError as error:
        return [f"the database does not answer: {error}"]
    stored = [f"is stored as {identity} in incident {incident}" for identity, incident in presses]
    told = [f"downlink {number} of {made:%T} {_fate(valid, done)}" for number, made, valid, done in downlinks]
    return [*(stored or ["is not stored"]), *(told or ["no downlink speaks of it"])]


def _fate(valid: bool, done: datetime | None) -> str:
    return f"was delivered {done:%T}" if done else "waits" if valid else "has expired"


def sessions(dsn: str) -> str:
    """Return what the database's sessions are at: who holds what up, and for how long."""
    try:
        with psycopg.connect(dsn, connect_timeout=5) as conn:
            rows = conn.execute(SESSIONS).fetchall()
    except psycopg.OperationalError as error:
        return f"the database does not answer: {error}"
    return "\n".join(" | ".join(map(str, row)) for row in rows)


def tails(*folders: Path) -> str:
    """Return the last lines of every log below these folders."""
    parts = []
    for path in sorted(path for folder in folders for path in folder.rglob("*.log")):
        with path.open(errors="replace") as lines:
            parts.append(f"--- {path.name}\n" + "".join(line[:400] for line in deque(lines, LAST_LINES)))
    return "\n".join(parts)
