"""The same door in two datums."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.nearness import distance_km
from alerts.places import gcj02_of_wgs84, wgs84_of_gcj02

# WGS-84 latitude and longitude, then GCJ-02, as other converters publish them with their own tests.
PUBLISHED = [
    (31.1774276, 121.5272106, 31.17530398364597, 121.531541859215),  # Shanghai
    (22.543847, 113.912316, 22.540796131694766, 113.9171764808363),  # Shenzhen
    (39.911954, 116.377817, 39.91334545536069, 116.38404722455657),  # Beijing
    (39.915, 116.404, 39.91640428150164, 116.41024449916938),  # Beijing
    (30.6107779, 121.0917077, 30.608604331756705, 121.09626935575027),  # Jiaxing
]
IN_CHINA = st.tuples(st.floats(18.0, 53.0), st.floats(74.0, 135.0))


def metres(lat: Any, lon: Any, to_lat: Any, to_lon: Any) -> Any:
    return distance_km(lat, lon, to_lat, to_lon) * 1000


@pytest.mark.parametrize("pair", PUBLISHED)
def test_published_positions_are_met_to_a_decimetre(pair: tuple[float, float, float, float]) -> None:
    lat, lon, there_lat, there_lon = pair
    assert metres(*gcj02_of_wgs84(lat, lon), there_lat, there_lon) < 0.1
    assert metres(*wgs84_of_gcj02(there_lat, there_lon), lat, lon) < 0.1


def test_mixing_them_up_would_take_a_resident_out_of_her_fence() -> None:
    lat, lon = 38.4872, 106.2309  # somewhere in Yinchuan
    assert 350 < metres(*gcj02_of_wgs84(lat, lon), lat, lon) < 700


@given(IN_CHINA)
def test_the_way_back_ends_where_it_began(place: tuple[float, float]) -> None:
    assert metres(*wgs84_of_gcj02(*gcj02_of_wgs84(*place)), *place) < 0.5


@given(IN_CHINA)
def test_the_offset_is_hundreds_of_metres(place: tuple[float, float]) -> None:
    assert metres(*gcj02_of_wgs84(*place), *place) < 1_500


@pytest.mark.parametrize(
    "place", [(51.4779, -0.0015), (35.6812, 139.7671), (-33.8568, 151.2153), (90.0, 0.0), (0.0, 110.0)]
)
def test_outside_china_there_is_no_offset(place: tuple[float, float]) -> None:
    assert tuple(map(float, gcj02_of_wgs84(*place))) == place
    assert tuple(map(float, wgs84_of_gcj02(*place))) == place


def test_arrays_are_converted_at_once_and_unknown_places_stay_unknown() -> None:
    lat, lon = np.array([31.1774276, np.nan, 48.8]), np.array([121.5272106, 100.0, 2.3])
    there = gcj02_of_wgs84(lat, lon)
    assert there[0].shape == (3,)
    assert np.isnan(there[0][1])
    assert np.isnan(metres(*there, 31.0, 121.0)[1])
    back = wgs84_of_gcj02(*there)
    np.testing.assert_allclose(back[0][[0, 2]], lat[[0, 2]], atol=1e-7)
