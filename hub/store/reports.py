"""What providers report afterwards: which attempt they speak of, and the page that it was of."""

from dataclasses import dataclass

from alerts.model import Purpose, Severity
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("channels")


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A page that a provider says something about."""

    person_id: int
    sending: bool  # its sender has not written down yet that it sent
    attempts: int
    purpose: Purpose
    severity: Severity


async def page(conn: Connection, page_id: int, channel: str) -> Reported | None:
    """Hold the page until the report is written, and return it; None when it is another channel's."""
    row = await (await conn.execute(Q.reported, {"page": page_id, "channel": channel})).fetchone()
    if row is None:
        return None
    person_id, state, attempts, purpose, severity = row
    return Reported(
        person_id=person_id, sending=state == "sending", attempts=attempts, purpose=Purpose(purpose),
        severity=Severity(severity),
    )  # fmt: skip


async def attempt(conn: Connection, channel: str, provider: str, ref: str) -> tuple[int, int] | None:
    """Return the page and the attempt that a provider's number stands for; None when nobody wrote it down."""
    values = {"channel": channel, "provider": provider, "ref": ref}
    row = await (await conn.execute(Q.recall, values)).fetchone()
    return None if row is None else (int(row[0]), int(row[1]))
