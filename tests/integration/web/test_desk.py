"""An operator's buttons, as a browser or a script posts them."""

import httpx
import pytest

from tests.integration.web.world import PASSWORD, World, csrf_of

CLOSING = {"disposition": "lifted", "done": "扶起，无伤", "with_whom": "儿子", "how": "scene"}


def post(client: httpx.Client, incident: int, verb: str, **fields: str) -> httpx.Response:
    token = csrf_of(client.get("/").text)
    return client.post(f"/incidents/{incident}/{verb}", data={"csrf": token, **fields})


def state(world: World, incident: int) -> str:
    return str(world.sql("select state from incident where id = %(i)s", i=incident)[0][0])


def test_operator_takes_resolves_and_closes(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang", "fall")
    assert post(li, incident, "take").headers["location"] == f"/incidents/{incident}"
    assert state(world, incident) == "taken"
    post(li, incident, "resolve", how="voice")
    assert state(world, incident) == "resolved"
    assert post(li, incident, "close", **CLOSING, called_back="yes").status_code == 303
    assert state(world, incident) == "closed"
    page = li.get(f"/incidents/{incident}").text
    assert "跌倒，已扶起" in page
    assert "扶起，无伤" in page


def test_closing_an_unresolved_case_asks_how_one_knows(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    without = {k: v for k, v in CLOSING.items() if k != "how"}
    assert post(li, incident, "close", **without, called_back="yes").status_code == 422
    assert post(li, incident, "close", **CLOSING, called_back="yes").status_code == 303


def test_critical_case_is_not_closed_by_one_person_alone(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    assert "第二人" in post(li, incident, "close", **CLOSING).text
    assert state(world, incident) == "taken"


@pytest.mark.parametrize(("login", "password", "word"), [("chen", "wrong", "账号或密码"), ("li", PASSWORD, "你自己")])
def test_second_person_must_prove_it(li: httpx.Client, world: World, login: str, password: str, word: str) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    refused = post(li, incident, "close", **CLOSING, second_login=login, second_password=password)
    assert refused.status_code == 422
    assert word in refused.text


def test_second_person_agrees_with_her_own_password(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    post(li, incident, "close", **CLOSING, second_login="chen", second_password=PASSWORD)
    assert state(world, incident) == "closed"


def test_form_without_its_token_changes_nothing(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    assert li.post(f"/incidents/{incident}/take").status_code == 403
    assert li.post(f"/incidents/{incident}/take", data={"csrf": "guessed"}).status_code == 403
    assert li.post("/seen", json={"read": incident}).status_code == 403
    assert state(world, incident) == "open"


def test_token_of_another_session_is_refused(li: httpx.Client, chen: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    token = csrf_of(chen.get("/").text)
    assert li.post(f"/incidents/{incident}/take", data={"csrf": token}).status_code == 403


def test_dispatch_pages_the_chosen_guard(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    assert "赵保安" in li.get(f"/incidents/{incident}/sheet/dispatch").text
    post(li, incident, "dispatch", person=str(world.people["guard"]))
    paged = world.sql(
        "select count(*) from page where incident_id = %(i)s and person_id = %(p)s and purpose = 'alarm'",
        i=incident, p=world.people["guard"],
    )  # fmt: skip
    assert paged == [(1,)]


def test_no_speech_dispatches_the_next_step_and_writes_it_down(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    post(li, incident, "dispatch", no_speech="yes")
    assert state(world, incident) == "dispatched"
    assert "回拨无应答" in li.get(f"/incidents/{incident}").text
    assert 'class="silent"' in li.get("/").text, "colleagues see it in the queue"


def test_same_press_twice_dispatches_once(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    for _ in range(2):
        post(li, incident, "dispatch", no_speech="yes", nonce="dispatch-1")
    assert world.sql("select count(*) from incident_event where what = 'dispatched'") == [(1,)]
    assert world.sql("select count(*) from incident_event where what = 'no_speech'") == [(1,)]


def test_self_check_is_shown_above_the_queue(li: httpx.Client, world: World) -> None:
    world.sql("insert into audit_finding (rule, subject, found_at) values ('timer_late', 'incident:7', hub_now())")
    assert "计时到点没有处理" in li.get("/queue").text
    world.sql("update audit_finding set cleared_at = hub_now()")
    assert "计时到点没有处理" not in li.get("/queue").text


def test_refusal_says_why_and_changes_nothing(li: httpx.Client, chen: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    refused = post(chen, incident, "take")
    assert refused.status_code == 409
    assert "已有人接警" in refused.text


def test_hold_needs_a_reason_and_an_end(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "take")
    assert post(li, incident, "hold", minutes="5").status_code == 422
    assert post(li, incident, "hold", minutes="999", reason="等家属回电").status_code == 422
    assert post(li, incident, "hold", minutes="5", reason="等家属回电").status_code == 303
    assert state(world, incident) == "held"


def test_note_is_in_the_timeline(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    post(li, incident, "note", text="听到电视声")
    assert "听到电视声" in li.get(f"/incidents/{incident}").text


def test_door_code_is_shown_on_request_and_the_look_is_logged(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    assert "4471#" not in li.get(f"/incidents/{incident}").text
    assert "4471#" in post(li, incident, "door_code").text
    logged = world.sql("select person_id, resident_id, incident_id from access_log")
    assert logged == [(world.people["li"], world.residents["wang"], incident)]


def test_opening_a_case_changes_no_timer(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    before = world.sql("select due_at, kind, step from timer where incident_id = %(i)s", i=incident)
    li.get(f"/incidents/{incident}")
    assert world.sql("select due_at, kind, step from timer where incident_id = %(i)s", i=incident) == before


def test_hostile_names_stay_text(li: httpx.Client, world: World) -> None:
    nasty = "<script>alert(1)</script>\"'{{7*7}}"
    world.resident("evil", nasty, address="<img src=x onerror=alert(2)>", risks=["<b>risk</b>"])
    world.device("evil-watch", "evil", model="<svg onload=alert(3)>")
    incident = world.alert("evil-watch")
    post(li, incident, "take")
    post(li, incident, "note", text="</li><script>alert(4)</script>")
    pages = [li.get(f"/incidents/{incident}").text, li.get("/queue").text]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<svg onload" not in page
        assert "{{7*7}}" in page


def test_unknown_devices_press_is_in_the_queue(li: httpx.Client, world: World) -> None:
    world.alert("stray")
    page = li.get("/queue").text
    assert "未登记设备" in page
    assert "carehub:stray" in page


def test_queue_is_worst_first_then_oldest_and_technical_apart(li: httpx.Client, world: World) -> None:
    technical = world.alert("watch-zhang", "silence", 5, rule="T3")
    medium = world.alert("watch-he", "vitals", 3, rule="V1")
    first = world.alert("watch-wang")
    second = world.alert("stray")
    page = li.get("/queue").text
    order = [page.index(f'id="row-{i}"') for i in (first, second, medium)]
    assert order == sorted(order)
    assert page.index('class="technical-head"') < page.index(f'id="row-{technical}"')


def test_vitals_show_the_rise(li: httpx.Client, world: World) -> None:
    world.heart_rates("watch-wang", [80.0] * 10 + [95, 97, 99, 101, 103, 105, 107, 109, 111, 112])
    incident = world.alert("button-wang")
    chart = li.get(f"/incidents/{incident}/vitals").json()
    assert chart["last_bpm"] == 112
    assert chart["trend"] > 8
    assert chart["at"] == sorted(chart["at"])


def test_missing_incident_is_not_found(li: httpx.Client) -> None:
    assert li.get("/incidents/999999").status_code == 404
    assert post(li, 999999, "take").status_code == 404


def test_characters_and_numbers_the_database_refuses_are_no_fault_of_the_hub(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    assert post(li, incident, "take", nonce="a\x00").status_code == 303
    assert post(li, incident, "note", text="上门\x00看看").status_code == 303
    assert world.sql("select text from note") == [("上门\ufffd看看",)]
    assert li.get(f"/incidents/{2**63 - 1}/vitals").status_code == 404
    token = {"x-csrf-token": csrf_of(li.get("/").text)}
    for body in (b'{"stream":"a\\u0000"}', b'{"stream":"\xff"}', b'{"x":' + b"[" * 20_000):
        assert li.post("/seen", content=body, headers=token).status_code == 422
