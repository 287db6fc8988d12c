"""Monthly visits (月探访): what counts as one. One table, read by the ledger and shown on its page."""

from typing import Final

# How and with what outcome a contact counts. A door behind which nobody was met, a telephone nobody answered, and a
# device that reports are no contact with her.
COUNTS: Final = frozenset({("visit", "met"), ("phone", "spoke"), ("video", "spoke")})
NEED_EVIDENCE: Final = frozenset({"visit"})  # a form, a photo, a checked work order or a case: else it is only said
HOWS: Final = ("visit", "phone", "video")
OUTCOMES: Final = ("met", "spoke", "no_answer", "not_home", "declined")
REASONS: Final = ("alone", "empty_nest", "left_behind", "disabled", "hardship", "bereaved")
# Cases that prove a contact by themselves: somebody stood at her door and found her, or she was spoken with.
MET_ENDINGS: Final = ("treated_home", "lifted", "found_well", "forced_entry", "reassured", "service", "hospital")
SPOKE_ENDINGS: Final = ("reassured", "service", "accidental", "test")
BOOKED_FROM_DAY: Final = 20  # from this day of the month on, whoever was not reached has a visit booked
SILENT_HOURS: Final = 24  # a device of hers that is silent for so long books one at once
SILENT_DUE_DAYS: Final = 2


def counts(how: str, outcome: str, *, proved: bool) -> bool:
    """Return whether a contact is the month's."""
    return (how, outcome) in COUNTS and (proved or how not in NEED_EVIDENCE)
