"""What a device can be told to do, besides words. Nobody can make one of these that a device's grammar could misread.

Nothing here opens a microphone: a device that dials rings, and its wearer hears who speaks.
"""

import re
from enum import StrEnum
from typing import TypeAlias

import msgspec

SHORTEST_S, LONGEST_S = 10, 86_400
MOST_CONTACTS = 3
_TELEPHONE = re.compile(r"\+?[0-9]{3,19}", re.ASCII)


class OrderError(ValueError):
    """The order cannot be meant; the words say what can."""


class Vital(StrEnum):
    """What a device can be asked to measure."""

    HEART_RATE = "heart-rate"
    SPO2 = "spo2"
    BLOOD_PRESSURE = "blood-pressure"
    TEMPERATURE = "temperature"


class Report(StrEnum):
    """What a device sends by itself, again and again."""

    POSITION = "position"
    HEART_RATE = "heart-rate"


class Locate(msgspec.Struct, frozen=True, tag="locate"):
    """Say where you are, now."""


class Find(msgspec.Struct, frozen=True, tag="find"):
    """Ring or vibrate, so that you can be found."""


class Reboot(msgspec.Struct, frozen=True, tag="reboot"):
    """Start anew. Settings stay."""


class Measure(msgspec.Struct, frozen=True, tag="measure"):
    """Measure this, now."""

    what: Vital = Vital.HEART_RATE


class Call(msgspec.Struct, frozen=True, tag="call"):
    """Dial this number. Raises OrderError for what is none."""

    number: str

    def __post_init__(self) -> None:
        _telephone(self.number)


class Interval(msgspec.Struct, frozen=True, tag="interval"):
    """Report so often. Raises OrderError for what no device can be meant to do."""

    seconds: int
    what: Report = Report.POSITION

    def __post_init__(self) -> None:
        if type(self.seconds) is not int or not SHORTEST_S <= self.seconds <= LONGEST_S:
            raise OrderError(f"{self.seconds!r} s is no interval; give {SHORTEST_S} to {LONGEST_S} whole seconds")


class Contacts(msgspec.Struct, frozen=True, tag="contacts"):
    """These are the numbers your SOS button dials, in their order; they replace those before. Raises OrderError."""

    numbers: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.numbers) <= MOST_CONTACTS:
            raise OrderError(f"{len(self.numbers)} numbers; give 1 to {MOST_CONTACTS}")
        for number in self.numbers:
            _telephone(number)


Order: TypeAlias = Locate | Find | Reboot | Measure | Call | Interval | Contacts

# What an order asks to be told, as codes of telemetry; any of them answers it.
ASKED: dict[Vital, tuple[str, ...]] = {
    Vital.HEART_RATE: ("vital.heart_rate",),
    Vital.SPO2: ("vital.spo2",),
    Vital.BLOOD_PRESSURE: ("vital.bp_systolic",),
    Vital.TEMPERATURE: ("vital.body_temperature", "vital.skin_temperature"),
}


def repeatable(order: Order | None) -> bool:
    """Whether a device that did not answer may be told again: twice the same must be as good as once."""
    return isinstance(order, Locate | Measure | Interval | Contacts)


def _telephone(number: str) -> None:
    if not isinstance(number, str) or not _TELEPHONE.fullmatch(number):
        raise OrderError(f"{number!r:.40} is no telephone number; write digits alone, 3 to 19, with or without +")
