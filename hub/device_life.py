"""The life of a device as one table of rules, and whether it is in effect 已生效 or not yet 未生效 and why. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hub.catalogue import pick, texts
from hub.errors import HubError

SILENT_AFTER = timedelta(hours=25)  # of a device without a deadline: most report once a day
BATTERY_LOW_PCT = 15.0
# So many of her people should have said that they are hers. Fewer is a doubt, written down and listed, and no reason:
# a resident who has outlived them must not be left without a button. install.contacts_min makes it a reason.
CONTACTS_WANTED = 3


class State(StrEnum):
    """How far a device has come."""

    SEEN = "seen"  # heard, and nobody knows whose it is
    CLAIMED = "claimed"  # ours, in a box or in the installer's bag
    BOUND = "bound"  # given to a resident, not tried there
    TESTED = "tested"  # pressed where it hangs, and heard
    LIVE = "live"  # the installer has left
    RETIRED = "retired"


class Action(StrEnum):
    """What is done to a device, or what it does itself."""

    CLAIM = "claim"
    BIND = "bind"  # to a resident who did not have it
    MOVE = "move"  # to another room of the same resident
    PRESS = "press"  # it was pressed, and the press was saved
    CHECK = "check"  # the installer says what a trial of voice, location or power showed
    LIVE = "live"
    RETIRE = "retire"


RULES: Mapping[tuple[Action, State], State] = {
    (Action.CLAIM, State.SEEN): State.CLAIMED,
    (Action.CLAIM, State.RETIRED): State.CLAIMED,
    (Action.BIND, State.CLAIMED): State.BOUND,
    (Action.BIND, State.BOUND): State.BOUND,
    (Action.BIND, State.TESTED): State.BOUND,  # another flat: what was tried is not what will be needed
    (Action.BIND, State.LIVE): State.BOUND,
    (Action.MOVE, State.BOUND): State.BOUND,
    (Action.MOVE, State.TESTED): State.TESTED,
    (Action.MOVE, State.LIVE): State.LIVE,
    (Action.PRESS, State.BOUND): State.TESTED,
    (Action.CHECK, State.BOUND): State.BOUND,
    (Action.CHECK, State.TESTED): State.TESTED,
    (Action.CHECK, State.LIVE): State.LIVE,
    (Action.LIVE, State.TESTED): State.LIVE,
    **{(Action.RETIRE, state): State.RETIRED for state in State if state is not State.RETIRED},
}

# What stands in the way, and what to do: (中文, English), by the state that refuses.
REFUSALS: Mapping[State, tuple[str, str]] = {
    State.SEEN: ("设备尚未认领，请先认领", "nobody has claimed it: claim it first"),
    State.CLAIMED: ("设备尚未绑定长者，请先绑定", "it belongs to no resident: bind it first"),
    State.BOUND: ("尚未收到试按，请按一下设备", "no press of it has arrived: press it, and look again"),
    State.TESTED: ("设备已认领并完成试按", "it is claimed and tested already"),
    State.LIVE: ("设备已在使用", "it is in use already: retire it first"),
    State.RETIRED: ("设备已停用，请重新认领", "it is retired: claim it again first"),
}


DONE: Mapping[Action, str] = {
    Action.CLAIM: "claimed", Action.BIND: "bound to a resident", Action.MOVE: "moved to another room",
    Action.PRESS: "tested by a press", Action.CHECK: "checked", Action.LIVE: "put into service",
    Action.RETIRE: "retired",
}  # fmt: skip


class RefusedError(HubError):
    """Not allowed in this state; nothing has changed."""

    def __init__(self, action: Action, state: State) -> None:
        self.action, self.state = action, state
        self.zh, self.en = REFUSALS[state]
        super().__init__(f"a device that is {state} cannot be {DONE[action]}: {self.en}")


def after(action: Action, state: State) -> State:
    """Return the state an action leads to.

    Raises:
        RefusedError: The table has no such step.
    """
    try:
        return RULES[action, state]
    except KeyError:
        raise RefusedError(action, state) from None


class Check(StrEnum):
    """What an installer tries before leaving."""

    SOS = "sos"
    VOICE = "voice"
    LOCATION = "location"
    POWER = "power"  # the plug is pulled: it says so and goes on


class Reason(StrEnum):
    """Why a device is not in effect."""

    RETIRED = "retired"
    UNCLAIMED = "unclaimed"
    UNBOUND = "unbound"
    NO_CREDENTIAL = "no_credential"
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    NO_PRESS = "no_press"
    FAILED = "failed"
    UNTRIED = "untried"
    UNHEARD = "unheard"  # pressed in this room, and it did not arrive
    NO_CONSENT = "no_consent"
    CONTACTS_MISSING = "contacts_missing"
    TEST_MODE = "test_mode"
    NOT_LIVE = "not_live"


class Doubt(StrEnum):
    """What does not keep it from working today."""

    BATTERY = "battery"
    NOBODY_OF_HER_OWN = "nobody_of_her_own"
    FEW_CONTACTS = "few_contacts"
    CONSENT_BACK = "consent_back"  # it rings on: she must not be left without help by a word on the telephone


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the hub knows of a device at one moment."""

    state: State
    bound_at: datetime | None = None
    heard_at: datetime | None = None
    deadline: timedelta | None = None
    pressed_at: datetime | None = None  # the last press since it was bound
    no_button: bool = False
    test_until: datetime | None = None
    battery_pct: float | None = None
    needs_key: bool = False  # it signs in by itself
    has_key: bool = False
    circle: int = 0  # family and neighbours of its resident
    checks: Mapping[Check, bool] = field(default_factory=dict)  # the last outcome of each since it was bound
    wanted: frozenset[Check] = frozenset()  # what must be tried before it is left; the press has its own rule
    # What an installation asks besides; None: nobody asks, as of a device that was in use before.
    unheard: tuple[str, ...] = ()  # rooms from which a press did not arrive
    consented: bool | None = None
    consent_back: bool = False  # of a device in use: the last word was no
    confirmed: int | None = None  # of her contacts
    contacts_min: int = 0  # fewer keep it out of effect


