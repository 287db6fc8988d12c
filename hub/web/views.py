"""Turns rows into what a page shows: ages, clocks, marks, who may press what. Plain calculations."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.links import building
from alerts.model import ENDED, AlertKind, Service, Severity, State
from alerts.services import FIRE, KEYS, Happened, propose
from alerts.surge import Answer, Waiting, groups
from hub.store.console import Row

MARKS = {1: "▲", 2: "◆", 3: "●", 4: "○", 5: "⚙"}  # a severity has a shape as well as a colour
NOT_RINGING = {State.CONFIRMING, State.RESOLVED, State.HELD, *ENDED}
TREND_WINDOW_S = 600.0
TREND_STEADY_BPM = 8.0


def years(born: date | None, today: date) -> int | None:
    if born is None:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def ms(at: datetime | None) -> int | None:
    """Return milliseconds since 1970, which is what the ticking clocks in the page count from."""
    return None if at is None else int(at.timestamp() * 1000)


def span(seconds: float) -> str:
    """Return a length of time as the duty room writes it: 0:42, 12:05, 3:20:00, 2d."""
    whole = max(0, int(seconds))
    if whole >= 172_800:
        return f"{whole // 86_400}d"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def local(at: datetime | None, zone: ZoneInfo, now: datetime, *, seconds: bool = True) -> str:
    """Return the time of day in the desk's zone, with the date when it is not today's."""
    if at is None:
        return ""
    here, today = at.astimezone(zone), now.astimezone(zone).date()
    clock = here.strftime("%H:%M:%S" if seconds else "%H:%M")
    return clock if here.date() == today else f"{here:%m-%d} {clock}"


def rings(row: Row) -> bool:
    """Say whether the bell goes on: critical, real, and no operator has it, whoever else may be on the way."""
    return (
        row["severity"] == Severity.CRITICAL
        and row["handler_id"] is None
        and not row["test"]
        and State(row["state"]) not in NOT_RINGING
    )


def queue_row(row: Row, now: datetime) -> Row:
    """Add to a row of the queue what the template would otherwise have to work out."""
    return row | {
        "mark": MARKS[row["severity"]],
        "age": years(row["born"], now.date()),
        "since": span((now - row["opened_at"]).total_seconds()),
        "left": None if row["due_at"] is None else span((row["due_at"] - now).total_seconds()),
        "rings": rings(row),
        "kinds": _kinds(row),
        "no_operator": no_operator(row),
        "door": "",
    }


def no_operator(row: Row) -> bool:
    """Somebody goes, and at severity 1 no operator has it yet: it stays in the queue, ringing."""
    return (
        row["severity"] == Severity.CRITICAL
        and not row["test"]
        and row["handler_id"] is None
        and row["responder_id"] is not None
        and State(row["state"]) not in ENDED
    )


@dataclass(frozen=True, kw_only=True)
class Place:
    """One house, or one area, in disaster mode."""

    area: str
    house: str
    rows: Sequence[Row]

    @property
    def ids(self) -> str:
        return ",".join(str(row["id"]) for row in self.rows)

    @property
    def alone(self) -> int:
        """How many of them nobody has."""
        return sum(row["handler_id"] is None and row["responder_id"] is None for row in self.rows)

    @property
    def severity(self) -> int:
        return min(int(row["severity"]) for row in self.rows)


def places(rows: Iterable[Row]) -> list[Place]:
    """Group the queue by house, the place with the most pressing case first, and sort it within."""
    by_id = {row["id"]: row | {"door": _door(row["address"] or "")} for row in rows}
    found = groups(_waiting(row) for row in by_id.values())
    return [Place(area=area, house=house, rows=[by_id[c.incident_id] for c in cases]) for (area, house), cases in found]


def _door(address: str) -> str:
    """What of an address is left below its house: the heading has said the house."""
    house = building(address)
    return " ".join(address.split()).removeprefix(house).strip(" ,，")


def _waiting(row: Row) -> Waiting:
    answer = Answer.OPERATOR if row["handler_id"] else Answer.RESPONDER if row["responder_id"] else Answer.NOBODY
    return Waiting(
        incident_id=row["id"], severity=Severity(row["severity"]), kinds=[AlertKind(k) for k in row["kinds"]],
        opened_at=row["opened_at"], area=row["area"], address=row["address"] or "", answer=answer,
        presses=row["presses"], age=row["age"], risks=row["risks"], test=row["test"],
    )  # fmt: skip


def proof(row: Row) -> str | None:
    """How an arrival is proved, as a word; None when nobody has arrived."""
    if State(row["state"]) not in (State.ON_SCENE, State.HANDED_OVER, State.RESOLVED) or row["arrived_at"] is None:
        return None
    return row["proof"] or "none"


def services(
    row: Row, alerts: Sequence[Row], *, no_speech: bool, asked: Collection[Service] = ()
) -> list[Row]:  # fmt: skip
    """The three services in the order of their keys: joined, proposed and why, or neither. `asked`: by the script."""
    told = [(AlertKind(a["kind"]), str(a["evidence"].get("code", ""))) for a in alerts]
    told = told or [(AlertKind(row["kind"]), "")]
    serious = row["severity"] <= Severity.HIGH or any(kind in FIRE for kind, _ in told)
    happened = Happened(alerts=told if serious else (), no_speech=no_speech)
    because = dict.fromkeys(asked, "script") | {p.service: p.because for p in propose(happened)}
    return [
        {"service": s.value, "key": key, "because": because.get(s), "joined": s.value in row["services"]}
        for s, key in KEYS.items()
    ]


def split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Part the calls from the technical alerts, which lie apart at the bottom."""
    calls = [r for r in rows if r["severity"] != Severity.TECHNICAL]
    return calls, [r for r in rows if r["severity"] == Severity.TECHNICAL]


