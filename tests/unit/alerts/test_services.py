"""Which service is called for what, what is read out, and that calling twice is calling once."""

import pytest

from alerts.detectors.sos import CODES
from alerts.events import Called
from alerts.model import AlertKind, Role, Service, State
from alerts.services import KEYS, POLICE, Happened, Scene, propose, script
from tests.unit.alerts.duty import AMBULANCE, GUARD, XIAO_LI, sos

K = AlertKind
SCENE = Scene(
    address="和平里 3 号楼 2 单元 501", entrance="电梯到 5 楼右手", key_place="物业前台", age=82,
    happened="跌倒 + 呼救", presses=3, no_speech=True, hazards=("有狗",), medical=("心衰",), call_back="0951 120 0000",
)  # fmt: skip


CALLED_FOR = {
    "alarm.sos": "120 sos",
    "alarm.general": "120 sos",
    "alarm.smoke": "119 smoke, 120 smoke",
    "alarm.fire": "119 smoke, 120 smoke",
    "alarm.gas": "119 gas, 120 gas",
    "alarm.carbon_monoxide": "119 gas, 120 gas",
    "alarm.water_leak": "",
    "alarm.fall": "120 fall",
    "alarm.man_down": "120 fall",
    "alarm.wandering": "110 strays",
    "alarm.inactivity": "120 sos",
    "alarm.burglar": "110 burglar",
    "alarm.tamper": "",
    "alarm.tampering": "",
    "alarm.removed": "",
    "battery.low": "",
}


def proposed(happened: Happened, *joined: Service) -> str:
    return ", ".join(f"{p.service} {p.because}" for p in propose(happened, joined))


def test_every_word_that_raises_an_alarm_calls_for_somebody_or_nobody_on_purpose() -> None:
    """A new word of the devices has to be thought about here; none is proposed for that nothing can raise."""
    assert set(CALLED_FOR) == set(CODES)
    assert set(POLICE) <= set(CODES)
    assert {code: proposed(Happened(alerts=[(kind, code)])) for code, (kind, *_) in CODES.items()} == CALLED_FOR


@pytest.mark.parametrize(
    ("happened", "services"),
    [
        (Happened(alerts=[(K.GAS, "alarm.gas"), (K.SOS, "alarm.sos")]), "119 gas, 120 gas"),
        (Happened(alerts=[(K.SOS, ""), (K.FALL, "")]), "120 fall"),
        (Happened(alerts=[(K.VITALS, "")]), "120 vitals"),
        (Happened(alerts=[(K.SOS, "")], no_speech=True), "120 no_speech"),
        (Happened(alerts=[(K.SMOKE, "")], no_speech=True), "119 smoke, 120 smoke"),
        (Happened(alerts=[(K.SOS, "alarm.burglar")], no_speech=True), "120 no_speech, 110 burglar"),
        (Happened(alerts=[(K.SOS, "alarm.burglar"), (K.SOS, "alarm.sos")]), "120 sos, 110 burglar"),
        (Happened(alerts=[(K.SILENCE, ""), (K.DEVICE, ""), (K.SYSTEM, "")]), ""),
    ],
)
def test_what_happened_together_proposes_whom_to_call(happened: Happened, services: str) -> None:
    assert proposed(happened) == services


def test_service_on_the_line_is_not_proposed_again() -> None:
    assert proposed(Happened(alerts=[(K.SMOKE, "")]), Service.FIRE) == "120 smoke"


def test_every_service_has_a_key_of_its_own() -> None:
    assert set(KEYS) == set(Service)
    assert len(set(KEYS.values())) == len(Service)


def test_script_says_first_where_and_last_how_to_call_back() -> None:
    lines = script(Service.AMBULANCE, SCENE)
    assert lines[0] == "地址：和平里 3 号楼 2 单元 501"
    assert "情况：跌倒 + 呼救，按了 3 次，现在没有应答" in lines
    assert lines[-1] == "回电：0951 120 0000"


def test_diagnosis_is_read_to_120_alone() -> None:
    assert any("心衰" in line for line in script(Service.AMBULANCE, SCENE))
    for service in (Service.FIRE, Service.POLICE):
        assert not any("心衰" in line for line in script(service, SCENE))
        assert any("有狗" in line for line in script(service, SCENE))


def test_script_without_an_address_says_so_and_leaves_no_empty_line() -> None:
    assert script(Service.FIRE, Scene(address=""), "en") == ("Address unknown: locate this call, and wait for mine",)


def test_services_are_kept_in_the_order_they_were_joined() -> None:
    night = sos()
    night.takes(XIAO_LI)
    night.does(Called(by=XIAO_LI, service=Service.FIRE))
    night.does(Called(by=XIAO_LI, service=Service.AMBULANCE, reference="4711"))
    assert night.incident.services == (Service.FIRE, Service.AMBULANCE)
    assert night.incident.state is State.TAKEN
    assert "4711" not in str(night.last.reasons)  # what the service calls it is words, and lies in a note


def test_same_service_twice_is_one_call() -> None:
    night = sos()
    night.does(Called(by=XIAO_LI, service=Service.AMBULANCE))
    version = night.incident.version
    again = night.does(Called(by=XIAO_LI, service=Service.AMBULANCE, reference="4712"))
    assert (again.incident.version, again.reasons) == (version, ())


def test_guard_does_not_speak_for_the_desk() -> None:
    assert sos().refuses(Called(by=GUARD, service=Service.AMBULANCE)) == "not_an_operator"
    assert sos().refuses(Called(by=999, at_desk=False, service=Service.AMBULANCE)) == "not_an_operator"


def test_120_on_the_line_is_not_called_by_itself_when_the_last_step_rings() -> None:
    night = sos()
    night.does(Called(by=XIAO_LI, service=Service.AMBULANCE))
    night.until("02:30:00")
    assert night.incident.step == night.incident.policy.last
    assert not any(p.person_id == AMBULANCE or p.role is Role.AMBULANCE for p in night.sent)


def test_without_an_answer_120_is_called_by_itself() -> None:
    assert any(p.role is Role.AMBULANCE for p in sos().until("02:30:00").sent)
