"""JT/T 808's commands: a kind and a body, which the adapter frames; and the terminal's answers by our serial number.

Source: JT/T 808-2013 and -2019, which agree in these. Of two numbers a terminal is told it dials the first kind: 0 is a
call both sides hear, 1 would be listening in.
"""

from devices.adapter import Answer, Command
from devices.orders import Call, Interval, Locate, Reboot, Report

LONGEST_TEXT = 60  # characters a pendant reads out in one go
TEXT, WHERE, CONTROL, CALL_BACK, SET = 0x8300, 0x8201, 0x8105, 0x8400, 0x8103
GENERAL_ANSWER, POSITION_ANSWER = 0x0001, 0x0201
INTERVAL = 0x0029  # the parameter: seconds between positions
RESTART = 4
BOTH_HEAR = 0
RESULTS = {0: "ok", 1: "failed", 2: "message is wrong", 3: "not supported"}


def message(command: Command) -> tuple[int, bytes] | None:
    """Return kind and body; of a text, its characters alone, since what stands before them differs by version."""
    match command.order:
        case None:
            return TEXT, command.text[:LONGEST_TEXT].encode("gbk", "replace")
        case Locate():
            return WHERE, b""
        case Reboot():
            return CONTROL, bytes((RESTART,))
        case Call(number):
            return CALL_BACK, bytes((BOTH_HEAR,)) + number.encode("ascii")
        case Interval(seconds, Report.POSITION):
            return SET, b"\x01" + INTERVAL.to_bytes(4, "big") + b"\x04" + seconds.to_bytes(4, "big")
    return None


def answer(sent: tuple[int, int], kind: int, body: bytes) -> Answer | None:
    """Return what a terminal's message says to our message of (kind, serial); None for any other."""
    if len(body) < 2 or int.from_bytes(body[:2], "big") != sent[1]:
        return None
    if kind == POSITION_ANSWER and sent[0] == WHERE:
        return Answer(words="0201")
    if kind == GENERAL_ANSWER and len(body) >= 5 and int.from_bytes(body[2:4], "big") == sent[0]:
        return Answer(words=RESULTS.get(body[4], f"result {body[4]}"), refused=body[4] != 0)
    return None
