"""What firmware does wrong, as makers' change logs and their users tell it: one table, of which a story gives some.

None of it is nonsense: every message can be read, and says something that is not so.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from simulator.encoders.encoder import Body, Device, Fix, Outgoing


class Quirk(StrEnum):
    """What is wrong with it."""

    STUCK = "a status is stuck"
    TWICE = "a press is sent twice"
    ZERO = "no contact is a pulse of 0"
    FULL = "no contact is a pulse of 255"
    NULL_ISLAND = "it is at 0, 0"
    RESTARTS = "the sequence restarts"
    MISSING = "a field is missing"


# Where it was seen. The words are the simulator's; the faults are not.
SEEN: Mapping[Quirk, str] = {
    Quirk.STUCK: "door contacts that say open for ever after a lost radio frame; charge that stands at one number",
    Quirk.TWICE: "a pendant whose modem restarts between press and acknowledgement, and counts on",
    Quirk.ZERO: "optical pulse without skin: the sensor's own 0 is passed on as a pulse",
    Quirk.FULL: "the same where the register is left at its highest value",
    Quirk.NULL_ISLAND: "trackers that call a place valid before the first fix",
    Quirk.RESTARTS: "a counter that is not kept over a restart of the watch",
    Quirk.MISSING: "a version that leaves out what it has not measured since the last message, or forgets a key",
}
NO_CONTACT = {Quirk.ZERO: 0, Quirk.FULL: 255}
RESTARTS_SHARE, MISSING_SHARE = 0.15, 0.3
KEPT = frozenset({"event", "id", "action", "method", "params", "type"})  # without them it says nothing any more
NOWHERE = Fix(lat=0.0, lon=0.0, valid=True)


def body(quirk: Quirk | None, read: Body, *, worn: bool) -> Body:
    """Return what a firmware makes of what was measured."""
    if quirk in NO_CONTACT and (read.heart_rate_bpm is None or not worn):
        return Body(heart_rate_bpm=NO_CONTACT[quirk])
    return read


def before_a_report(quirk: Quirk | None, device: Device, draw: random.Random) -> None:
    """Do to the device what happens between two reports."""
    if quirk is Quirk.RESTARTS and draw.random() < RESTARTS_SHARE:
        device.serial = 0
        device.counts.clear()
    elif quirk is Quirk.NULL_ISLAND:
        device.fix = NOWHERE


def altered(quirk: Quirk | None, message: Outgoing, draw: random.Random) -> Outgoing:
    """Return a message as this firmware writes it."""
    if quirk is not Quirk.MISSING or draw.random() >= MISSING_SHARE:
        return message
    try:
        words = json.loads(message.payload)
    except ValueError:
        return message  # frames have their fields by place: one that is missing is a cut frame
    names = [name for name in words if name not in KEPT] if isinstance(words, dict) else []
    if not names:
        return message
    del words[draw.choice(names)]
    return replace(message, payload=json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode())
