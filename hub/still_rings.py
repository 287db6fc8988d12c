"""A watch says that its wearer does not move (B1, B2): silent while she is known to be away, low while her home moves.

Away or with visitors, what a watch does not count means nothing: it lies at home and says that it is worn, or is
on the wrist of somebody who lies in hospital. That holds for half a day and for a whole one, on a trip as well: it is
not told from a hospital bed, and calls, falls and vital signs ring there as ever. Nothing is forgotten: the clock
begins anew where the absence ends, and twelve hours from there are said.

Otherwise "no motion at all" is false as long as a sensor in her home sees somebody; but whom it sees is not known, so
the watch's word is not thrown away: it is low, and says why. When the home falls silent too, its own B1 (steps count
as motion there) makes the same case loud.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.detectors.detector import Finding
from alerts.model import Alert, AlertKind, Severity
from hub.calls import Call
from hub.jobs import Ring
from hub.store import homes
from hub.store.pool import Connection
from hub.store.telemetry import moment

HOME_MOVED = timedelta(hours=12)  # B1's own time: moved longer ago, the home agrees with the watch


class StillRing(Ring):
    """An alert about a wearer who lies still: none if that began before an absence ended, low while her home moves.

    Args:
        since: when it began; of B2, her day.
        anew: takes when an absence ended, or now while it lasts: her stillness begins there.
    """

    def __init__(
        self, alert: Alert, since: datetime, anew: Callable[[datetime], None], done: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(alert, done)
        self._whole, self._since, self._anew = alert, since, anew
        self._silent = False

    async def prepare(self, conn: Connection) -> None:
        """Ask whether she is away, and her home, at every try."""
        whole = self._whole
        ended = None
        if whole.resident_id is not None:
            ended = await homes.away_through(conn, whole.resident_id, self._since)
        self._silent = ended is not None
        if ended is not None:
            self._anew(ended)
        else:
            self.alert = await tempered(conn, whole)

    async def run(self, conn: Connection) -> None:
        if not self._silent:
            await super().run(conn)

    def call(self) -> Call | None:
        return None if self._silent else super().call()

    def committed(self) -> None:
        if self._silent:
            self._done()
        else:
            super().committed()


async def tempered(conn: Connection, alert: Alert) -> Alert:
    """Return a watch's word as it stands beside what the sensors of the home saw."""
    if alert.resident_id is None or alert.severity >= Severity.LOW:
        return alert
    since = alert.raised_at - HOME_MOVED
    if not await homes.moved_since(conn, alert.resident_id, since, alert.device_id):
        return alert
    return replace(alert, severity=Severity.LOW, evidence={**alert.evidence, "home_moved": True})


def ring(alert: Alert, finding: Finding, begin_anew: Callable[[int, int], None], done: Callable[[], None]) -> Ring:
    """Return the job that raises what a detector found about one device.

    Args:
        begin_anew: takes a device's row and a time in milliseconds, from which on its wearer's stillness counts.
    """
    if alert.kind is not AlertKind.STILLNESS:
        return Ring(alert, done)

    def anew(at: datetime) -> None:
        begin_anew(finding.row, int(at.timestamp() * 1000))

    return StillRing(alert, moment(finding.since_ms), anew, done)