def case(row: Row, now: datetime, person_id: int) -> Row:
    """Add to one incident what its page needs: marks, age, and which buttons make sense."""
    state = State(row["state"])
    ended = state in ENDED
    mine = row["handler_id"] == person_id
    return row | {
        "mark": MARKS[row["severity"]],
        "age": years(row["born"], now.date()),
        "since": span(((row["closed_at"] or now) - row["opened_at"]).total_seconds()),
        "left": None if row["due_at"] is None else span((row["due_at"] - now).total_seconds()),
        "ended": ended,
        "mine": mine,
        "can_take": not ended and row["handler_id"] is None,
        "can_act": not ended and mine,
        "resolved": state is State.RESOLVED,
        "no_operator": no_operator(row),
        "shown_proof": proof(row),
    }


def trend(points: Sequence[tuple[float, float]]) -> float | None:
    """Return how much heart rate changed over the last ten minutes, in bpm; None when it cannot be said.

    Args:
        points: (seconds since 1970, bpm), times rising. The means of the first and the last third are compared, so
            that one odd beat makes no trend.
    """
    if not points:
        return None
    recent = [p for p in points if p[0] > points[-1][0] - TREND_WINDOW_S]
    if len(recent) < 6:
        return None
    third = len(recent) // 3
    first = sum(v for _, v in recent[:third]) / third
    last = sum(v for _, v in recent[-third:]) / third
    change = last - first
    return 0.0 if abs(change) < TREND_STEADY_BPM else change


def chart(rows: Sequence[Row]) -> dict[str, Any]:
    """Return a chart's columns, oldest first, as JSON can carry them."""
    ordered = list(reversed(rows))
    beats = [(r["at"], r["heart_rate_bpm"]) for r in ordered if r["heart_rate_bpm"] is not None]
    return {
        "at": [round(r["at"], 1) for r in ordered],
        "heart_rate_bpm": [r["heart_rate_bpm"] for r in ordered],
        "spo2_pct": [r["spo2_pct"] for r in ordered],
        "last_bpm": beats[-1][1] if beats else None,
        "last_at": beats[-1][0] if beats else None,
        "last_spo2": next((r["spo2_pct"] for r in rows if r["spo2_pct"] is not None), None),
        "trend": trend(beats),
    }


def _kinds(row: Row) -> list[str]:
    """The incident's own kind first, then whatever joined it."""
    return [row["kind"], *(k for k in row.get("kinds") or () if k != row["kind"])]
