"""JT/T 808, 2011 to 2019: the position terminals and SOS pendants of China, and many makers' cousins of them.

Source of the grammar: JT/T 808-2013 and -2019. A wrong check byte is no reason to refuse a frame: TCP carries bytes
unharmed, so it is the terminal that reckons it wrong, in its alarms as in all its frames.
"""

import re
from collections.abc import Sequence
from functools import reduce
from operator import xor

import msgspec

from devices.adapter import Answer, Command, DecodeError, Downlink
from devices.adapters import jt808_items, jt808_passed
from devices.adapters.jt808_items import NAME, position
from devices.adapters.tracker import GMT8, Reader, Report, TrackerAdapter, bcd, moment
from devices.encoders import jt808 as words
from devices.framers.jt808 import OTHER_MARK, escape, unescape

SCHEME = "jt808"
SPLIT, VERSIONED = 13, 14  # bits of the attributes
SHOW_AND_SPEAK = 0x0C  # bit 2 the screen, bit 3 the voice

REGISTER, AUTHENTICATE, HEARTBEAT, LOGOUT = 0x0100, 0x0102, 0x0002, 0x0003
POSITION, POSITION_ASKED, CONTROLLED, BATCH, BATCH_SHORT = 0x0200, 0x0201, 0x0500, 0x0704, 0x0210
LOCK_POSITION, LOCK_POSITION_OLD = 0x5501, 0x5502
TRANSPARENT = 0x0900
CHARGE_BYTES = 7  # of a short batch that holds no position: charge and time
SAID, REGISTERED, LOCK_SAID = 0x8001, 0x8100, 0x4401
# What is answered by nobody: the terminal's own answers to what we sent, and what asks for more than a receipt.
UNANSWERED = frozenset({0x0001, POSITION_ASKED, CONTROLLED, 0x0104, 0x0109, 0x0701, 0x1300, 0x2070})
LOCK_ALARMS: dict[int, str] = {
    0: "alarm.overspeed",
    1: "alarm.lowPower",
    2: "alarm.vibration",
    3: "battery.low",
    5: "alarm.geofenceEnter",
    6: "alarm.geofenceExit",
}
_ELOCK = re.compile(rb"\((\d{4,20}),[^()]*\)")


class Frame(msgspec.Struct, frozen=True):
    """A frame taken apart."""

    mark: int
    kind: int
    version: int | None  # None: 2011 or 2013
    id: bytes
    serial: int
    body: bytes
    first: bool  # not a later part of a message that was split


def parse(frame: bytes) -> Frame:
    """Return the parts of a frame, its marks included. One whose escapes nobody has undone is known by its check byte.

    Raises:
        DecodeError: It has no marks, or is shorter than its head.
    """
    if len(frame) < 2 or frame[0] not in (0x7E, OTHER_MARK) or frame[-1] != frame[0]:
        raise DecodeError(NAME, f"no two marks around {frame[:8].hex()}")
    if _check(frame[1:-1]) != 0 and _check((plain := unescape(frame))[1:-1]) == 0:
        frame = plain
    head = Reader(frame[1:-2], NAME)
    kind, attributes = head.u(2), head.u(2)
    version = head.u(1) if attributes >> VERSIONED & 1 else None
    number = head.take(10 if version is not None else 7 if frame[0] == OTHER_MARK else 6)
    serial = head.u(1 if kind in (LOCK_POSITION, LOCK_POSITION_OLD) else 2)
    first = True
    if attributes >> SPLIT & 1 and head.left == (attributes & 0x3FF) + 4:  # the bit alone is often set by mistake
        head.take(2)
        first = head.u(2) == 1
    return Frame(frame[0], kind, version, number, serial, head.rest(), first)


