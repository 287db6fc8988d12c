"""How a call stands, and where a report may lead from there. One table: reports come late, twice, and out of order."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Of a call that comes in, `ringing` is at the desk."""

    ASKED = "asked"  # the provider was asked
    RINGING_DESK = "ringing_desk"  # the operator's telephone rings
    RINGING = "ringing"  # the other's rings
    ANSWERED = "answered"
    ENDED = "ended"  # was answered, and is over
    FAILED = "failed"  # was not answered
    LOST = "lost"  # nobody said how it ended, and the provider cannot tell


S = State
OVER = frozenset({S.ENDED, S.FAILED})
# A report that the table does not name is late: its facts are kept, the state stays. The first end counts.
LEADS: Mapping[State, frozenset[State]] = {
    S.ASKED: frozenset({S.RINGING_DESK, S.RINGING, S.ANSWERED, S.ENDED, S.FAILED, S.LOST}),
    S.RINGING_DESK: frozenset({S.RINGING, S.ANSWERED, S.ENDED, S.FAILED, S.LOST}),
    S.RINGING: frozenset({S.ANSWERED, S.ENDED, S.FAILED, S.LOST}),
    S.ANSWERED: frozenset({S.ENDED, S.LOST}),
    S.LOST: frozenset({S.ANSWERED, S.ENDED, S.FAILED}),
    S.ENDED: frozenset(),
    S.FAILED: frozenset(),
}


def after(state: State, said: State | None) -> State:
    """Return how a call stands after a report."""
    if said is S.FAILED and state is S.ANSWERED:
        return S.ENDED  # a provider that calls every end a failure: somebody spoke with her
    return said if said is not None and said in LEADS[state] else state
