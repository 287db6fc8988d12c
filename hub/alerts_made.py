"""Alerts, of what the pure code found and of what only the shell knows: device, resident, area, the hub's clock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.detectors.detector import Finding
from alerts.model import Alert, AlertKind, Severity
from hub import clock
from hub.device_table import NONE, DeviceTable
from hub.ingress.arrival import Arrival
from hub.store.telemetry import clean, moment


def alert_of(
    table: DeviceTable, row: int, *, kind: AlertKind, severity: Severity, rule: str, identity: str, at: datetime,
    named: str | None = None, measured_at: datetime | None = None, countdown_s: float = 0.0,
    evidence: Mapping[str, Any] | None = None,
) -> Alert:  # fmt: skip
    """Return the alert about one device's finding; the same finding has the same id whenever it is made."""
    device_id = int(table.device_id[row])
    return Alert(
        alert_id=f"{device_id}:{kind}:{rule}:{identity}", kind=kind, severity=severity, raised_at=at, rule=rule,
        measured_at=measured_at, device_id=device_id, resident_id=table.resident(row), area=table.area[row],
        identity=named, countdown_s=countdown_s, test=table.in_test(row, int(at.timestamp() * 1000)),
        evidence={key: clean(value) if isinstance(value, str) else value for key, value in (evidence or {}).items()},
    )  # fmt: skip


def finding_alert(table: DeviceTable, finding: Finding, now: datetime) -> Alert:
    """Return the alert for what a detector noticed."""
    return alert_of(
        table, finding.row, kind=finding.kind, severity=finding.severity, rule=finding.rule, identity=finding.identity,
        at=now, measured_at=moment(finding.at_ms), countdown_s=finding.countdown_s,
        evidence=finding.evidence,
    )  # fmt: skip


def unread_alert(arrival: Arrival, table: DeviceTable, error: str) -> Alert:
    """Return the technical alert about an alarm-capable message nobody could read: one a topic and hour."""
    parts = arrival.topic.split("/")
    row = table.row_of.get(f"carehub:{parts[1]}", NONE) if parts[0] == "carehub" and len(parts) > 2 else NONE
    known = row != NONE
    hour = arrival.received_ms // 3_600_000
    return Alert(
        alert_id=f"unreadable:{arrival.topic[:200]}:{hour}", kind=AlertKind.DEVICE, severity=Severity.TECHNICAL,
        raised_at=moment(arrival.received_ms), device_id=int(table.device_id[row]) if known else None,
        resident_id=table.resident(row) if known else None, area=table.area[row] if known else "", rule="unreadable",
        evidence={"topic": arrival.topic[:200].replace("\x00", ""), "error": error[:200].replace("\x00", "")},
    )  # fmt: skip


def system_alert(rule: str, text: str) -> Alert:
    """Return a technical alert about the hub or a way in: one a rule and ten minutes."""
    now_ms = clock.now_ms()
    return Alert(
        alert_id=f"system:{rule}:{now_ms // 600_000}", kind=AlertKind.SYSTEM, severity=Severity.TECHNICAL,
        raised_at=moment(now_ms), rule=rule, evidence={"text": text[:500]},
    )  # fmt: skip
