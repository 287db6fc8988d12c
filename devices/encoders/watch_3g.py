"""The 3G*/SG*/CS*/ZJ* watch's commands: what stands between the length and the bracket, and the echo that answers it.

Source: the vendors' server protocol. `hrtstart` measures once for 1, and again and again from 300 s on.
"""

from devices.adapter import Command
from devices.orders import Call, Contacts, Find, Interval, Locate, Measure, Reboot, Report, Vital

LONGEST_TEXT = 60  # characters a watch's screen takes
ONCE = 1
HEART_RATE_S = (300, 65_535)
UPLOAD_MOST_S = 65_535
SOS_NUMBERS = 3
BARE = {Locate: "CR", Find: "FIND", Reboot: "RESET"}


def content(command: Command) -> str | None:
    """Return the command's word and its fields, or None if this watch has no word for it."""
    said: str | None = None
    match command.order:
        case None:
            said = f"MESSAGE,{command.text[:LONGEST_TEXT].encode('utf-16-be', 'replace').hex().upper()}"
        case Locate() | Find() | Reboot():
            said = BARE[type(command.order)]
        case Call(number):
            said = f"CALL,{number}"
        case Measure(Vital.HEART_RATE):
            said = f"hrtstart,{ONCE}"
        case Interval(seconds, Report.HEART_RATE) if HEART_RATE_S[0] <= seconds <= HEART_RATE_S[1]:
            said = f"hrtstart,{seconds}"
        case Interval(seconds, Report.POSITION) if seconds <= UPLOAD_MOST_S:
            said = f"UPLOAD,{seconds}"
        case Contacts(numbers):
            said = ",".join(("SOS", *numbers, *[""] * (SOS_NUMBERS - len(numbers))))
    return said
