"""How often a page is tried again, and when: one table, no clock."""

from alerts.model import Purpose, Severity
from hub.channels.channel import Outcome

FIRST_AGAIN_S = 1.0
LAST_AGAIN_S = 15.0  # the pauses double up to this
REFUSED_AGAIN_S = 10.0  # "not signed in", "no such number": may have changed by then
ATTEMPTS: dict[Severity, int | None] = {  # in the order of severity: the store counts from 1
    Severity.CRITICAL: None,  # while the incident is open and nobody has it, never given up
    Severity.HIGH: None,
    Severity.MEDIUM: 20,
    Severity.LOW: 8,
    Severity.TECHNICAL: 5,
}
ATTEMPTS_WORDS = 8  # a stand-down or a notice nobody can receive calls nobody


def pause_s(severity: Severity, purpose: Purpose, outcome: Outcome, attempts: int) -> float | None:
    """Return the seconds until the next attempt; None: this page is given up.

    Args:
        attempts: how often it was tried, this time included, ≥ 1.
    """
    limit = ATTEMPTS[severity] if purpose is Purpose.ALARM else ATTEMPTS_WORDS
    if limit is not None and attempts >= limit:
        return None
    if outcome is Outcome.REFUSED:
        return REFUSED_AGAIN_S if limit is None else None
    return min(LAST_AGAIN_S, FIRST_AGAIN_S * 2.0 ** min(attempts - 1, 10))
