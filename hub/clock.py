"""The time as this process takes it for the hub's: when a message came, how long ago something was.

The machine's, or in lock-step one that stands until it is moved; the database's clock row stands at the same moment
then. What measures how long our own work takes (leases of connections, pauses between tries, timeouts of sockets) asks
the machine, also in lock-step: that time is real.
"""

import time
from datetime import UTC, datetime, tzinfo

_stands_ms: int | None = None


def now_ms() -> int:
    """Return milliseconds since 1970. 0.1 µs: it is asked for every message."""
    return int(time.time() * 1000) if _stands_ms is None else _stands_ms


def now(zone: tzinfo = UTC) -> datetime:
    """Return the same as an aware datetime."""
    return datetime.fromtimestamp(now_ms() / 1000, zone)


def stand(at: datetime) -> None:
    """Let the clock of this process stand at a moment: lock-step only."""
    global _stands_ms  # noqa: PLW0603 - one process, one clock
    _stands_ms = int(at.timestamp() * 1000)


def run() -> None:
    """Let it go by itself again, with the machine's."""
    global _stands_ms  # noqa: PLW0603
    _stands_ms = None
