"""How often a page is tried again, and when: one table, no clock."""

from alerts.model import Purpose, Severity
from hub.channels.channel import Outcome

FIRST_AGAIN_S = 1.0
LAST_AGAIN_S = 15.0  # the pauses double up to this
LONGEST_WISH_S = 60.0  # of a provider that limits us: it lets a number be called once a minute
REFUSED_AGAIN_S = 10.0  # "not signed in", "no such number": may have changed by then
ATTEMPTS: dict[Severity, int | None] = {  # in the order of severity: the store counts from 1
    Severity.CRITICAL: None,  # while the incident is open and nobody has it, never given up
    Severity.HIGH: None,
    Severity.MEDIUM: 20,
    Severity.LOW: 8,
    Severity.TECHNICAL: 5,
}
ATTEMPTS_WORDS = 8  # a stand-down or a notice nobody can receive calls nobody


def pause_s(
    severity: Severity, purpose: Purpose, outcome: Outcome, attempts: int, not_before_s: float = 0.0
) -> float | None:
    """Return the seconds until the next attempt; None: this page is given up.

    Args:
        attempts: how often it was tried, this time included, ≥ 1.
        not_before_s: how long the other side asked us to wait; heard up to a limit.
    """
    limit = ATTEMPTS[severity] if purpose is Purpose.ALARM else ATTEMPTS_WORDS
    if limit is not None and attempts >= limit:
        return None
    wish_s = min(not_before_s, LONGEST_WISH_S)
    if outcome is Outcome.REFUSED:
        return max(REFUSED_AGAIN_S, wish_s) if limit is None else None
    return max(min(LAST_AGAIN_S, FIRST_AGAIN_S * 2.0 ** min(attempts - 1, 10)), wish_s)
