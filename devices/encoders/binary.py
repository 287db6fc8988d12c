"""Commands of the trackers that send bytes: GT06, Eelink, Topin. The first two carry words as a text message would."""

import re

from devices.adapter import Answer, Command
from devices.framers.gt06 import seal
from devices.orders import Contacts, Interval, Locate, Reboot, Report

_ID = re.compile(r"\d{10,17}", re.ASCII)
GT06_COMMAND, GT06_ANSWER, GT06_ANSWER_OLD = 0x80, 0x21, 0x15
EELINK_DOWN, EELINK_COMMAND = 0x80, 0x01
TOPIN_WHERE, TOPIN_INTERVAL, TOPIN_RESTART = 0x80, 0x97, 0x48
LONGEST_ANSWER = 200


def gt06(command: Command, device: str) -> bytes | None:
    """Return an online command (80): its length, a flag that comes back, the words."""
    if not _ID.fullmatch(device):
        return None
    where = "DWXX#" if (command.model or "").strip().upper() == "GT06" else "WHERE#"
    words = _short_words(command, where)
    if words is None:
        return None
    content = bytes((len(words) + 4,)) + (command.number & 0xFFFF).to_bytes(4, "big") + words.encode("ascii")
    return seal(GT06_COMMAND, content, max(1, command.number & 0xFFFF))


def gt06_answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return the words of an answer with our flag: kind 21 of new models, 15 of old ones."""
    flag = sent[5:9]
    head = 5 if frame[:2] == b"yy" else 4
    kind, body = frame[head - 1 : head], frame[head:-6]
    if kind == bytes((GT06_ANSWER,)) and body[:4] == flag:
        text = body[5:]  # behind how it is written
        return Answer(words=_text(text.decode("utf-16-be" if body[4:5] == b"\2" else "latin-1", "replace")))
    if kind == bytes((GT06_ANSWER_OLD,)) and body[1:5] == flag:
        return Answer(words=_text(body[5 : 1 + body[0]].decode("latin-1")))
    return None


def eelink(command: Command, device: str) -> bytes | None:
    """Return a package 80 that carries a command: a number that comes back, the words."""
    words = _short_words(command, "WHERE#", interval=False) if _ID.fullmatch(device) else None
    if words is None:
        return None
    content = bytes((EELINK_COMMAND,)) + (command.number & 0xFFFF).to_bytes(4, "big") + words.encode("ascii")
    size = (len(content) + 2).to_bytes(2, "big")
    return b"gg" + bytes((EELINK_DOWN,)) + size + (command.number & 0xFFFF).to_bytes(2, "big") + content


def eelink_answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return the words of a package 80 with our number."""
    start = frame.rfind(b"gg" + bytes((EELINK_DOWN,))) if frame[:2] == b"EL" else 0
    if frame[start : start + 3] != sent[:3] or frame[start + 7 : start + 12] != sent[7:12]:
        return None
    return Answer(words=_text(frame[start + 12 :].decode("utf-8", "replace")))


def topin(command: Command, device: str) -> bytes | None:
    """Return a frame: a length that counts kind and content, no check sum."""
    if not _ID.fullmatch(device):
        return None
    match command.order:
        case Locate():
            return _topin(TOPIN_WHERE)
        case Reboot():
            return _topin(TOPIN_RESTART)
        case Interval(seconds, Report.POSITION) if seconds <= 0xFFFF:
            return _topin(TOPIN_INTERVAL, seconds.to_bytes(2, "big"))
    return None


def topin_answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return the frame of the same kind, which is its receipt."""
    return Answer(words=frame.hex()[:LONGEST_ANSWER]) if frame[:2] == b"xx" and frame[3:4] == sent[3:4] else None


def _short_words(command: Command, where: str, *, interval: bool = True) -> str | None:
    match command.order:
        case Locate():
            return where
        case Reboot():
            return "RESET#"
        case Contacts(numbers):
            return f"SOS,A,{','.join(numbers)}#"
        case Interval(seconds, Report.POSITION) if interval and seconds <= 18_000:  # moving, and at rest
            return f"TIMER,{seconds},{seconds}#"
    return None


def _topin(kind: int, content: bytes = b"") -> bytes:
    return b"xx" + bytes((len(content) + 1, kind)) + content + b"\r\n"


def _text(said: str) -> str:
    return "".join(letter for letter in said if letter.isprintable()).strip()[:LONGEST_ANSWER]
