"""carehub's own MQTT topics, both ways: `carehub/<device>/<kind>` and the terminals of responders."""

import re

import msgspec

ROOT = "carehub"
UP = ("vitals", "event", "accel", "status")  # what a device publishes
COMMAND = "command"  # what it subscribes to
RESPONDER = "responder"  # not a device name: carehub/responder/<person>/… are people's terminals
DEVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LONGEST = 128  # bytes of a topic of ours

_PERSON = re.compile(r"carehub/responder/([0-9]{1,18})/(page|answer)")


class Uplink(msgspec.Struct, frozen=True):
    """A device's topic, taken apart."""

    device: str
    kind: str


def parse(topic: str) -> Uplink | None:
    """Return the device and the kind of message, or None if this is no device topic of ours."""
    if len(topic) > LONGEST:
        return None
    parts = topic.split("/")
    if len(parts) != 3 or parts[0] != ROOT or parts[2] not in UP or not is_device_name(parts[1]):
        return None
    return Uplink(parts[1], parts[2])


def is_device_name(name: str) -> bool:
    """Whether a device may be called this."""
    return name != RESPONDER and DEVICE_NAME.fullmatch(name) is not None


def uplink(device: str, kind: str) -> str:
    """Return the topic on which a device publishes."""
    return f"{ROOT}/{device}/{kind}"


def command(device: str) -> str:
    """Return the topic on which a device hears the hub."""
    return f"{ROOT}/{device}/{COMMAND}"


def page(person_id: int) -> str:
    """Return the topic on which a responder's terminal is called."""
    return f"{ROOT}/{RESPONDER}/{person_id}/page"


def answer(person_id: int) -> str:
    """Return the topic on which a responder's terminal answers."""
    return f"{ROOT}/{RESPONDER}/{person_id}/answer"


def answering_person(topic: str) -> int | None:
    """Return whose answer a topic carries, or None if it carries none."""
    match = _PERSON.fullmatch(topic)
    return int(match[1]) if match is not None and match[2] == "answer" else None
