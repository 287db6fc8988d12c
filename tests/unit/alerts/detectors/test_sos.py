"""What a device says outright, told as alerts."""

from datetime import UTC, datetime

import pytest

from alerts.detectors import hear
from alerts.detectors.sos import COUNTDOWN_S
from alerts.model import AlertKind, Severity
from devices.telemetry import Observation, Quality, Stage, Telemetry, TimeQuality

AT = datetime(2026, 11, 21, 2, 14, 7, tzinfo=UTC)


def says(*observations: Observation, identity: str | None = "press-7") -> Telemetry:
    return Telemetry(
        device="carehub:w-1", adapter="test/1", observations=observations, measured_at=AT, identity=identity
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("alarm.sos", AlertKind.SOS),
        ("alarm.general", AlertKind.SOS),
        ("alarm.smoke", AlertKind.SMOKE),
        ("alarm.fire", AlertKind.SMOKE),
        ("alarm.gas", AlertKind.GAS),
        ("alarm.carbon_monoxide", AlertKind.GAS),
        ("alarm.water_leak", AlertKind.WATER),
    ],
)
def test_alarm_rings_at_once(code: str, kind: AlertKind) -> None:
    (draft,) = hear(says(Observation(code=code, value=True, native="AL"))).drafts
    assert (draft.kind, draft.severity, draft.rule, draft.countdown_s) == (kind, Severity.CRITICAL, "E1", 0)
    assert (draft.identity, draft.measured_at) == ("press-7", AT)
    assert draft.evidence == {"code": code, "native": "AL"}


@pytest.mark.parametrize("quality", [q for q in Quality if q is not Quality.OK])
def test_sos_of_doubtful_quality_never_rings(quality: Quality) -> None:
    heard = hear(says(Observation(code="alarm.sos", value=True, quality=quality)))
    assert not heard.drafts
    assert not heard.cancels


@pytest.mark.parametrize("value", [False, None, "", 0])
def test_alarm_that_is_off_or_unknown_neither_rings_nor_cancels(value: bool | str | int | None) -> None:
    heard = hear(says(Observation(code="alarm.gas", value=value)))
    assert not heard.drafts
    assert not heard.cancels


@pytest.mark.parametrize("stage", [None, Stage.SUSPECTED])
def test_suspected_fall_asks_the_wearer_first(stage: Stage | None) -> None:
    (draft,) = hear(says(Observation(code="alarm.fall", value=True, stage=stage))).drafts
    assert (draft.kind, draft.severity, draft.countdown_s) == (AlertKind.FALL, Severity.HIGH, COUNTDOWN_S)


@pytest.mark.parametrize("stage", [Stage.CONFIRMED, Stage.CALLING])
def test_confirmed_fall_rings_at_once(stage: Stage) -> None:
    (draft,) = hear(says(Observation(code="alarm.fall", value=True, stage=stage))).drafts
    assert (draft.severity, draft.countdown_s) == (Severity.CRITICAL, 0)


@pytest.mark.parametrize("stage", [Stage.CANCELLED, Stage.ENDED])
@pytest.mark.parametrize("value", [True, False])
def test_cancelled_fall_is_a_cancel_and_no_alert(stage: Stage, value: bool) -> None:
    heard = hear(says(Observation(code="alarm.fall", value=value, stage=stage)))
    assert not heard.drafts
    assert [(c.kind, c.stage, c.identity) for c in heard.cancels] == [(AlertKind.FALL, stage, "press-7")]


def test_sos_with_low_battery_gives_both_worst_first() -> None:
    drafts = hear(says(Observation(code="battery.low", value=True), Observation(code="alarm.sos", value=True))).drafts
    assert [(d.kind, d.severity, d.rule) for d in drafts] == [
        (AlertKind.SOS, Severity.CRITICAL, "E1"),
        (AlertKind.DEVICE, Severity.TECHNICAL, "T2"),
    ]


def test_fall_and_sos_in_one_message_are_two_alerts() -> None:
    drafts = hear(says(Observation(code="alarm.fall", value=True), Observation(code="alarm.sos", value=True))).drafts
    assert [d.kind for d in drafts] == [AlertKind.SOS, AlertKind.FALL]


def test_one_fall_said_twice_is_one_alert_at_its_worst() -> None:
    drafts = hear(
        says(
            Observation(code="alarm.man_down", value=True),
            Observation(code="alarm.fall", value=True, stage=Stage.CONFIRMED),
        )
    ).drafts
    assert [(d.kind, d.countdown_s) for d in drafts] == [(AlertKind.FALL, 0)]


def test_press_of_any_kind_on_a_call_button_is_an_sos() -> None:
    press = says(Observation(code="button.press", value="single", channel="1"))
    assert not hear(press).drafts
    (draft,) = hear(press, call_button=True).drafts
    assert (draft.kind, draft.evidence["channel"]) == (AlertKind.SOS, "1")


def test_radio_code_rings_only_where_it_is_registered_as_a_call_button() -> None:
    heard = says(Observation(code="rf.code", value="0x5A3C11"), identity=None)
    assert not hear(heard).drafts
    assert [draft.kind for draft in hear(heard, call_button=True).drafts] == [AlertKind.SOS]


@pytest.mark.parametrize("code", ["alarm.wandering", "alarm.inactivity"])
def test_somebody_who_strays_or_does_not_stir_rings_below_a_call(code: str) -> None:
    (draft,) = hear(says(Observation(code=code, value=True, stage=Stage.SUSPECTED))).drafts
    assert (draft.kind, draft.severity) == (AlertKind.SOS, Severity.HIGH)


def test_message_without_alarms_gives_nothing() -> None:
    heard = hear(says(Observation(code="vital.heart_rate", value=150), Observation(code="alarm.movement", value=True)))
    assert not heard.drafts
    assert not heard.cancels


def test_press_without_identity_keeps_none() -> None:
    (draft,) = hear(says(Observation(code="alarm.sos", value=True), identity=None)).drafts
    assert draft.identity is None


def test_press_by_a_clock_that_was_reset_is_of_now_and_not_of_fifty_years_ago() -> None:
    long_ago = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)
    by_message = Telemetry(
        device="carehub:w-1", adapter="test/1", observations=(Observation(code="alarm.sos", value=True),),
        measured_at=long_ago, time_quality=TimeQuality.SUSPECT,
    )  # fmt: skip
    by_reading = says(Observation(code="alarm.sos", value=True, measured_at=long_ago, time_quality=TimeQuality.SUSPECT))
    assert [draft.measured_at for said in (by_message, by_reading) for draft in hear(said).drafts] == [None, None]