class Jt808Adapter(TrackerAdapter):
    """One grammar; terminals differ in the items behind the position."""

    name = NAME
    scheme = SCHEME

    def device_of(self, frame: bytes) -> str | None:
        """Return the phone number or serial number in the head, without leading zeros."""
        if (lock := _ELOCK.match(frame)) is not None:
            return lock[1].decode("ascii")
        try:
            return id_of(parse(frame).id)
        except DecodeError:
            return None

    def sequence(self, frame: bytes) -> int | None:
        """Return the running number of the message."""
        return None if frame[:1] == b"(" else parse(frame).serial

    def reports(self, frame: bytes, model: str | None) -> Sequence[Report]:
        """Return what the frame reports. Raises DecodeError."""
        if frame[:1] == b"(":
            if _ELOCK.match(frame) is None:
                raise DecodeError(NAME, f"no number in {frame[:40]!r}")
            return []
        sent = parse(frame)
        return list(_read(sent, model)) if sent.first else []

    def encode(self, command: Command) -> Downlink | None:
        """Return the command, a text as one to be shown and read out (8300, GBK), in the words of 2013.

        `readdress` turns it into the version the terminal itself speaks.
        """
        number = command.device.removeprefix(f"{SCHEME}:")
        said = words.message(command)
        if number == command.device or said is None or not re.fullmatch(r"\d{1,20}", number, re.ASCII):
            return None
        kind, body = said
        version = 1 if len(number) > 15 else None
        body = _text(body, version) if kind == words.TEXT else body
        frame = _frame(kind, version, _bytes_of(number, version), command.number & 0xFFFF, body)
        return Downlink(topic=f"tcp/{SCHEME}/{number}", payload=escape(frame))


def id_of(number: bytes) -> str:
    """Return the id in a frame's head. One that is not decimal is an IMEI as a number, without its check digit."""
    digits = number.hex()
    if digits.isdecimal():
        return digits.lstrip("0") or "0"
    body = str(int.from_bytes(number, "big"))
    return body + _luhn(body)


def reply(frame: bytes) -> bytes | None:
    """Return what the terminal waits for: the general answer, or the answer to its registration with a code.

    Without it the terminal sends the message again, and an alarm until it is answered.
    """
    try:
        sent = parse(frame)
    except DecodeError:
        return None
    if sent.kind in UNANSWERED or sent.kind >= 0x8000:
        return None
    if sent.kind in (LOCK_POSITION, LOCK_POSITION_OLD):
        body = sent.kind.to_bytes(2, "big") + b"\0"
        return escape(_frame(LOCK_SAID, sent.version, sent.id, 1, body, mark=sent.mark, short=True))
    if sent.kind == REGISTER:
        code = id_of(sent.id).encode("ascii")  # it comes back in the authentication, where nobody checks it
        body = sent.serial.to_bytes(2, "big") + b"\0" + code
        return escape(_frame(REGISTERED, sent.version, sent.id, 0, body, mark=sent.mark))
    body = sent.serial.to_bytes(2, "big") + sent.kind.to_bytes(2, "big") + b"\0"
    return escape(_frame(SAID, sent.version, sent.id, 0, body, mark=sent.mark))


def readdress(payload: bytes, heard: bytes) -> bytes:
    """Return one of our messages in the version, and with the number as it is written, of a frame the terminal sent.

    Raises:
        DecodeError: One of the two is no frame.
    """
    ours, its = parse(payload), parse(heard)
    body = ours.body
    if ours.kind == words.TEXT:
        body = _text(body[2:] if ours.version else body[1:], its.version)
    return escape(_frame(ours.kind, its.version, its.id, ours.serial, body, mark=its.mark))


def answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return what a terminal's frame says to our message, by its serial number; None for any other frame."""
    try:
        ours, its = parse(sent), parse(frame)
    except DecodeError:
        return None
    return words.answer((ours.kind, ours.serial), its.kind, its.body)


