"""Plain calculations of the installer's page: which step it is at, what is new on it, what its reasons are."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from hub.device_life import Check, Effect, Reason, State
from hub.device_trials import TRACKERS
from hub.store.devices import Credential
from hub.store.installs import Install

ROOMS = ("bedroom", "bathroom", "living_room", "kitchen", "hall", "lift", "worn")
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
KINDS = {
    "carehub": "profile", "z2m": "zigbee", "lorawan": "lorawan", "tasmota": "gateway", "shelly": "switch",
    "shelly1": "switch", "esphome": "gateway", "ha": "gateway", "omg": "gateway", "ble": "gateway", "radar": "radar",
    "radarjson": "radar", "bed": "bed", "lifesos": "base", "carelink": "base",
}  # fmt: skip
KEY_PREFIX = "carehub:key?"


def step(state: State, *, change: bool) -> str:
    """Return what is done next: claim, give, try; live needs nothing."""
    if state in (State.SEEN, State.RETIRED):
        return "claim"
    if state is State.CLAIMED or change:
        return "give"
    return "live" if state is State.LIVE else "try"


def kind(address: str) -> str:
    """Return the word for what sort of device speaks from this address."""
    scheme = address.partition(":")[0]
    return "tracker" if scheme in TRACKERS else KINDS.get(scheme, "other")


def version(it: Install) -> str:
    """Return what changes when the page has something new to show, and stays when only time has passed."""
    made = [
        (t.check, t.passed, t.began_at, t.note, [t.seen.get(name) for name in ("at", "heard_at", "code")], t.presses)
        for t in it.trials
        if not (t.check is Check.LOCATION and t.passed is not None)
    ]
    known = it.known
    people = [(one.person_id, one.asked_at, one.sent_at, one.failed, one.confirmed) for one in it.contacts]
    parts = (
        it.state,
        it.device["mark"],
        known.heard_at is None,
        known.has_key,
        it.testing,
        known.no_button,
        made,
        people,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def age(now: datetime, at: datetime, t: Callable[..., str]) -> str:
    """Return how long ago something was, in words."""
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < MINUTE_S:
        return t("install.ago_s", n=seconds)
    if seconds < HOUR_S:
        return t("install.ago_min", n=seconds // MINUTE_S)
    return t("install.ago_h", n=seconds // HOUR_S) if seconds < DAY_S else t("install.ago_d", n=seconds // DAY_S)


def reasons(told: Effect) -> list[tuple[Reason, str]]:
    """Return why it is not in effect. That it has not been put into service is no reason beside others."""
    found: list[tuple[Reason, str]] = [one for one in told.reasons if one[0] is not Reason.NOT_LIVE]
    return found or list(told.reasons)


def masked(name: str) -> str:
    """Return a name as somebody sees it who need not know it: the first letter, and how long a Chinese one is."""
    first = name[:1]
    return first + "*" * (min(len(name), 4) - 1 if first > "\u2e80" else 3)


def key_text(key: Credential) -> str:
    """Return what the code of a new key says, for a device or its setting app to read."""
    return f"{KEY_PREFIX}u={quote(key.username)}&p={quote(key.secret)}&t={quote(key.topic_prefix)}"
