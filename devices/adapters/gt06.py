"""GT06 and its many cousins (Concox, Jimi, and who copied them): one frame in, what it reports out.

Only the login names the device: of any other frame the topic says whose connection it came on. The check sum is left
to the framer, which needs it where a length is wrong.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from devices.adapter import DecodeError
from devices.adapters import gt06_kinds, gt06_parts
from devices.adapters.gt06_kinds import NAME
from devices.adapters.tracker import Report, TrackerAdapter
from devices.framers.gt06 import END, WIFI_LISTS, seal

SCHEME = "gt06"
LOGIN, ADDRESS_ASKED, ADDRESS, TIME_ASKED = 0x01, 0x2A, 0x97, 0x8A
ENDLESS = (0x65, 0x66)  # fault codes of a car, which some makers send without an end mark
# Answers to us, texts and pictures: nobody waits for an answer to them.
UNANSWERED = frozenset((0x15, 0x21, 0x34, 0x35, 0x36, 0x38, 0x80, 0x81, 0x82, TIME_ASKED, 0x94, 0x97, 0x9B, 0xF3))
LONG_ANSWERED = frozenset((0x32, 0x33, 0x41, 0x70, 0xF1, 0xF2))
NOT_KNOWN = b"NA&&NA&&0##"  # the address of a place, which the terminal would send on as a text message


class Frame(msgspec.Struct, frozen=True):
    """A frame taken apart."""

    long: bool
    length: int  # as it says
    kind: int
    body: bytes
    serial: int | None


def parse(frame: bytes) -> Frame:
    """Return the parts of a frame.

    Raises:
        DecodeError: It has no marks, or was cut off.
    """
    long = frame[:2] == b"yy"
    head = 5 if long else 4
    if frame[:2] not in (b"xx", b"yy") or len(frame) < head:
        raise DecodeError(NAME, f"no start of a frame in {frame[:8].hex()}")
    kind = frame[head - 1]
    if not frame.endswith(END) and kind not in ENDLESS:
        raise DecodeError(NAME, f"a frame of {len(frame)} bytes without an end")
    # A bare heartbeat of some, and the fix of others, has neither number nor check sum.
    whole = len(frame) >= head + 6 + (gt06_parts.FIX_BYTES if kind in gt06_kinds.GPS and len(frame) > head + 6 else 0)
    return Frame(
        long=long,
        length=int.from_bytes(frame[2 : head - 1], "big"),
        kind=kind,
        body=frame[head:-6] if whole else frame[head:-2],
        serial=int.from_bytes(frame[-6:-4], "big") if whole else None,
    )


class Gt06Adapter(TrackerAdapter):
    """One grammar; what differs between makers is told apart by kind and length."""

    name = NAME
    scheme = SCHEME

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI of a login, or of one of the few other frames that have it."""
        try:
            sent = parse(frame)
        except DecodeError:
            return None
        if sent.kind == LOGIN and len(sent.body) >= 8 and not sent.long:
            number = sent.body[:8].hex()
            return (number.removeprefix("0") if number.isdecimal() else None) or None
        named = gt06_parts.imei_in(sent.body) if sent.kind in (0x12, 0x22, 0x25, 0x61) and not sent.long else None
        return None if named is None else named[1]

    def sequence(self, frame: bytes) -> int | None:
        """Return the running number of the frame."""
        return parse(frame).serial

    def reports(self, frame: bytes, model: str | None) -> Sequence[Report]:
        """Return what the frame reports. Raises DecodeError."""
        sent = parse(frame)
        if sent.kind == LOGIN:
            return []
        report = gt06_kinds.read(sent.kind, sent.body, sent.length, long=sent.long, model=model)
        return [] if report is None else [report]


def reply(frame: bytes) -> bytes | None:
    """Return what the terminal waits for: its own kind and number back. Without it the terminal logs in again."""
    try:
        sent = parse(frame)
    except DecodeError:
        return None
    if sent.kind in WIFI_LISTS and sent.length != 0x28 and not sent.long:  # the time back, and no check sum
        return b"xx\0" + bytes((sent.kind,)) + sent.body[:6] + END
    if sent.serial is None or (sent.kind not in LONG_ANSWERED if sent.long else sent.kind in UNANSWERED):
        return None
    if sent.kind == ADDRESS_ASKED:
        return seal(ADDRESS, bytes((len(NOT_KNOWN),)) + bytes(4) + NOT_KNOWN, sent.serial, long=True)
    return seal(sent.kind, b"", sent.serial, long=sent.long and sent.kind != 0x70)


def timed_reply(frame: bytes, now: datetime) -> bytes | None:
    """Return the time to a terminal that asks for it: UTC, a byte each part."""
    try:
        sent = parse(frame)
    except DecodeError:
        return None
    if sent.kind != TIME_ASKED or sent.serial is None:
        return None
    return seal(TIME_ASKED, bytes((now.year - 2000, now.month, now.day, now.hour, now.minute, now.second)), sent.serial)


ADAPTER = Gt06Adapter()
