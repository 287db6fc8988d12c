"""Cases that belong together, and cases that only look so."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.links import MOST, Case, Why, building, common, gateway_of, related
from alerts.model import AlertKind
from tests.unit.alerts.duty import at

NOW = at("02:14:07")
HOUSE = "和平里 3 号楼 2 单元"


def case(number: int, **facts: Any) -> Case:
    values = {"kind": AlertKind.SOS, "opened_at": NOW, "area": "和平社区", **facts}
    return Case(incident_id=number, **values)


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ({"kind": AlertKind.SMOKE, "address": f"{HOUSE} 501"}, {"kind": AlertKind.SMOKE, "address": f"{HOUSE} 402"},
         Why.BUILDING),
        ({"kind": AlertKind.SMOKE, "address": f"{HOUSE} 501"}, {"address": f"{HOUSE} 402"}, Why.BUILDING),
        ({"address": f"{HOUSE} 501"}, {"address": f"{HOUSE} 402"}, None),  # two neighbours are not one emergency
        ({"address": f"{HOUSE} 501"}, {"address": f"{HOUSE} 501"}, Why.ADDRESS),
        ({"resident_id": 7, "kind": AlertKind.SILENCE}, {"resident_id": 7}, Why.RESIDENT),
        ({"resident_id": 7, "opened_at": NOW - timedelta(days=1)}, {"resident_id": 7}, Why.RESIDENT),
        ({"device": "z2m:home7/zigbee2mqtt/SOS"}, {"device": "z2m:home7/zigbee2mqtt/Door"}, Why.GATEWAY),
        ({"device": "z2m:home7/zigbee2mqtt/SOS"}, {"device": "z2m:home8/zigbee2mqtt/SOS"}, None),
        ({"device": "carehub:w-1"}, {"device": "carehub:w-2"}, None),
        ({"kind": AlertKind.GAS, "address": f"{HOUSE} 501"},
         {"kind": AlertKind.GAS, "address": f"{HOUSE} 1", "area": "东"}, None),
        ({"kind": AlertKind.GAS, "address": f"{HOUSE} 501", "opened_at": NOW - timedelta(minutes=16)},
         {"kind": AlertKind.GAS, "address": f"{HOUSE} 402"}, None),
        ({"address": ""}, {"address": ""}, None),
    ],
)  # fmt: skip
def test_two_cases_have_in_common(a: dict[str, Any], b: dict[str, Any], why: Why | None) -> None:
    assert common(case(1, **a), case(2, **b)) is why
    assert common(case(2, **b), case(1, **a)) is why


def test_case_is_not_its_own_neighbour() -> None:
    assert common(case(1, resident_id=7), case(1, resident_id=7)) is None


def test_one_case_is_given_a_bounded_number_of_links_the_nearest_in_time_first() -> None:
    others = [case(n, resident_id=7, opened_at=NOW - timedelta(minutes=n)) for n in range(2, 60)]
    found = related(case(1, resident_id=7), others)
    assert [number for number, _ in found] == list(range(2, 2 + MOST))


@pytest.mark.parametrize(
    ("address", "house"),
    [("和平里 3 号楼 2 单元 501", "和平里 3 号楼"), ("光明巷 12 号", "光明巷 12 号"), ("幸福苑5栋1单元", "幸福苑5栋"),
     ("block 3, 501", "block 3"), ("Elm Court, Building 12, flat 3", ""), ("山里", ""), ("", "")],
)  # fmt: skip
def test_building_is_read_from_the_address(address: str, house: str) -> None:
    assert building(address) == house


@pytest.mark.parametrize(
    ("device", "gateway"),
    [("z2m:home7/zigbee2mqtt/SOS", "z2m:home7"), ("carehub:w-1", ""), ("watch3g:8800000015", ""), ("", "")],
)
def test_gateway_is_read_from_the_device(device: str, gateway: str) -> None:
    assert gateway_of(device) == gateway
