"""A night's case over the API: the same acts, the same refusals, the same chain as at the console."""

import hashlib
import json
from datetime import datetime
from typing import Any

import httpx

from tests.integration.api.conftest import Client, Issue
from tests.integration.web.world import World


def act(program: httpx.Client, incident: int, verb: str, key: str = "1", **body: Any) -> httpx.Response:
    return program.post(f"/incidents/{incident}/{verb}", json=body, headers={"Idempotency-Key": f"{verb}-{key}"})


def done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_case_is_taken_worked_and_closed_by_a_program(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    program = client()
    assert done(act(program, incident, "take"))["state"] == "taken"
    done(act(program, incident, "no_speech"))
    done(act(program, incident, "note", text="回拨无应答"))
    assert done(act(program, incident, "call", service="120", reference="7731"))["services"] == ["120"]
    assert done(act(program, incident, "dispatch", person_id=world.people["guard"]))["state"] == "dispatched"
    done(act(program, incident, "resolve", how="scene"))
    closed = done(
        act(program, incident, "close", disposition="hospital", done="送医", with_whom="120", called_back=True)
    )
    assert (closed["state"], closed["disposition"], closed["timer"]) == ("closed", "hospital", None)
    notes = program.get(f"/incidents/{incident}/notes").json()["items"]
    assert notes[0]["text"] == "回拨无应答"


def test_every_act_stands_in_the_chain_as_the_tokens_account(world: World, client: Client, issue: Issue) -> None:
    incident = world.alert("watch-wang")
    made = issue("dispatch desk")
    done(act(client(token=made.token), incident, "take"))
    taken = [e for e in client().get(f"/incidents/{incident}").json()["events"] if e["what"] == "taken"]
    assert [e["actor"] for e in taken] == [f"person:{made.person_id}"]
    assert world.sql("select name, role, login from person where id = %(p)s", p=made.person_id) == [
        ("dispatch desk", "supervisor", None)
    ]


def test_same_key_again_changes_nothing_and_is_answered_again(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    program = client()
    done(act(program, incident, "take"))
    first = done(act(program, incident, "note", text="同一条"))
    assert done(act(program, incident, "note", text="同一条"))["version"] == first["version"]
    assert len(program.get(f"/incidents/{incident}/notes").json()["items"]) == 1


def test_act_without_a_key_is_refused(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    answer = client().post(f"/incidents/{incident}/take")
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["where"] == "header/Idempotency-Key"


def test_act_on_what_has_changed_since_is_refused_and_its_own_repeat_is_not(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    program = client()
    seen = program.get(f"/incidents/{incident}")
    based = {"If-Match": seen.headers["etag"], "Idempotency-Key": "mine"}
    taken = program.post(f"/incidents/{incident}/take", headers=based)
    assert taken.headers["etag"] != seen.headers["etag"]
    assert (
        program.post(f"/incidents/{incident}/take", headers=based).status_code == 200
    )  # the line broke, it asks again
    late = program.post(f"/incidents/{incident}/release", headers=based | {"Idempotency-Key": "other"})
    assert (late.status_code, late.json()["code"]) == (412, "changed")
    assert program.get(f"/incidents/{incident}").json()["state"] == "taken"


def test_desk_refuses_a_program_as_it_refuses_a_person(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    program = client()
    refused = act(program, incident, "close", disposition="found_well", done="无事", with_whom="本人", called_back=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_resolved")
    done(act(program, incident, "take"))
    done(act(program, incident, "resolve", how="voice"))
    alone = act(program, incident, "close", disposition="found_well", done="无事", with_whom="本人")
    assert alone.json()["code"] == "second_person"
    wrong = act(
        program, incident, "close", disposition="found_well", done="无事", with_whom="本人", second_login="li",
        second_password="guess",
    )  # fmt: skip
    assert wrong.status_code == 422
    agreed = act(
        program, incident, "close", disposition="found_well", done="无事", with_whom="本人", second_login="li",
        second_password="correct horse battery",
    )  # fmt: skip
    assert done(agreed)["state"] == "closed"


def test_more_than_a_note_holds_is_refused_before_it_is_read(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    refused = act(client(), incident, "note", text="长" * 70_000)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert refused.headers["content-type"] == "application/problem+json"


def test_chain_is_checked_by_an_outsider_with_sha256(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    program = client()
    done(act(program, incident, "take"))
    entries: list[dict[str, Any]] = []
    cursor = None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        told = program.get(f"/incidents/{incident}/events", params=asked).json()
        entries += told["items"]
        if (cursor := told["next"]) is None:
            break
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    before = "00" * 32
    for entry in entries:
        at = datetime.fromisoformat(entry["at"]).isoformat(timespec="microseconds").replace("+00:00", "Z")
        said = [entry["seq"], at, entry["actor"], entry["what"], entry["body"]]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert entry["prev_hash"] == before
        before = hashlib.sha256(bytes.fromhex(before) + text.encode()).hexdigest()
        assert entry["hash"] == before


def test_pages_of_cases_meet_without_a_gap(world: World, client: Client) -> None:
    numbers = [world.alert(d) for d in ("watch-wang", "watch-zhang", "button-liu", "watch-he", "stray")]
    program = client("incidents:read")
    seen: list[int] = []
    cursor: str | None = None
    while True:
        told = program.get("/incidents", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        assert len(told["items"]) <= 2
        seen += [one["id"] for one in told["items"]]
        if (cursor := told["next"]) is None:
            break
    assert seen == sorted(numbers, reverse=True)
    assert program.get("/incidents", params={"resident": world.residents["he"]}).json()["items"][0]["id"] == numbers[3]
    assert program.get("/incidents", params={"cursor": "bm90IG9uZQ"}).json()["code"] == "bad_cursor"
    assert program.get("/incidents", params={"limit": 100_000}).status_code == 422


def test_door_code_is_shown_with_an_entry_that_says_who_asked(world: World, client: Client, issue: Issue) -> None:
    incident = world.alert("watch-wang")
    made = issue()
    assert client("incidents:read").post(f"/incidents/{incident}/door_code").status_code == 403
    assert client(token=made.token).post(f"/incidents/{incident}/door_code").json() == {"door_code": "4471#"}
    rows = world.sql("select person_id, what, incident_id from access_log")
    assert rows == [(made.person_id, f"door_code: api token {made.id}", incident)]


def test_resident_is_shown_without_her_door_code(world: World, client: Client) -> None:
    her = client("residents:read").get(f"/residents/{world.residents['wang']}")
    assert her.json()["has_door_code"] is True
    assert "4471" not in her.text
    assert her.json()["circle"] == [
        {"person_id": world.people["son"], "name": "王小明", "relation": "儿子", "minutes_away": 38.0}
    ]


def test_disaster_mode_is_declared_by_a_supervisors_token(world: World, client: Client, issue: Issue) -> None:
    mere = issue(scopes=("incidents:act", "surges:read"))
    said = {"area": "和平社区", "reason": "燃气泄漏", "minutes": 60}
    assert client(token=mere.token).post("/surges", json=said).status_code == 403
    program = client()
    made = program.post("/surges", json=said)
    assert made.status_code == 201
    assert program.post("/surges", json=said).json()["code"] == "surge_running"
    assert program.post(f"/surges/{made.json()['id']}/end").json()["ended_at"] is not None


def test_organisations_token_sees_its_own_and_no_more(world: World, client: Client, issue: Issue) -> None:
    world.sql("insert into area (name, level) values ('和平街道', 'township'), ('北塔社区', 'community')")
    world.sql("insert into area (name, parent) values ('和平社区', '和平街道')")
    org = world.sql(
        "insert into organisation (name, kind, created_at) values ('和平物业', 'property', hub_now()) returning id"
    )[0][0]
    world.sql("insert into organisation_area values (%(o)s, '和平街道')", o=org)
    world.sql("update resident set area = '北塔社区' where id = %(r)s", r=world.residents["zhang"])
    world.sql("update person set organisation_id = %(o)s where id = %(p)s", o=org, p=world.people["guard"])
    ours, other = world.alert("watch-wang"), world.alert("watch-zhang", area="北塔社区")
    program = client(
        token=issue(
            organisation_id=org,
            scopes=("incidents:read", "residents:read", "people:read", "devices:read", "fhir:read", "coverage:read"),
        ).token
    )
    assert [one["id"] for one in program.get("/incidents").json()["items"]] == [ours]
    assert program.get(f"/incidents/{other}").status_code == 404
    assert program.get(f"/fhir/Encounter/{other}").status_code == 404
    assert world.residents["zhang"] not in {one["id"] for one in program.get("/residents").json()["items"]}
    assert program.get(f"/fhir/Patient/{world.residents['zhang']}/$everything").status_code == 404
    assert {one["name"] for one in program.get("/people").json()["items"]} >= {"赵保安", "王小明"}
    assert "孙社工" not in {one["name"] for one in program.get("/people").json()["items"]}
    assert world.devices["watch-zhang"] not in {one["id"] for one in program.get("/devices").json()["items"]}
    assert program.get("/coverage").status_code == 403
