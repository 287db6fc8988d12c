"""Who may see what in a page: one line a role, so that a new role must be decided before anything goes out to it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from alerts.model import Role
from hub.channels.wording import compose

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
ROW: dict[str, Any] = {
    "id": 7, "incident_id": 3, "round": 0, "step": 1, "person_id": 5, "role": "family", "channel": "webhook",
    "address": "http://x/", "purpose": "alarm", "due_at": NOW, "attempts": 1, "urgent": True, "now": NOW,
    "language": "zh-CN", "kind": "vitals", "severity": 1, "state": "open", "test": False, "opened_at": NOW,
    "presses": 1, "no_speech": False, "area": "和平社区", "device_id": 1, "responder_role": None,
    "created_at": NOW, "resident_id": 1,
    "name": "王秀兰", "home": "3 号楼 501", "entrance": "五楼，无电梯", "key_place": "物业值班室",
    "risks": ["dementia", "dog", "oxygen"], "phone": "000 0000 0501", "spoken": "宁夏话", "door_code": "5013#",
}  # fmt: skip
EVERYBODY = {"address", "entrance", "hazards", "speaks"}
NAMED = EVERYBODY | {"name", "phone"}
TABLE: dict[Role, tuple[set[str], str]] = {
    Role.FAMILY: (NAMED, "vitals"),
    Role.OPERATOR: (NAMED | {"key_place", "risks"}, "vitals"),
    Role.COMMUNITY: (NAMED | {"key_place"}, "sos"),
    Role.PROPERTY: (NAMED | {"key_place"}, "sos"),
    Role.NEIGHBOUR: (NAMED | {"key_place"}, "sos"),
    Role.VILLAGE_DOCTOR: (NAMED | {"risks"}, "vitals"),
    Role.THIRD_PARTY: (EVERYBODY, "sos"),
    Role.COUNTY_CENTRE: (NAMED | {"risks"}, "vitals"),
    Role.AMBULANCE: (NAMED | {"risks"}, "vitals"),
}


def body(**changes: Any) -> Mapping[str, Any]:
    return compose(ROW | changes, public_url="http://hub.test", link_key="").body


def test_every_role_has_a_line_in_the_table() -> None:
    assert set(TABLE) == set(Role)


@pytest.mark.parametrize("role", list(TABLE))
def test_role_sees_its_own_columns_and_no_other(role: Role) -> None:
    columns, kind = TABLE[role]
    page = body(role=str(role))
    assert set(page["resident"]) == columns
    assert page["kind"] == kind


@pytest.mark.parametrize("role", list(TABLE))
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_what_a_role_may_not_see_stands_nowhere_in_its_page(role: Role, language: str) -> None:
    columns, kind = TABLE[role]
    text = msgspec.json.encode(body(role=str(role), language=language)).decode()
    assert ("王秀兰" in text) == ("name" in columns)
    assert ("000 0000 0501" in text) == ("phone" in columns)
    assert ("物业值班室" in text) == ("key_place" in columns)
    assert ("dementia" in text) == ("risks" in columns)
    assert ("生命体征" in text or "vital signs" in text) == (kind == "vitals")
    assert "5013#" not in text


@pytest.mark.parametrize("role", list(TABLE))
def test_whoever_opens_the_door_is_warned_of_what_is_behind_it(role: Role) -> None:
    assert body(role=str(role), kind="gas")["resident"]["hazards"] == ["dog", "gas", "oxygen"]


def test_area_is_not_said_twice() -> None:
    assert body()["resident"]["address"] == "和平社区 3 号楼 501"
    assert body(home="和平社区 3 号楼 501")["resident"]["address"] == "和平社区 3 号楼 501"
    assert body(area=None)["resident"]["address"] == "3 号楼 501"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_page_about_a_home_without_address_ends_cleanly(language: str) -> None:
    text = body(home=None, area=None, language=language, role="operator")["text"]
    assert text[-1] not in " :：."


@pytest.mark.parametrize("purpose", ["alarm", "stand_down", "notice"])
def test_only_an_alarm_asks_to_come(purpose: str) -> None:
    assert ("请立即回应" in body(purpose=purpose)["text"]) == (purpose == "alarm")
    assert ("URGENT" in body(purpose=purpose, language="en")["text"]) == (purpose == "alarm")


@pytest.mark.parametrize("role", list(TABLE))
def test_every_role_is_told_that_she_did_not_answer(role: Role) -> None:
    assert "，无应答，请立即回应" in body(role=str(role), no_speech=True)["text"]
    assert ", no answer. Please answer now" in body(role=str(role), no_speech=True, language="en")["text"]
    assert "无应答" not in body(role=str(role))["text"]


def test_whoever_is_stood_down_is_not_alarmed_once_more() -> None:
    assert "无应答" not in body(purpose="stand_down", no_speech=True)["text"]