def _read(sent: Frame, model: str | None) -> Sequence[Report]:
    body = Reader(sent.body, NAME)
    if sent.kind in (POSITION_ASKED, CONTROLLED):
        body.take(2)  # the number of our question
        return [position(body, model)]
    if sent.kind == POSITION:  # it comes empty too, from a terminal that has nothing to say
        return [position(body, model)] if body.left else []
    if sent.kind == HEARTBEAT or (sent.kind == BATCH_SHORT and body.left == CHARGE_BYTES):
        return _charge(body)
    if sent.kind in (BATCH, BATCH_SHORT):
        return _batch(body, model, long=sent.kind == BATCH)
    if sent.kind in (LOCK_POSITION, LOCK_POSITION_OLD):
        return [_lock(body, fresh=sent.kind == LOCK_POSITION)]
    return jt808_passed.read(body) if sent.kind == TRANSPARENT and body.left else []


def _charge(body: Reader) -> list[Report]:
    """Return what a heartbeat says, if it says anything: charge and signal, or charge and time."""
    if body.left < 3:
        return []
    report = Report()
    dated = body.left == CHARGE_BYTES  # a heartbeat of that length has not been seen
    report.measure("battery.level", body.u(1))
    if dated:
        report.at = moment(bcd(body.take(6)), GMT8)
    else:
        report.csq(body.u(1))
    return [report]


def _batch(body: Reader, model: str | None, *, long: bool) -> list[Report]:
    """Return the positions of a batch. One that is cut short ends it: those before it are kept."""
    if long:
        body.take(3)  # how many, and whether they were held back while there was no line
    reports = []
    while body.left > 2:
        length = body.u(2 if long else 1)
        if length > body.left:
            break
        part = body.part(length)
        if length >= jt808_items.FIX_BYTES:
            reports.append(position(part, model))
    return reports


def _lock(body: Reader, *, fresh: bool) -> Report:
    day, month, year, hour, minute, second = bcd(body.take(6))
    report = Report(moment((year, month, day, hour, minute, second)))
    lat, lon = body.take(4).hex(), body.take(5).hex()
    if not (lat + lon[:9]).isdecimal():
        raise DecodeError(NAME, f"no position in {lat} {lon}")
    flags = int(lon[9], 16)
    north = int(lat[:2]) + int(lat[2:]) / 600_000
    east = int(lon[:3]) + int(lon[3:9]) / 600_000
    report.place(north if flags >> 1 & 1 else -north, east if flags >> 2 & 1 else -east, valid=fresh)
    body.take(2)  # speed, direction
    report.csq(body.u(1))
    body.take(5)  # satellites, mileage
    charge = body.u(1)
    if charge <= 100:
        report.measure("battery.level", charge)
    elif charge in (0xAA, 0xAB):
        report.state("battery.charging", True)
    body.take(6)  # cell
    product, _, word = body.u(1), body.u(2), body.u(2)
    if product in (1, 2):
        report.alarm("alarm.lowPower" if word & 1 else None, f"{word:04x}")
    elif product == 3:
        for bit, code in LOCK_ALARMS.items():
            report.alarm(code if word >> bit & 1 else None, f"{word:04x}")
    return report


def _frame(
    kind: int, version: int | None, number: bytes, serial: int, body: bytes, *, mark: int = 0x7E, short: bool = False
) -> bytes:
    attributes = len(body) | (1 << VERSIONED if version is not None else 0)
    head = kind.to_bytes(2, "big") + attributes.to_bytes(2, "big")
    head += b"" if version is None else bytes((version,))
    inner = head + number + serial.to_bytes(1 if short else 2, "big") + body
    return bytes((mark, *inner, _check(inner), mark))


def _check(inner: bytes) -> int:
    """Return the bytes put together by XOR: 0 for a good frame that holds its own check byte."""
    return reduce(xor, inner, 0)


def _text(said: bytes, version: int | None) -> bytes:
    return bytes((SHOW_AND_SPEAK,)) + (b"" if version is None else b"\x01") + said


def _bytes_of(number: str, version: int | None) -> bytes:
    if version is not None:
        return bytes.fromhex(number.zfill(20))
    return bytes.fromhex(number.zfill(12)) if len(number) <= 12 else int(number[:-1]).to_bytes(6, "big")


def _luhn(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


ADAPTER = Jt808Adapter()
