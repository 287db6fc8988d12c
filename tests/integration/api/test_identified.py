"""A call of nobody known is given its resident by a program; landmarks and the effect of a device over the API."""

import pytest

from tests.integration.api.conftest import Client
from tests.integration.api.test_cases import act, done
from tests.integration.web.world import World

AED = {"kind": "aed", "name": "卫生站门口", "lat": 38.4712, "lon": 106.2618}


def test_program_says_whose_case_it_is_once_for_each_key(world: World, client: Client) -> None:
    case, program = world.alert("stray", area=""), client("incidents:read", "incidents:act")
    said = {"resident_id": world.residents["wang"]}
    first = program.post(f"/incidents/{case}/identify", json=said, headers={"Idempotency-Key": "k-1"})
    again = program.post(f"/incidents/{case}/identify", json=said, headers={"Idempotency-Key": "k-1"})
    assert (done(first)["resident_id"], again.status_code) == (world.residents["wang"], 200)
    events = world.sql("select what from incident_event where incident_id = %(i)s", i=case)
    assert events.count(("identified",)) == 1


def test_what_cannot_be_is_refused(world: World, client: Client) -> None:
    case, known = world.alert("stray", area=""), world.alert("watch-wang")
    program = client("incidents:read", "incidents:act")
    assert act(program, case, "identify").status_code == 422
    assert act(program, case, "identify", "2", resident_id=10**9).status_code == 409
    assert act(program, known, "identify", resident_id=world.residents["liu"]).status_code == 409
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["liu"])
    assert act(program, case, "identify", "3", resident_id=world.residents["liu"]).status_code == 409
    reader = client("incidents:read")
    assert act(reader, case, "identify", resident_id=world.residents["liu"]).status_code == 403


def test_landmark_is_put_and_taken_away(world: World, client: Client) -> None:
    program = client("landmarks:read", "landmarks:write")
    put = program.put("/landmarks", json=AED)
    number = put.json()[0]["id"]
    assert len(program.put("/landmarks", json={**AED, "note": "门右侧"}).json()) == 1, "kind and name: the same one"
    assert client("landmarks:read").delete(f"/landmarks/{number}").status_code == 403
    assert program.delete(f"/landmarks/{number}").status_code == 204
    assert program.delete(f"/landmarks/{number}").status_code == 404
    assert program.put("/landmarks", json={**AED, "lat": 91}).status_code == 422


@pytest.mark.parametrize("short", ["watch-wang", "stray"])
def test_device_tells_its_effect_also_when_it_is_in_use(world: World, client: Client, short: str) -> None:
    told = client("devices:read").get(f"/devices/{world.devices[short]}/effect")
    assert done(told).keys() == {"in_effect", "reasons"}
    assert client("devices:read").get("/devices/999999/effect").status_code == 404


def test_search_leaves_a_locked_resident_out(world: World, client: Client) -> None:
    program = client("search:read")
    assert done(program.post("/search", json={"q": "王秀英"}))["residents"]
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    for wanted in ("王秀英", "138 0000 0001", "watch-wang"):
        assert "王秀英" not in program.post("/search", json={"q": wanted}).text, wanted
