"""Queclink's real time operation (`AT+GTRTO=…$`): report where it is, start anew. The serial number comes back.

Source: the @Track air interface protocols of GL200, GL300, GL500. A device obeys its password, which is its model's
name until somebody changes it: known from the model bound to it, or from the version in its own reports. How often it
reports is one setting among a dozen that would be set with it, and is not touched.
"""

import re

from devices.adapter import Answer, Command
from devices.orders import Locate, Reboot

PASSWORDS = {  # by the first two characters of the protocol's version
    "02": "gl200",
    "1A": "gl300",
    "11": "gl500",
    "40": "gl500",
}
USUAL = "gl300"
OPERATIONS = {Locate: "1", Reboot: "3"}

_ID = re.compile(r"[0-9A-F]{14,15}", re.ASCII)
_SENT = re.compile(rb"AT\+GTRTO=(?P<password>\w{4,20}),[0-9A-F],,,,,,(?P<serial>[0-9A-F]{4})\$")
_HEARD = re.compile(rb"\+(?:RESP|BUFF|ACK):GT[A-Z0-9]{3},(?P<version>[0-9A-Z]{2})[0-9A-Z]{4},")


def words(command: Command, device: str) -> bytes | None:
    """Return the operation, under the password of the model if it is known, else of the commonest pendant."""
    operation = OPERATIONS.get(type(command.order))  # type: ignore[arg-type]
    if operation is None or not _ID.fullmatch(device):
        return None
    model = re.sub(r"[^a-z0-9]", "", (command.model or "").lower()).removeprefix("queclink")
    password = next((known for known in PASSWORDS.values() if model.startswith(known)), USUAL)
    return f"AT+GTRTO={password},{operation},,,,,,{command.number & 0xFFFF:04X}$".encode("ascii")


def readdress(payload: bytes, heard: bytes) -> bytes:
    """Return an operation of ours under the password of the model that a report is from."""
    ours, its = _SENT.fullmatch(payload), _HEARD.match(heard)
    password = PASSWORDS.get(its["version"].decode("ascii")) if its is not None else None
    if ours is None or password is None:
        return payload
    return payload[: ours.start("password")] + password.encode("ascii") + payload[ours.end("password") :]


def answer(sent: bytes, frame: bytes) -> Answer | None:
    """Return the acknowledgement that repeats our serial number."""
    ours = _SENT.fullmatch(sent)
    fields = frame.decode("latin-1").strip().rstrip("$").split(",")
    if ours is None or fields[0] != "+ACK:GTRTO" or len(fields) < 7 or fields[-3] != ours["serial"].decode("ascii"):
        return None
    return Answer(words=",".join(("GTRTO", *fields[4:-2])))
