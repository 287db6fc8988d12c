"""Who may see what in a page, and links that name one page."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from alerts.model import Purpose, Role, Severity
from hub import links
from hub.channels.channel import Outcome
from hub.channels.wording import compose
from hub.links import LinkError
from hub.loops.retries import pause_s

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
KEY = "a key that only tests have"
ROW: dict[str, Any] = {
    "id": 7, "incident_id": 3, "round": 0, "step": 1, "person_id": 5, "role": "third_party", "channel": "webhook",
    "address": "http://x/", "purpose": "alarm", "due_at": NOW, "attempts": 1, "urgent": True, "now": NOW,
    "language": "zh-CN", "kind": "sos", "severity": 1, "state": "open", "test": False, "opened_at": NOW, "presses": 1,
    "no_speech": False,
    "area": "和平社区", "device_id": 1, "responder_role": None, "created_at": NOW, "resident_id": 1, "name": "王秀兰",
    "home": "和平社区 3 号楼 501", "entrance": "五楼，无电梯", "key_place": "物业值班室", "risks": ["heart_failure",
    "dog"],
    "phone": "000 0000 0501", "spoken": "宁夏话",
}  # fmt: skip


def said(**changes: Any) -> str:
    page = compose(ROW | changes, public_url="http://hub.test/", link_key=KEY)
    return msgspec.json.encode({"text": page.text, "body": page.body}).decode()


def test_retired_device_is_said_to_be_one_and_whose_it_was_to_who_may_know() -> None:
    nobodys = {"resident_id": None, "name": None, "home": None}
    stray = {**nobodys, "retired_of": "王秀兰", "retired_home": "和平社区 3 号楼 501"}
    assert "已停用的设备（原属王秀兰）" in (text := said(role="operator", **stray))
    assert "3 号楼 501" in text
    assert "a retired device" in (text := said(language="en", **stray))
    assert "王秀兰" not in text
    assert "未登记的设备" in said(role="operator", **nobodys)


def test_rider_sees_address_and_hazards_and_never_name_or_diagnosis() -> None:
    text = said()
    assert "和平社区 3 号楼 501" in text
    assert '"hazards":["dog"]' in text
    assert "王秀兰" not in text
    assert "heart_failure" not in text
    assert "物业值班室" not in text


def test_rider_does_not_learn_that_a_vital_sign_was_the_reason() -> None:
    assert "vitals" not in said(kind="vitals")
    assert "vitals" in said(kind="vitals", role="family")


def test_ambulance_sees_the_diagnosis_and_family_does_not() -> None:
    assert "heart_failure" in said(role="ambulance")
    assert "heart_failure" not in said(role="family")


@pytest.mark.parametrize("role", list(Role))
def test_no_page_carries_a_door_code(role: Role) -> None:
    body = json.loads(said(role=str(role)))["body"]
    assert "door_code" not in body["resident"]


def test_page_speaks_the_persons_language() -> None:
    assert json.loads(said(role="family"))["text"] == "【紧急】王秀兰一键呼叫，请立即回应：和平社区 3 号楼 501"
    assert json.loads(said(role="family", language="en", name="Wang"))["text"].startswith(
        "URGENT: Wang – called for help"
    )


def test_test_press_says_so_first() -> None:
    assert json.loads(said(role="operator", test=True))["text"].startswith("【测试】")


def test_orphan_device_has_no_resident() -> None:
    body = json.loads(said(role="operator", resident_id=None, name=None, home=None, risks=None))["body"]
    assert body["resident"] is None
    assert "未登记的设备" in body["text"]


def test_link_names_its_page_until_it_expires() -> None:
    url = json.loads(said())["body"]["answer_url"]
    token = url.removeprefix("http://hub.test/r/")
    assert links.check(KEY, token, NOW) == 7
    with pytest.raises(LinkError, match="too old"):
        links.check(KEY, token, NOW + timedelta(hours=13))


@pytest.mark.parametrize(
    "change", [lambda t: t[:-2], lambda t: "B" + t[1:], lambda t: t + "AA", lambda t: "é" + t, lambda t: ""]
)
def test_changed_link_leads_nowhere(change: Any) -> None:
    token = links.make(KEY, 7, NOW)
    with pytest.raises(LinkError):
        links.check(KEY, change(token), NOW)


def test_link_of_another_hub_leads_nowhere() -> None:
    with pytest.raises(LinkError, match="not ours"):
        links.check("a key of another hub", links.make(KEY, 7, NOW), NOW)


def test_hub_without_a_key_gives_no_link() -> None:
    page = compose(ROW, public_url="http://hub.test", link_key="")
    assert page.body["answer_url"] == ""


@pytest.mark.parametrize(
    ("severity", "purpose", "outcome", "attempts", "again_s"),
    [
        (Severity.CRITICAL, Purpose.ALARM, Outcome.FAILED, 1, 1.0),
        (Severity.CRITICAL, Purpose.ALARM, Outcome.FAILED, 4, 8.0),
        (Severity.CRITICAL, Purpose.ALARM, Outcome.FAILED, 5_000, 15.0),
        (Severity.HIGH, Purpose.ALARM, Outcome.REFUSED, 5_000, 10.0),
        (Severity.MEDIUM, Purpose.ALARM, Outcome.REFUSED, 1, None),
        (Severity.MEDIUM, Purpose.ALARM, Outcome.FAILED, 20, None),
        (Severity.TECHNICAL, Purpose.ALARM, Outcome.FAILED, 4, 8.0),
        (Severity.TECHNICAL, Purpose.ALARM, Outcome.FAILED, 5, None),
        (Severity.CRITICAL, Purpose.STAND_DOWN, Outcome.FAILED, 8, None),
    ],
)
def test_page_is_tried_again_within_the_limits_of_its_severity(
    severity: Severity, purpose: Purpose, outcome: Outcome, attempts: int, again_s: float | None
) -> None:
    assert pause_s(severity, purpose, outcome, attempts) == again_s
