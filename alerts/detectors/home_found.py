"""What is found in a home, as a finding: its kind follows from its rule."""

from collections.abc import Mapping

from alerts.detectors.detector import Finding
from alerts.detectors.home_signs import MINUTE_MS
from alerts.model import AlertKind, Severity

KINDS = {
    **dict.fromkeys(("B0", "B1", "B2", "B3"), AlertKind.STILLNESS),
    **dict.fromkeys(("B4", "B6"), AlertKind.ROUTINE),
    "B7": AlertKind.WANDERING,
}


def finding(row: int, severity: Severity, at_min: int, identity: str, evidence: Mapping[str, object]) -> Finding:
    """Return a finding; its identity begins with the rule, `at_min` is when it began to hold."""
    rule = identity.partition(":")[0]
    return Finding(
        row=row,
        rule=rule,
        kind=KINDS[rule],
        severity=severity,
        at_ms=at_min * MINUTE_MS,
        identity=identity,
        evidence=evidence,
    )
