"""How far it is, and that a map's maker learns a place and nothing else."""

from typing import Any

import pytest

from alerts.model import Role
from hub.web import way

HOME = {
    "lat": 38.47,
    "lon": 106.26,
    "address": "和平里 3 号楼",
    "from_lat": None,
    "from_lon": None,
    "minutes_away": None,
}


def home(**facts: Any) -> dict[str, Any]:
    return HOME | facts


def test_minutes_are_those_of_the_circle_or_of_the_way() -> None:
    assert way.minutes(home(), Role.PROPERTY) is None
    assert way.minutes(home(minutes_away=6.4), Role.PROPERTY) == 6
    assert way.minutes(home(from_lat=38.47, from_lon=106.26), Role.PROPERTY) is not None
    near, far = (way.minutes(home(from_lat=lat, from_lon=106.26), Role.FAMILY) for lat in (38.475, 38.6))
    assert near is not None
    assert far is not None
    assert 1 <= near < far


def test_maps_are_told_which_coordinates_these_are() -> None:
    maps = way.maps(HOME, Role.PROPERTY, "呼叫地点")
    assert maps["geo"].startswith("geo:38.470000,106.260000?")
    assert "coordinate=wgs84" in maps["amap"]
    assert "to=106.260000,38.470000" in maps["amap"], "Amap says longitude first"
    assert "coord_type=wgs84" in maps["baidu"]
    assert "location=38.470000,106.260000" in maps["baidu"]


@pytest.mark.parametrize(("role", "mode"), [(Role.PROPERTY, "walk"), (Role.NEIGHBOUR, "walk"), (Role.FAMILY, "car")])
def test_neighbours_walk_and_sons_drive(role: Role, mode: str) -> None:
    assert f"mode={mode}" in way.maps(HOME, role, "x")["amap"]


def test_place_nobody_measured_is_looked_for_by_its_address() -> None:
    maps = way.maps(home(lat=None), Role.FAMILY, "x")
    assert maps["geo"].startswith("geo:0,0?q=%E5%92%8C")
    assert way.maps(home(lat=None, address=""), Role.FAMILY, "x") == {}


def test_address_cannot_break_out_of_its_link() -> None:
    for url in way.maps(home(lat=None, address='a&to=1,2#"><script>'), Role.FAMILY, "x").values():
        assert not set('"<>#') & set(url)
        assert "&to=" not in url
