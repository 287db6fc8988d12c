"""Idempotency-Key: once is once, whoever asks again, and a key is one request's."""

import threading

import httpx

from tests.integration.api.conftest import Client
from tests.integration.web.world import World

ORDER = {"kind": "repair", "scope": "更换按钮", "due": "2030-01-01"}
MINE = {"Idempotency-Key": "mine"}


def test_same_request_again_is_answered_again_and_does_nothing(world: World, client: Client) -> None:
    program = client("work_orders:read", "work_orders:write")
    first = program.post("/work_orders", json=ORDER, headers=MINE)
    again = program.post("/work_orders", json=ORDER, headers=MINE)
    assert first.status_code == 201
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, first.headers["etag"])
    assert world.sql("select count(*) from work_order") == [(1,)]


def test_key_with_another_body_is_refused(world: World, client: Client) -> None:
    program = client("work_orders:read", "work_orders:write")
    program.post("/work_orders", json=ORDER, headers=MINE)
    other = program.post("/work_orders", json=ORDER | {"scope": "别的"}, headers=MINE)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert other.headers["content-type"] == "application/problem+json"
    assert world.sql("select count(*) from work_order") == [(1,)]


def test_key_of_an_act_is_not_another_acts(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    program = client()
    assert program.post(f"/incidents/{incident}/take", headers=MINE).status_code == 200
    noted = program.post(f"/incidents/{incident}/note", json={"text": "一"}, headers={"Idempotency-Key": "note"})
    assert noted.status_code == 200
    for path, body in (("release", None), ("note", {"text": "二"})):
        used = MINE if path == "release" else {"Idempotency-Key": "note"}
        refused = program.post(f"/incidents/{incident}/{path}", json=body, headers=used)
        assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")
    assert [one["text"] for one in program.get(f"/incidents/{incident}/notes").json()["items"]] == ["一"]


def test_what_was_refused_may_be_tried_again_under_its_key(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    program = client()
    said = {"disposition": "found_well", "done": "无事", "with_whom": "本人", "called_back": True}
    early = program.post(f"/incidents/{incident}/close", json=said, headers=MINE)
    assert (early.status_code, early.json()["code"]) == (409, "not_resolved")
    assert program.post(f"/incidents/{incident}/take", headers={"Idempotency-Key": "take"}).status_code == 200
    resolved = program.post(f"/incidents/{incident}/resolve", json={"how": "voice"}, headers={"Idempotency-Key": "res"})
    assert resolved.status_code == 200
    assert program.post(f"/incidents/{incident}/close", json=said, headers=MINE).status_code == 200


def test_keys_of_two_tokens_are_two(world: World, client: Client) -> None:
    for _ in range(2):
        made = client("work_orders:read", "work_orders:write").post("/work_orders", json=ORDER, headers=MINE)
        assert made.status_code == 201
    assert world.sql("select count(*) from work_order") == [(2,)]


def test_revoked_token_is_not_answered_again(world: World, client: Client) -> None:
    program = client("work_orders:read", "work_orders:write")
    program.post("/work_orders", json=ORDER, headers=MINE)
    world.sql("update api_token set revoked_at = hub_now()")
    assert program.post("/work_orders", json=ORDER, headers=MINE).status_code == 401


def test_two_at_the_same_moment_are_one(world: World, client: Client) -> None:
    program = client("work_orders:read", "work_orders:write")
    answers: list[httpx.Response] = []
    asking = [
        threading.Thread(target=lambda: answers.append(program.post("/work_orders", json=ORDER, headers=MINE)))
        for _ in range(4)
    ]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert world.sql("select count(*) from work_order") == [(1,)]


def test_answer_that_is_kept_stands_sealed(world: World, client: Client) -> None:
    said = {"name": "街道", "url": "https://example.org/h"}
    program = client("events:manage")
    first = program.post("/subscriptions", json=said, headers=MINE).json()["secret"]
    ((body,),) = world.sql("select body from api_answer")
    assert body.startswith("sealed:1:")
    assert program.post("/subscriptions", json=said, headers=MINE).json()["secret"] == first
    assert world.sql("select count(*) from api_subscription") == [(1,)]


def test_key_that_is_none_is_refused(client: Client) -> None:
    program = client("work_orders:read", "work_orders:write")
    refused = program.post("/work_orders", json=ORDER, headers={"Idempotency-Key": "a" * 71})
    assert refused.json()["faults"][0]["where"] == "header/Idempotency-Key"
