"""Whether a responder who says he is there is there: her button, his phone's position, or that he has stayed.

A press alone never counts as an arrival, for it may be her. Positions are looked at and forgotten: what is kept is
which proof there was, and the distance.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from alerts.model import Alert, AlertKind, Incident, Proof, State
from alerts.nearness import km_between
from alerts.values import replace

PRESSED_WITHIN = timedelta(minutes=2)  # before or after he says so
NEAR_M = 150.0
SHARP_M = 100.0  # a position less sure than this proves nothing
ELSEWHERE_M = 500.0  # beyond this, even at its edge nearest to her, his phone speaks against him
STAYS = timedelta(minutes=10)  # on scene this long by his own word, and nothing spoke against it
ORDER = (Proof.TIME, Proof.POSITION, Proof.BUTTON)  # the better the later; a word is none

Written: TypeAlias = tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a phone believes it is, WGS 84, and how sure it is of that."""

    lat: float
    lon: float
    accuracy_m: float

    @property
    def usable(self) -> bool:
        """Whether these are numbers of this world."""
        known = all(math.isfinite(v) for v in (self.lat, self.lon, self.accuracy_m))
        return known and abs(self.lat) <= 90 and abs(self.lon) <= 180 and self.accuracy_m >= 0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What speaks for an arrival. No proof: his phone is somewhere else."""

    proof: Proof | None
    distance_m: int | None = None


def proof_of(
    said_at: datetime,
    *,
    presses: Iterable[datetime] = (),
    since: datetime | None = None,
    position: Position | None = None,
    home: tuple[float, float] | None = None,
) -> Shown:
    """Return what proves that somebody is there who says so at `said_at`.

    Args:
        said_at: when he says it.
        presses: of her own button, real ones.
        since: presses up to this are hers for certain: the one that opened the case, and all before he set out.
        position: of his phone, if it told.
        home: her latitude and longitude, if they are known.
    """
    there = position if position is not None and position.usable else None
    away = None if there is None or home is None else distance_m(there, home)
    rounded = None if away is None else round(away / 10) * 10
    if any(abs(said_at - at) <= PRESSED_WITHIN and (since is None or at > since) for at in presses):
        return Shown(proof=Proof.BUTTON, distance_m=rounded)
    if there is None or away is None:
        return Shown(proof=Proof.TOLD)
    if away <= NEAR_M and there.accuracy_m <= SHARP_M:
        return Shown(proof=Proof.POSITION, distance_m=rounded)
    return Shown(proof=None if away - there.accuracy_m > ELSEWHERE_M else Proof.TOLD, distance_m=rounded)


def better(new: Proof | None, old: Proof | None) -> bool:
    """Whether a second word about the same arrival is worth more than the first. Saying it again never is: with his
    position switched off he would talk a phone away that was elsewhere."""
    if new not in ORDER:
        return False
    return old not in ORDER or ORDER.index(new) > ORDER.index(old)


def proved_by_press(incident: Incident, alert: Alert, now: datetime) -> tuple[Incident, Written]:
    """Her button soon after somebody said he is there: it was he, as he was asked to."""
    real = alert.kind is AlertKind.SOS and not alert.test
    if incident.state is not State.ON_SCENE or not real or not better(Proof.BUTTON, incident.proof):
        return incident, ()
    if now - arrived_at(incident) > PRESSED_WITHIN:
        return incident, ()
    return replace(incident, proof=Proof.BUTTON), (("proved", _facts(incident, Proof.BUTTON)),)


def presumed_at(incident: Incident) -> datetime | None:
    """When somebody who only says that he is there will be presumed to be; None where nothing has to be waited for.

    The case's one timer looks again then, so that it is written when the time comes and not at the next thing that
    happens. Never where his phone spoke against him.
    """
    by_word = incident.state is State.ON_SCENE and incident.proof is Proof.TOLD
    return arrived_at(incident) + STAYS if by_word else None


def stayed(incident: Incident, now: datetime) -> tuple[Incident, Written]:
    """He said so, the time is over and nothing has spoken against it: a presumption, and written as one."""
    at = presumed_at(incident)
    if at is None or now < at:
        return incident, ()
    return replace(incident, proof=Proof.TIME), (("presumed", _facts(incident, Proof.TIME)),)


def arrived_at(incident: Incident) -> datetime:
    """When somebody came on scene: nothing moves the expiry while he is there, but another policy's own time."""
    return (incident.expires_at or incident.opened_at) - incident.policy.scene_expires


def distance_m(position: Position, home: tuple[float, float]) -> float:
    """Great-circle distance in metres."""
    return 1000 * km_between((position.lat, position.lon), home)


def _facts(incident: Incident, proof: Proof) -> Mapping[str, Any]:
    return {"person": incident.responder_id, "proof": proof.value}
