"""The states of a work order (工单): what may happen in which, and who may do it. One table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.errors import HubError


class OrderState(StrEnum):
    PLANNED = "planned"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    ON_SITE = "on_site"
    DONE = "done"
    CHECKED = "checked"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where a verb leads. `words`: words are needed. `by_another`: not by who did it, or wrote that it was."""

    to: OrderState
    words: bool = False
    by_another: bool = False


S = OrderState
_ASSIGN, _CANCEL = Step(to=S.ASSIGNED), Step(to=S.CANCELLED, words=True)
_REFUSE = Step(to=S.REFUSED, words=True)
TRANSITIONS: Final[Mapping[OrderState, Mapping[str, Step]]] = {
    S.PLANNED: {"assign": _ASSIGN, "cancel": _CANCEL},
    S.ASSIGNED: {"accept": Step(to=S.ACCEPTED), "refuse": _REFUSE, "assign": _ASSIGN, "cancel": _CANCEL},
    S.ACCEPTED: {"arrive": Step(to=S.ON_SITE), "refuse": _REFUSE, "assign": _ASSIGN, "cancel": _CANCEL},
    S.REFUSED: {"assign": _ASSIGN, "cancel": _CANCEL},
    S.ON_SITE: {"finish": Step(to=S.DONE, words=True), "refuse": _REFUSE},
    S.DONE: {
        "check": Step(to=S.CHECKED, words=True, by_another=True),
        "send_back": Step(to=S.ASSIGNED, words=True, by_another=True),
    },
    S.CHECKED: {},
    S.CANCELLED: {},
}
ENDED: Final = frozenset({S.CHECKED, S.CANCELLED})
OWN: Final = ("accept", "arrive", "finish", "refuse")  # what whoever it was given does himself
VERBS: Final = ("assign", "accept", "refuse", "arrive", "finish", "check", "send_back", "cancel")
KINDS: Final = ("battery", "repeat_caller", "silence", "visit", "coverage", "install", "repair", "remove", "other")


class OrderRefusedError(HubError):
    """A work order does not allow this; `code` is a word of the page."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def step(state: str, verb: str, *, words: str, by: str, doers: frozenset[str]) -> Step:
    """Return where a verb leads.

    Args:
        words: what was written with it.
        by: who does it: person:3.
        doers: who did the work, and who wrote that it was done.

    Raises:
        OrderRefusedError: Not from here, without words, or by the same hand.
    """
    found = TRANSITIONS[OrderState(state)].get(verb)
    if found is None:
        raise OrderRefusedError("not_now", f"a work order that is {state} cannot {verb}")
    if found.words and not words.strip():
        raise OrderRefusedError("words", "say what was done, seen, or why not")
    if found.by_another and by in doers:
        raise OrderRefusedError("same_hand", "whoever did it, or wrote that it was done, does not check it")
    return found
