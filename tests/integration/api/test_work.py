"""Work orders and service levels over the API."""

from datetime import date, timedelta

from tests.integration.api.conftest import Client, Issue
from tests.integration.api.test_cases import act, done
from tests.integration.web.world import World

DUE = (date.today() + timedelta(days=3)).isoformat()  # noqa: DTZ011 - any day to come


def test_work_order_goes_its_way_and_is_checked_by_another(world: World, client: Client) -> None:
    doer, checker = client("work_orders:read", "work_orders:write"), client("work_orders:read", "work_orders:write")
    made = doer.post("/work_orders", json={"kind": "repair", "scope": "更换卫生间按钮", "due": DUE})
    assert (made.status_code, made.json()["state"]) == (201, "planned")
    path = f"/work_orders/{made.json()['id']}"
    assert done(doer.post(f"{path}/assign", json={"assignee_id": world.people["guard"]}))["state"] == "assigned"
    late = doer.post(f"{path}/accept", json={}, headers={"If-Match": made.headers["etag"]})
    assert late.status_code == 412
    for verb, words in (("accept", ""), ("arrive", ""), ("finish", "已更换，试按正常")):
        done(doer.post(f"{path}/{verb}", json={"words": words}))
    assert doer.post(f"{path}/check", json={"words": "好"}).json()["code"] == "same_hand"
    assert done(checker.post(f"{path}/check", json={"words": "好"}))["state"] == "checked"
    assert doer.post(f"{path}/accept", json={}).json()["code"] == "not_now"
    assert doer.get("/work_orders", params={"open": "true"}).json()["items"] == []


def test_work_order_nobody_could_do_is_refused(client: Client) -> None:
    program = client("work_orders:read", "work_orders:write")
    assert program.post("/work_orders", json={"kind": "dance", "scope": "x", "due": DUE}).status_code == 422
    assert program.get("/work_orders/77").json()["code"] == "no_such_work_order"
    made = program.post("/work_orders", json={"kind": "repair", "scope": "x", "due": DUE}).json()["id"]
    assert program.post(f"/work_orders/{made}/assign", json={"assignee_id": 9999}).status_code == 422


def test_service_levels_are_reported(world: World, client: Client) -> None:
    incident = world.alert("watch-wang")
    program = client()
    done(act(program, incident, "take"))
    told = program.get("/reports/service_levels").json()
    assert len(told) == 1
    assert told[0].keys() >= {"calls", "unanswered", "answered_60_s", "at_the_door_45_min"}
    assert program.get("/reports/service_levels", params={"by": "area", "days": 400}).status_code == 200
    assert program.get("/reports/service_levels", params={"days": 401}).status_code == 422


def test_organisation_plans_no_work_outside_its_areas(world: World, client: Client, issue: Issue) -> None:
    world.sql("insert into area (name) values ('和平社区')")
    org = world.sql(
        "insert into organisation (name, kind, created_at) values ('和平物业', 'property', hub_now()) returning id"
    )[0][0]
    world.sql("insert into organisation_area values (%(o)s, '和平社区')", o=org)
    token = issue(organisation_id=org, scopes=("work_orders:read", "work_orders:write")).token
    program = client(token=token)
    said = {"kind": "repair", "scope": "x", "due": DUE}
    assert program.post("/work_orders", json=said | {"area": "别处"}).status_code == 422
    assert program.post("/work_orders", json=said | {"area": "和平社区"}).status_code == 201
