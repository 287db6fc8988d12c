"""Who told of a fall, and what a cancel takes back: what its own device said, or what she was asked; never more.

Everybody who tells of one fall within a few minutes tells of the same one: a watch's own report, a radar's stages, what
the hub judged from a wrist's motion. What was told hours later is another fall, also in a case that is still open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model import State

SAME_FALL = timedelta(minutes=5)  # from what was told last: radars count two to three minutes from suspicion to calling


class Outcome(StrEnum):
    """What became of a cancel. It is kept whatever it is."""

    ENDED = "ended"  # nobody was called
    NOTED = "noted"  # another device saw a fall as well, and she is still being asked
    LATE = "late"  # people are on it: shown to them, and ends nothing


@dataclass(frozen=True, kw_only=True)
class Said:
    """One line of a case, in the order in which it was written: a device told of a fall, or took back."""

    by: str  # the chain's actor: device:7
    at: datetime
    taken_back: bool = False


def outcome(state: State, said: Sequence[Said], by: str, *, fixed: bool) -> Outcome | None:
    """Return what a cancel does; None when the same device said it already and nothing was told since.

    Args:
        state: the case's.
        said: what was told and taken back in this case, oldest first.
        by: the device that takes back.
        fixed: it stands in a room. It can be wrong about what it saw itself, and speaks for nobody; from what she
            wears or presses, if it did not tell of the fall, a cancel is her answer to having been asked.
    """
    if _repeats(said, by):
        return None
    if state is not State.CONFIRMING:
        return Outcome.LATE
    others = standing(said) - {by}
    its_own = any(one.by == by for one in said)
    return Outcome.NOTED if others and (its_own or fixed) else Outcome.ENDED


def standing(said: Iterable[Said]) -> frozenset[str]:
    """Return whose word has not been taken back."""
    last = {one.by: one for one in said}
    return frozenset(by for by, one in last.items() if not one.taken_back)


def falls(told: Sequence[datetime]) -> list[int]:
    """Return which fall each of these moments belongs to, from 0; the moments rise."""
    numbers: list[int] = []
    for before, at in zip([None, *told], told, strict=False):
        numbers.append(0 if before is None else numbers[-1] + (at - before > SAME_FALL))
    return numbers


def began(said: Sequence[Said]) -> datetime | None:
    """Return when the last fall was first told of."""
    told = [one.at for one in said if not one.taken_back]
    numbers = falls(told)
    return told[numbers.index(numbers[-1])] if told else None


def _repeats(said: Sequence[Said], by: str) -> bool:
    for one in reversed(said):
        if not one.taken_back:
            return False
        if one.by == by:
            return True
    return False
