"""What the text grammars of trackers share: a frame as text and fields, reports that say how far their time goes."""

import re
from datetime import datetime
from typing import ClassVar

import msgspec

from devices.adapter import DecodeError
from devices.adapters.tracker import Report, TrackerAdapter
from devices.nmea import Fix
from devices.telemetry import Quality, Telemetry, TimeQuality

LONGEST = 8192  # characters of a frame; the longest report of these grammars has 1,500

# The battery as six steps, which several makers' trackers send: 1 is empty, 6 is full.
SIXTHS = {1: 0, 2: 10, 3: 20, 4: 60, 5: 80, 6: 100}

_NUMBER = re.compile(r"[-+]?\d{1,9}(?:\.\d{0,9})?", re.ASCII)


class Said(Report):
    """What one record of a text frame says."""

    def __init__(self, at: datetime | None = None) -> None:
        super().__init__(at)
        self.named: str | None = None  # what names an alarm in the device's own counting
        self.current = True  # `at` is of this moment; False: perhaps of the last fix, hours ago
        self.guessed = False  # `at` lacks something: a time of day, a zone

    def fix(self, found: Fix) -> None:
        """Note a receiver's sentence."""
        self.at = found.at
        self.current = found.valid
        if found.lat is not None and found.lon is not None:
            self.place(found.lat, found.lon, valid=found.valid)

    def reading(self, code: str, text: str) -> None:
        """Note a number as the frame writes it. No number says nothing; 0 of a body is how sensors say they failed."""
        value = number(text)
        if value is not None:
            self.measure(code, value, absent=(0,) if code.startswith("vital.") else ())

    def level(self, text: str) -> None:
        """Note the battery in percent, if it is written as whole percents."""
        if re.fullmatch(r"\d{1,3}", text.strip(), re.ASCII):
            self.measure("battery.level", int(text))

    def doubt(self, code: str | None, native: str) -> None:
        """Note an alarm that this grammar only perhaps states: it is kept, and rings nobody."""
        if code is not None and code not in self.alarms:
            self.state(code, True, quality=Quality.UNVERIFIED, native=native[:40])


class TextTracker(TrackerAdapter):
    """Base of the text grammars. An alarm is named by its time only where that time is of now."""

    longest: ClassVar[int] = LONGEST

    def text(self, frame: bytes) -> str:
        """Return a frame as text. Raises DecodeError if it is too long."""
        if len(frame) > self.longest:
            raise DecodeError(self.name, f"{len(frame)} bytes, at most {self.longest} allowed")
        return frame.decode("utf-8", "replace").strip("\r\n\0 ")

    def _said(self, report: Report, device: str, sequence: int | None, received_at: datetime) -> Telemetry:
        said = super()._said(report, device, sequence, received_at)
        if not isinstance(report, Said):
            return said
        identity, quality = said.identity, said.time_quality
        if report.guessed and report.at is not None:
            quality = TimeQuality.SUSPECT
        rung = "+".join(sorted(code for code in report.alarms if code.startswith("alarm.")))
        if report.named is not None:
            identity = f"{rung}:{report.named}" if rung else None
        elif not report.current or report.guessed:
            identity = None
        return msgspec.structs.replace(said, identity=identity, time_quality=quality)


def number(text: str) -> float | int | None:
    """Return a number written as text, or None if it is none."""
    word = text.strip()
    if not _NUMBER.fullmatch(word):
        return None
    return float(word) if "." in word else int(word)


def at(fields: list[str], index: int) -> str:
    """Return a field, "" where the frame has fewer."""
    return fields[index].strip() if -len(fields) <= index < len(fields) else ""
