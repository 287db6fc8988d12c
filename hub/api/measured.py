"""Months and years of what devices measured: by hour and by day, out of what was rolled up, not message by message."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Security
from pydantic import BaseModel, ConfigDict, Field

from hub.api.caller import Caller, caller
from hub.api.models import Moment
from hub.api.observations import speakers_of
from hub.api.problems import Fault, ProblemError
from hub.api.registry import seen_resident
from hub.policies import OF_OUR_YEARS
from hub.store import measured
from hub.store.access import looked_at
from hub.store.pool import hub_now

router = APIRouter()
LONGEST = {"day": timedelta(days=3_700), "hour": timedelta(days=93)}  # one question reaches over
USUAL = {"day": timedelta(days=366), "hour": timedelta(days=7)}


class Spread(BaseModel):
    """How one vital sign lay in an hour or a day."""

    model_config = ConfigDict(extra="forbid")
    n: int = Field(description="how often it was measured")
    least: float
    most: float
    mean: float


class Measured(BaseModel):
    """An hour or a day of a device: heart_rate, respiration in /min, spo2 in %, temperature in °C, the rest in mmHg."""

    model_config = ConfigDict(extra="forbid")
    device_id: int
    at: datetime = Field(description="when it begins; a day begins at the district's midnight")
    messages: int
    worn: int = Field(description="messages that said the device is worn")
    off: int = Field(description="… that it is not: what they measured is left out")
    steps: int | None = Field(description="null: it counts none")
    battery_least_pct: float | None
    vitals: dict[str, Spread] = Field(description="only what was measured")


@router.get("/residents/{resident_id}/measured", tags=["observations"])
async def of_resident(
    *, resident_id: Annotated[int, Path(ge=1, lt=2**63)],
    who: Annotated[Caller, Security(caller, scopes=["observations:read"])],
    by: Annotated[Literal["day", "hour"], Query(description="days are kept for years, hours for months")] = "day",
    since: Moment | None = None, until: Moment | None = None,
) -> list[Measured]:  # fmt: skip
    """Of every device, days or hours that were hers whole. Left out: the last year of days, the last week of hours.

    A day counts what was measured on it, also what came later; the day that is going on is not there yet.
    """
    async with who.connection() as conn, conn.transaction():
        await seen_resident(conn, who, resident_id)
        begins, ends = _times(since, until or await hub_now(conn), by)
        await looked_at(conn, who.person_id, "measured: api", resident_id, who.reason)
        found: list[Measured] = []
        for speaker in await speakers_of(conn, resident_id, who.sees):
            for hers in speaker.hers(resident_id, begins, ends):
                lines = await measured.of_device(conn, speaker.id, *hers, by=by, bound=speaker.bound)
                found += [_shown(speaker.id, line) for line in lines]
    return found


def _times(since: datetime | None, until: datetime, by: str) -> tuple[datetime, datetime]:
    first, last = OF_OUR_YEARS
    if first < until.year < last and (since is None or first < since.year < last):
        ends = until.astimezone(UTC)
        begins = ends - USUAL[by] if since is None else since.astimezone(UTC)
        if timedelta() < ends - begins <= LONGEST[by]:
            return begins, ends
    what = f"before until, by no more than {LONGEST[by].days} days, of the years {first} to {last}"
    raise ProblemError(422, "invalid", faults=[Fault(where="query/since", what=what)])


def _shown(device: int, line: dict[str, Any]) -> Measured:
    vitals = {
        name: Spread(**{what: line[f"{name}_{what}"] for what in ("n", "least", "most", "mean")})
        for name in measured.VITALS
        if line[f"{name}_n"]
    }
    return Measured(
        device_id=device, at=line["at"], messages=line["messages"], worn=line["worn"], off=line["off"],
        steps=line["steps"], battery_least_pct=line["battery_least"], vitals=vitals,
    )  # fmt: skip
