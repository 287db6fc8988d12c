"""A watch says that its wearer does not move, and something moves in her home: told, and nobody is woken by it alone.

The simplest rule that is honest about what is known. "No motion at all" (B1) is false as long as a sensor in her home
sees somebody; but whom it sees is not known, so the watch's word is not thrown away: it is low, and says why. When the
home falls silent too, its own B1 (steps count as motion there) makes the same case loud.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from alerts.model import Alert, AlertKind, Severity
from hub.jobs import Ring
from hub.store import homes
from hub.store.pool import Connection

HOME_MOVED = timedelta(hours=12)  # B1's own time: moved longer ago, the home agrees with the watch


class StillRing(Ring):
    """An alert about a wearer who lies still, lower while her home says otherwise."""

    def __init__(self, alert: Alert, done: Callable[[], None] = lambda: None) -> None:
        super().__init__(alert, done)
        self._whole = alert

    async def prepare(self, conn: Connection) -> None:
        """Ask her home, at every try."""
        self.alert = await tempered(conn, self._whole)


async def tempered(conn: Connection, alert: Alert) -> Alert:
    """Return a watch's word as it stands beside what the sensors of the home saw."""
    if alert.resident_id is None or alert.severity >= Severity.LOW:
        return alert
    since = alert.raised_at - HOME_MOVED
    if not await homes.moved_since(conn, alert.resident_id, since, alert.device_id):
        return alert
    return replace(alert, severity=Severity.LOW, evidence={**alert.evidence, "home_moved": True})


def ring(alert: Alert, done: Callable[[], None]) -> Ring:
    """Return the job that raises what a detector found about one device."""
    return StillRing(alert, done) if alert.kind is AlertKind.STILLNESS else Ring(alert, done)
