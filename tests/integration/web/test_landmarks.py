"""What stands on the map: put there by who keeps the register, moved, taken away; also as a Chinese map says it."""

import httpx
import pytest

from alerts.places import gcj02_of_wgs84
from tests.integration.web.test_accounts import post
from tests.integration.web.world import World

HERE = "/registry/landmarks"
AED = {"kind": "aed", "name": "卫生站门口", "note": "门右侧白箱", "lat": "38.4712", "lon": "106.2618"}


def places(world: World) -> list[tuple[object, ...]]:
    return world.sql("select kind, name, round(lat::numeric, 4)::text, round(lon::numeric, 4)::text from landmark")


def test_landmark_is_put_moved_and_taken_away_and_stands_on_the_map(ma: httpx.Client, world: World) -> None:
    assert post(ma, HERE, at=HERE, **AED).status_code == 303
    assert places(world) == [("aed", "卫生站门口", "38.4712", "106.2618")]
    case = world.alert("watch-wang")
    assert [one["name"] for one in ma.get(f"/incidents/{case}/map").json()["landmarks"]] == ["卫生站门口"]
    number = str(world.sql("select id from landmark")[0][0])
    assert f'name="id" value="{number}"' in ma.get(f"{HERE}?edit={number}").text
    assert post(ma, HERE, at=HERE, **{**AED, "id": number, "lat": "38.4720"}).status_code == 303
    assert places(world) == [("aed", "卫生站门口", "38.4720", "106.2618")]
    assert post(ma, f"{HERE}/{number}/remove", at=HERE).status_code == 303
    assert places(world) == []
    assert post(ma, f"{HERE}/{number}/remove", at=HERE).status_code == 404


def test_place_of_a_chinese_map_is_stored_as_wgs84(ma: httpx.Client, world: World) -> None:
    lat, lon = gcj02_of_wgs84(38.4712, 106.2618)
    assert post(ma, HERE, at=HERE, **{**AED, "lat": str(lat), "lon": str(lon), "datum": "gcj02"}).status_code == 303
    assert places(world) == [("aed", "卫生站门口", "38.4712", "106.2618")]


@pytest.mark.parametrize(
    "wrong", [{"lat": "north"}, {"lat": "91"}, {"lon": "nan"}, {"name": " "}, {"kind": "pub"}, {"datum": "bd09"}]
)
def test_what_is_no_place_is_refused_in_words(ma: httpx.Client, world: World, wrong: dict[str, str]) -> None:
    answer = post(ma, HERE, at=HERE, **{**AED, **wrong})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert places(world) == []


def test_two_of_a_kind_keep_their_names(ma: httpx.Client, world: World) -> None:
    for name in ("甲", "乙"):
        assert post(ma, HERE, at=HERE, **{**AED, "name": name}).status_code == 303
    other = str(world.sql("select id from landmark where name = '乙'")[0][0])
    assert post(ma, HERE, at=HERE, **{**AED, "id": other, "name": "甲"}).status_code == 409


def test_operators_read_and_change_nothing(li: httpx.Client, world: World) -> None:
    assert li.get(HERE).status_code == 200
    assert '<form method="post" action="/registry/landmarks"' not in li.get(HERE).text
    assert post(li, HERE, at="/me", **AED).status_code == 403
    assert places(world) == []