@dataclass(frozen=True, kw_only=True)
class Effect:
    """已生效 when there is no reason against it."""

    reasons: tuple[tuple[Reason, str], ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def in_effect(self) -> bool:
        return not self.reasons

    def words(self, language: str = "en") -> tuple[str, ...]:
        """Return every reason, then every doubt, as it is said to an installer."""
        said = texts(pick(language))
        reasons = (said[f"effect.{reason}"].format(what) for reason, what in self.reasons)
        return (*reasons, *(said[f"effect.{doubt}"] for doubt in self.doubts))


def effect(known: Known, now: datetime) -> Effect:
    """Return whether a press of this device would call people now, and if not why."""
    return Effect(reasons=tuple(_reasons(known, now)), doubts=tuple(_doubts(known)))


def _reasons(known: Known, now: datetime) -> Iterator[tuple[Reason, str]]:
    first = {State.RETIRED: Reason.RETIRED, State.SEEN: Reason.UNCLAIMED, State.CLAIMED: Reason.UNBOUND}
    if known.state in first:
        yield first[known.state], ""
        return
    if known.needs_key and not known.has_key:
        yield Reason.NO_CREDENTIAL, ""
    if known.heard_at is None and known.pressed_at is None:
        yield Reason.NEVER_HEARD, ""
    elif now - max(at for at in (known.heard_at, known.pressed_at) if at) > (known.deadline or SILENT_AFTER):
        yield Reason.SILENT, ""
    if not known.no_button and known.pressed_at is None and known.state is State.BOUND:
        yield Reason.NO_PRESS, ""
    for check, passed in sorted(known.checks.items()):
        if not passed and not (check is Check.SOS and known.unheard):  # the room says it better
            yield Reason.FAILED, check
    for check in sorted(known.wanted - known.checks.keys() - {Check.SOS}):
        yield Reason.UNTRIED, check
    yield from _unasked(known)
    if known.test_until is not None and known.test_until > now:
        yield Reason.TEST_MODE, ""
    if known.state is not State.LIVE:
        yield Reason.NOT_LIVE, ""


def _unasked(known: Known) -> Iterator[tuple[Reason, str]]:
    """What an installation asks besides the device's own trials."""
    for room in known.unheard:
        yield Reason.UNHEARD, room
    if known.consented is False:
        yield Reason.NO_CONSENT, ""
    if known.confirmed is not None and known.confirmed < known.contacts_min:
        yield Reason.CONTACTS_MISSING, str(known.contacts_min)


def _doubts(known: Known) -> Iterator[Doubt]:
    if known.battery_pct is not None and known.battery_pct <= BATTERY_LOW_PCT:
        yield Doubt.BATTERY
    if known.consent_back:
        yield Doubt.CONSENT_BACK
    if known.circle == 0 and known.state not in (State.SEEN, State.CLAIMED, State.RETIRED):
        yield Doubt.NOBODY_OF_HER_OWN
    elif known.confirmed is not None and known.confirmed < CONTACTS_WANTED:
        yield Doubt.FEW_CONTACTS
