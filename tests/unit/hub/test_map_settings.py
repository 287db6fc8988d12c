"""Whose tiles the map may ask: exactly the configured hosts, and none without."""

import pytest

from hub import pinyin
from hub.map_settings import MapSettings

TIANDITU = "https://t{s}.tianditu.gov.cn/vec_w/wmts?x={x}&y={y}&z={z}"


def test_no_tiles_ask_nobody() -> None:
    assert MapSettings().hosts == ()


def test_hosts_are_those_of_the_address_and_no_other() -> None:
    assert MapSettings(tiles=TIANDITU, subdomains="01", attribution="天地图").hosts == (
        "https://t0.tianditu.gov.cn", "https://t1.tianditu.gov.cn",
    )  # fmt: skip
    one = MapSettings(tiles="https://tiles.example:8443/{z}/{x}/{y}.png", attribution="OSM", datum="gcj02")
    assert one.hosts == ("https://tiles.example:8443",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"datum": "bd09"},
        {"tiles": "https://host/{z}/{x}.png", "attribution": "x"},
        {"tiles": "javascript:{x}{y}{z}", "attribution": "x"},
        {"tiles": "https://a b; script-src *//{x}{y}{z}", "attribution": "x"},
        {"tiles": TIANDITU, "attribution": "x"},
        {"tiles": "https://host/{z}/{x}/{y}.png"},
        {"tiles": "https://host/{z}/{x}/{y}.png", "attribution": "x", "max_zoom": 99},
    ],
)
def test_map_nobody_can_draw_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=":"):
        MapSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["wxl", "wangxiu", "wx"])
def test_name_is_found_by_its_sound(typed: str) -> None:
    assert pinyin.matching([(1, "李国庆"), (2, "王秀兰")], typed, 10) == [2]


def test_surname_of_two_readings_is_found_by_both() -> None:
    people = [(7, "单玉婷")]
    assert pinyin.matching(people, "syt", 10) == pinyin.matching(people, "dyt", 10) == [7]
