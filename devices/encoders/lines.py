"""Commands of the trackers that send lines: H02, GPS103, TK103, Laipac."""

import re
from functools import reduce

from devices.adapter import Answer, Command
from devices.orders import Interval, Locate, Reboot, Report

_DIGITS = re.compile(r"\d{10,17}", re.ASCII)
_LAIPAC = re.compile(r"[0-9A-Za-z]{1,20}", re.ASCII)
_H02_SENT = re.compile(rb"\*HQ,(?P<id>\d+),(?P<word>\w+),(?P<time>\d{6})[,#]")
_TK103 = re.compile(rb"\(?\d{10,16},?(?P<word>[A-Z]{2}[0-9A-F]{2})")
TK103_ANSWERS = {b"AP00": b"BP04", b"AR00": b"BR00", b"AT00": b"BT00"}
LAIPAC_KEY = "00000000"  # as delivered
GPS103_UNITS = ((3600, "h"), (60, "m"), (1, "s"))
TWO_DIGITS = 99


def h02(command: Command, device: str) -> bytes | None:
    """Return how often it reports (S71, 22). The time it was asked at is what its answer repeats."""
    match command.order:
        case Interval(seconds, Report.POSITION) if command.at is not None and _DIGITS.fullmatch(device):
            return f"*HQ,{device},S71,{command.at:%H%M%S},22,{seconds}#".encode("ascii")
    return None


def h02_answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return the V4 with our word and our time."""
    ours, fields = _H02_SENT.match(sent), frame.decode("latin-1").split(",")
    if ours is None or len(fields) < 5 or fields[2] != "V4" or fields[3] != ours["word"].decode("ascii"):
        return None
    return Answer(words=",".join(fields[2:5])) if ours["time"].decode("ascii") in fields[4:6] else None


def gps103(command: Command, device: str) -> bytes | None:
    """Return B, once now, or C with two digits and a unit. An interval that cannot be said so is not sent."""
    if not _DIGITS.fullmatch(device):
        return None
    match command.order:
        case Locate():
            return f"**,imei:{device},B;".encode("ascii")
        case Interval(seconds, Report.POSITION):
            for size, letter in GPS103_UNITS:
                if seconds % size == 0 and seconds // size <= TWO_DIGITS:
                    return f"**,imei:{device},C,{seconds // size:02}{letter};".encode("ascii")
    return None


def tk103(command: Command, device: str) -> bytes | None:
    """Return AP00, once now; AR00 with seconds in hex, for ever; AT00, start anew."""
    if not _DIGITS.fullmatch(device):
        return None
    match command.order:
        case Locate():
            word = "AP00"
        case Reboot():
            word = "AT00"
        case Interval(seconds, Report.POSITION) if seconds <= 0xFFFF:
            word = f"AR00{seconds:04X}0000"
        case _:
            return None
    return f"({device}{word})".encode("ascii")


def tk103_answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return the word that answers ours."""
    ours, its = _TK103.match(sent), _TK103.match(frame)
    if ours is None or its is None or TK103_ANSWERS.get(ours["word"]) != its["word"]:
        return None
    return Answer(words=its["word"].decode("ascii"))


def laipac(command: Command, device: str) -> bytes | None:
    """Return a request for its position, or to start anew, under the password it is delivered with."""
    if not _LAIPAC.fullmatch(device):
        return None
    match command.order:
        case Locate():
            said = f"AVREQ,{LAIPAC_KEY},1"
        case Reboot():
            said = f"AVRESET,{device},{LAIPAC_KEY}"
        case _:
            return None
    check = reduce(lambda total, byte: total ^ byte, said.encode("ascii"), 0)
    return f"${said}*{check:02X}\r\n".encode("ascii")
