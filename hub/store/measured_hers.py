"""What was measured of one resident, of all her devices as one: by hour or by day; and how her nights were."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from hub.store import measured, records
from hub.store.pool import Connection


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How one vital sign lay in a time: least, most and sum of `n` values."""

    n: int
    least: float
    most: float
    sum: float

    @property
    def mean(self) -> float:
        return self.sum / self.n

    def __add__(self, other: "Spread") -> "Spread":
        return Spread(
            n=self.n + other.n, least=min(self.least, other.least), most=max(self.most, other.most),
            sum=self.sum + other.sum,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Time:
    """An hour or a day; steps are None where nothing counts them."""

    at: datetime
    vitals: dict[str, Spread] = field(default_factory=dict)
    steps: int | None = None


async def times(conn: Connection, resident_id: int, since: datetime, until: datetime, *, by: str) -> list[Time]:
    """Return hours or days that were hers whole, in order. Steps are of the device that counted most of them.

    Args:
        by: "day" or "hour", as in `measured.of_device`.
    """
    found: dict[datetime, Time] = {}
    for speaker in await records.devices_of(conn, resident_id):
        for hers in speaker.hers(resident_id, since, until):
            for line in await measured.of_device(conn, speaker.id, *hers, by=by):
                found[line["at"]] = _with(found.get(line["at"], Time(at=line["at"])), line)
    return [found[at] for at in sorted(found)]


async def nights(conn: Connection, resident_id: int, since: date, until: date) -> dict[date, int]:
    """Return by the morning's date how many minutes she was out of bed at the longest, where a bed tells."""
    about = {"resident": resident_id, "since": since, "until": until}
    return dict(await (await conn.execute(measured.Q.nights, about)).fetchall())


def together(parts: Iterable[Spread]) -> Spread | None:
    """Return what several times come to."""
    whole: Spread | None = None
    for part in parts:
        whole = part if whole is None else whole + part
    return whole


def _with(time: Time, line: dict[str, Any]) -> Time:
    vitals = dict(time.vitals)
    for name in measured.VITALS:
        if n := line[f"{name}_n"]:
            one = Spread(
                n=n, least=line[f"{name}_least"], most=line[f"{name}_most"], sum=n * line[f"{name}_mean"]
            )  # fmt: skip
            vitals[name] = vitals[name] + one if name in vitals else one
    counted = [n for n in (time.steps, line["steps"]) if n is not None]
    return Time(at=time.at, vitals=vitals, steps=max(counted, default=None))
