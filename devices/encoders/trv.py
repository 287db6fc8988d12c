"""IW watches' commands (`IWBP16,<imei>,<number>#`) and the answers that repeat kind and number (`IWAP16,<number>…#`).

Source: the maker's protocol V3 and its health messages. How it is made to dial, or to ring, is not in it.
"""

import re

from devices.adapter import Answer, Command
from devices.orders import Contacts, Interval, Locate, Measure, Reboot, Report, Vital

LONGEST_TEXT = 60  # characters a watch's screen takes
SOS_NUMBERS = 3
BARE = {Locate: "16", Reboot: "18"}
MEASURE = {Vital.HEART_RATE: "XL", Vital.BLOOD_PRESSURE: "XY", Vital.SPO2: "XZ", Vital.TEMPERATURE: "XT"}

_ID = re.compile(r"\d{15}", re.ASCII)
_SENT = re.compile(rb"IWBP(?P<kind>[0-9A-Z]{2}),\d{15},(?P<number>\d{6})[,#]")
_SAID = re.compile(rb"IWAP(?P<kind>[0-9A-Z]{2}),?(?:\d{15},)?(?P<number>\d{1,10})(?=[,#]|\Z)")


def words(command: Command, watch: str) -> bytes | None:
    """Return the command. The number is what the watch repeats."""
    said = _kind(command)
    if said is None or not _ID.fullmatch(watch):
        return None
    kind, fields = said
    number = (command.number or command.incident or 0) % 1_000_000
    return (",".join((f"IWBP{kind}", watch, f"{number:06}", *fields)) + "#").encode("ascii")


def answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return the watch's answer to what was sent, None for any other frame."""
    ours, its = _SENT.match(sent), _SAID.match(frame)
    if ours is None or its is None or ours["kind"] != its["kind"] or int(ours["number"]) != int(its["number"]):
        return None
    return Answer(words=frame.decode("latin-1").strip())


def _kind(command: Command) -> tuple[str, tuple[str, ...]] | None:
    said: tuple[str, tuple[str, ...]] | None = None
    match command.order:
        case None:
            said = "40", (command.text[:LONGEST_TEXT].encode("utf-16-be", "replace").hex().upper(),)
        case Locate() | Reboot():
            said = BARE[type(command.order)], ()
        case Measure(what):
            said = MEASURE[what], ()
        case Interval(seconds, Report.POSITION):
            said = "15", (str(seconds),)
        case Contacts(numbers):
            said = "12", (*numbers, *[""] * (SOS_NUMBERS - len(numbers)))
    return said
