"""What a device says outright: SOS, fall, smoke, gas, water, tamper, low battery. One message in, alert drafts out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.model import AlertKind, Severity
from devices.telemetry import Observation, Quality, Stage, Telemetry, TimeQuality

COUNTDOWN_S = 15.0  # how long a wearer may cancel a suspected fall


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An alert without what only the shell knows: device, resident, area, the hub's clock.

    `rule` + `identity` name the finding within its device; `identity` is None when the device sends nothing that
    makes a repeat recognisable.
    """

    kind: AlertKind
    severity: Severity
    rule: str
    identity: str | None
    measured_at: datetime | None
    countdown_s: float = 0.0  # > 0: the wearer is asked first
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """The device took an alarm of this kind back (cancel key, countdown stopped by the wearer, alarm over)."""

    kind: AlertKind
    stage: Stage
    identity: str | None
    measured_at: datetime | None
    native: str | None = None  # in the device's own words


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What one message gives reason for. `drafts` are sorted worst first."""

    drafts: tuple[Draft, ...] = ()
    cancels: tuple[Cancel, ...] = ()


NOTHING = Heard()

# Observation code -> kind, severity, rule. `alarm.general` is an alarm without a reason (a 3G watch's AL with no status
# bit): somebody may have pressed, so it rings like a press.
CODES: Mapping[str, tuple[AlertKind, Severity, str]] = {
    "alarm.sos": (AlertKind.SOS, Severity.CRITICAL, "E1"),
    "alarm.general": (AlertKind.SOS, Severity.CRITICAL, "E1"),
    "alarm.smoke": (AlertKind.SMOKE, Severity.CRITICAL, "E1"),
    "alarm.fire": (AlertKind.SMOKE, Severity.CRITICAL, "E1"),
    "alarm.gas": (AlertKind.GAS, Severity.CRITICAL, "E1"),
    "alarm.carbon_monoxide": (AlertKind.GAS, Severity.CRITICAL, "E1"),
    "alarm.water_leak": (AlertKind.WATER, Severity.CRITICAL, "E1"),
    "alarm.fall": (AlertKind.FALL, Severity.HIGH, "E1"),
    "alarm.man_down": (AlertKind.FALL, Severity.HIGH, "E1"),
    # Somebody who strays, or has not stirred for as long as the device was told to wait.
    "alarm.wandering": (AlertKind.SOS, Severity.HIGH, "E1"),
    "alarm.inactivity": (AlertKind.SOS, Severity.HIGH, "E1"),
    "alarm.burglar": (AlertKind.SOS, Severity.HIGH, "E1"),  # a door or a window was forced, a pane broke
    "alarm.tamper": (AlertKind.DEVICE, Severity.TECHNICAL, "T5"),
    "alarm.tampering": (AlertKind.DEVICE, Severity.TECHNICAL, "T5"),
    "alarm.removed": (AlertKind.DEVICE, Severity.TECHNICAL, "T1"),
    "battery.low": (AlertKind.DEVICE, Severity.TECHNICAL, "T2"),
}
CALL_BUTTON = (AlertKind.SOS, Severity.CRITICAL, "E1")
BUTTONS = frozenset({"button.press", "button.pressed", "rf.code"})
OVER = frozenset({Stage.CANCELLED, Stage.ENDED})
CERTAIN = frozenset({Stage.CONFIRMED, Stage.CALLING})


def hear(message: Telemetry, *, call_button: bool = False, countdown_s: float = COUNTDOWN_S) -> Heard:
    """Return the alerts and cancels that a message states outright.

    Args:
        message: one decoded message. Only observations of quality `ok` count: a retained state, a bridge's replay or
            an unconfirmed grammar never rings.
        call_button: the device is bound as a call button, so that any press of it is an SOS.
        countdown_s: time the wearer has to cancel a fall that the device itself does not call confirmed.
    """
    drafts: dict[tuple[AlertKind, str], Draft] = {}
    cancels: list[Cancel] = []
    for seen in message.observations:
        meaning = CALL_BUTTON if call_button and seen.code in BUTTONS else CODES.get(seen.code)
        if meaning is None or seen.quality is not Quality.OK:
            continue
        kind, _severity, rule = meaning
        if seen.stage in OVER:
            at = _measured_at(message, seen)
            cancels.append(
                Cancel(kind=kind, stage=seen.stage, identity=message.identity, measured_at=at, native=seen.native)
            )
        elif _states(seen):
            draft = _draft(message, seen, meaning, countdown_s)
            known = drafts.get((kind, rule))
            if known is None or (draft.severity, draft.countdown_s) < (known.severity, known.countdown_s):
                drafts[kind, rule] = draft
    if not drafts and not cancels:
        return NOTHING
    return Heard(
        drafts=tuple(sorted(drafts.values(), key=lambda d: (d.severity, d.countdown_s))), cancels=tuple(cancels)
    )


def _states(seen: Observation) -> bool:
    # null and "" mean unknown; false and 0 mean not alarming now, which never clears: the operator does.
    # A button says which press it was ("single", 1); only an empty word is no press.
    return seen.value is not None and seen.value is not False and seen.value not in ("", 0)


def _measured_at(message: Telemetry, seen: Observation) -> datetime | None:
    """When it was by the device's clock; None where that cannot be believed.

    A press of now by a clock that was reset to 1970 is no press of fifty years ago.
    """
    at, quality = message.measured_at, message.time_quality
    if seen.measured_at is not None:
        at, quality = seen.measured_at, seen.time_quality or TimeQuality.DEVICE
    return None if quality is TimeQuality.SUSPECT else at


def _draft(
    message: Telemetry, seen: Observation, meaning: tuple[AlertKind, Severity, str], countdown_s: float
) -> Draft:
    (kind, severity, rule), wait_s = meaning, 0.0
    if kind is AlertKind.FALL:
        certain = seen.stage in CERTAIN
        severity, wait_s = (Severity.CRITICAL, 0.0) if certain else (severity, countdown_s)
    facts = {"code": seen.code, "stage": seen.stage, "native": seen.native, "channel": seen.channel}
    return Draft(
        kind=kind,
        severity=severity,
        rule=rule,
        identity=message.identity,
        measured_at=_measured_at(message, seen),
        countdown_s=wait_s,
        evidence={name: str(value) for name, value in facts.items() if value is not None},
    )
