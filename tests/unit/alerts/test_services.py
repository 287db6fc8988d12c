"""Which service is called for what, what is read out, and that calling twice is calling once."""

import pytest

from alerts.events import Called
from alerts.model import AlertKind, Role, Service, State
from alerts.services import KEYS, Happened, Scene, propose, script
from tests.unit.alerts.duty import AMBULANCE, GUARD, XIAO_LI, sos

K = AlertKind
SCENE = Scene(
    address="和平里 3 号楼 2 单元 501", entrance="电梯到 5 楼右手", key_place="物业前台", age=82,
    happened="跌倒 + 呼救", presses=3, no_speech=True, hazards=("有狗",), medical=("心衰",), call_back="0951 120 0000",
)  # fmt: skip


@pytest.mark.parametrize(
    ("happened", "services"),
    [
        (Happened(kinds={K.SMOKE}), ["119 smoke", "120 smoke"]),
        (Happened(kinds={K.GAS, K.SOS}), ["119 gas", "120 gas"]),
        (Happened(kinds={K.SOS}), ["120 sos"]),
        (Happened(kinds={K.SOS, K.FALL}), ["120 fall"]),
        (Happened(kinds={K.VITALS}), ["120 vitals"]),
        (Happened(kinds={K.SOS}, no_speech=True), ["120 no_speech"]),
        (Happened(kinds={K.SMOKE}, no_speech=True), ["119 smoke", "120 smoke"]),
        (Happened(kinds={K.DEVICE}, codes={"alarm.intrusion"}), ["110 crime"]),
        (Happened(kinds={K.SOS}, fraud=True), ["120 sos", "110 crime"]),
        (Happened(kinds={K.WATER}), []),
        (Happened(kinds={K.SILENCE, K.DEVICE, K.SYSTEM}), []),
    ],
)
def test_what_happened_proposes_whom_to_call(happened: Happened, services: list[str]) -> None:
    assert [f"{p.service} {p.because}" for p in propose(happened)] == services


def test_service_on_the_line_is_not_proposed_again() -> None:
    assert [p.service for p in propose(Happened(kinds={K.SMOKE}), [Service.FIRE])] == [Service.AMBULANCE]


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
