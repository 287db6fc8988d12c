"""Services, links, proofs, disaster mode and test mode, as an operator's browser sees and posts them."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from alerts.policy import load
from hub.store import console as console_store
from hub.store import homes
from tests.integration.web.test_desk import CLOSING, post, state
from tests.integration.web.world import World, csrf_of


def submit(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrf": csrf_of(client.get("/").text), **fields})


def flat(world: World, short: str, address: str, kind: str = "sos", severity: int = 1) -> int:
    world.resident(short, f"长者{short}", address=address)
    world.device(f"watch-{short}", short)
    return world.alert(f"watch-{short}", kind, severity)


# ---- 120, 119, 110


def test_case_proposes_services_by_their_keys(li: httpx.Client, world: World) -> None:
    smoke = li.get(f"/incidents/{world.alert('watch-zhang', 'smoke')}").text
    assert smoke.count("is-proposed") == 2
    for key, number in (("1", "120"), ("2", "119"), ("3", "110")):
        assert f'data-key="{key}" hx-get="/incidents/1/sheet/call_{number}"' in smoke
    assert "建议：烟雾" in smoke


def test_script_has_the_address_first_and_diagnoses_for_120_alone(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang", "fall")
    ambulance = li.get(f"/incidents/{incident}/sheet/call_120").text
    assert "<li>地址：和平社区 和平里 3 号楼 2 单元 501</li>" in ambulance
    assert "心衰" in ambulance
    assert "有狗" in ambulance
    fire = li.get(f"/incidents/{incident}/sheet/call_119").text
    assert "心衰" not in fire
    assert "有狗" in fire


def test_called_service_is_shown_in_case_and_queue_and_told_in_words(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    assert post(li, incident, "call", service="120", reference="4711").status_code == 303
    page = li.get(f"/incidents/{incident}").text
    assert "120 已接通" in page
    assert "120 #4711" in page
    assert "120 已接通，已报地址" in page
    assert '<span class="joined">120</span>' in li.get("/queue").text
    assert post(li, incident, "call", service="911").status_code == 422


def test_ambulance_step_is_a_question_with_a_countdown(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    assert "要叫急救吗" not in li.get(f"/incidents/{incident}").text
    version, name = world.sql("select body, policy_name from policy_version v, incident where v.id = policy_version")[0]
    last = load(version)[name].last
    world.sql("update incident set step = %(last)s where id = %(i)s", i=incident, last=last)
    world.person("crew", "120 急救", "ambulance")
    world.sql(
        "insert into page (incident_id, round, step, person_id, role, channel, address, due_at, created_at) values"
        " (%(i)s, 0, %(last)s, %(p)s, 'ambulance', 'webhook', 'x', hub_now() + interval '40 s', hub_now())",
        i=incident, p=world.people["crew"], last=last,
    )  # fmt: skip
    asked = li.get(f"/incidents/{incident}").text
    assert "要叫急救吗" in asked
    assert "无人答复将自动呼叫" in asked
    post(li, incident, "call", service="120")
    assert "要叫急救吗" not in li.get(f"/incidents/{incident}").text
    assert world.sql("select state from page where role = 'ambulance'") == [("withdrawn",)]


# ---- who has it


def test_guard_goes_and_the_screen_says_that_no_operator_has_it(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    page_id = world.sql("select id from page where person_id = %(p)s", p=world.people["son"])[0][0]
    with httpx.Client(base_url=str(li.base_url), trust_env=False) as phone:
        answer = {"verb": "accept", "nonce": "yes"}
        assert phone.post(f"/r/{world.link(page_id)}/answer", json=answer).status_code == 200
    for path in ("/queue", f"/incidents/{incident}"):
        assert "尚无坐席接手" in li.get(path).text
    assert 'data-rings="yes"' in li.get("/queue").text
    post(li, incident, "take")
    assert "尚无坐席接手" not in li.get(f"/incidents/{incident}").text
    assert 'data-rings="no"' in li.get("/queue").text


def test_arrival_nobody_proved_is_shown_as_unproved(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang")
    page_id = world.sql("select id from page where person_id = %(p)s", p=world.people["son"])[0][0]
    with httpx.Client(base_url=str(li.base_url), trust_env=False) as phone:
        phone.post(f"/r/{world.link(page_id)}/answer", json={"verb": "arrived", "nonce": "here"})
    assert "自述到场，未证实" in li.get(f"/incidents/{incident}").text
    world.alert("button-wang")
    assert "本人按钮证实" in li.get(f"/incidents/{incident}").text


# ---- links


def test_link_is_shown_on_both_cases(li: httpx.Client, world: World) -> None:
    first, second = world.alert("watch-wang"), world.alert("watch-zhang", "smoke")
    assert post(li, second, "link", other=str(first)).status_code == 303
    assert "王秀英</a><em>人工关联</em>" in li.get(f"/incidents/{second}").text
    assert "张德福</a><em>人工关联</em>" in li.get(f"/incidents/{first}").text
    assert post(li, second, "link", other="99999").status_code == 409
    assert post(li, second, "link").status_code == 422


def test_duplicate_asks_for_the_other_case_before_anything_is_written(li: httpx.Client, world: World) -> None:
    first, second = world.alert("watch-wang"), world.alert("watch-zhang")
    post(li, second, "take")
    closing = {**CLOSING, "disposition": "duplicate", "called_back": "yes"}
    assert post(li, second, "close", **closing).status_code == 422
    assert state(world, second) == "taken"
    assert post(li, second, "close", **closing, duplicate_of=str(first)).status_code == 303
    assert state(world, second) == "closed"
    assert f"结案：重复 → #{first}" in li.get(f"/incidents/{second}").text
    assert "<em>重复</em>" in li.get(f"/incidents/{first}").text


def test_new_call_after_the_end_shows_the_case_before_it(li: httpx.Client, world: World) -> None:
    first = world.alert("watch-wang", "fall", 2)
    post(li, first, "take")
    post(li, first, "close", **CLOSING)
    assert state(world, first) == "closed"
    second = world.alert("watch-wang")
    assert second != first
    assert "<em>此前一起</em>" in li.get(f"/incidents/{second}").text
    assert "<em>此后一起</em>" in li.get(f"/incidents/{first}").text


# ---- disaster mode


def test_supervisor_declares_and_ends_it_and_everybody_sees_the_band(
    ma: httpx.Client, li: httpx.Client, world: World
) -> None:
    world.alert("watch-wang")
    assert submit(li, "/surge", area="", reason="停电", minutes="120").status_code == 409
    assert "只有班长" in submit(li, "/surge", area="", reason="停电", minutes="120").text
    assert submit(ma, "/surge", area="和平社区", reason=" ", minutes="120").status_code == 409
    assert submit(ma, "/surge", area="和平社区", reason="停电", minutes="999").status_code == 409
    assert submit(ma, "/surge", area="和平社区", reason="停电", minutes="120").status_code == 303
    queue = li.get("/queue").text
    assert "应急模式 · 和平社区" in queue
    assert "停电" in queue
    assert "和平里 3 号楼</b>" in queue
    number = world.sql("select id from surge")[0][0]
    assert submit(ma, f"/surge/{number}/end").status_code == 303
    assert "应急模式 · 和平社区" not in li.get("/queue").text


def test_wave_is_proposed_on_every_screen(li: httpx.Client, ma: httpx.Client, world: World) -> None:
    for number in range(31):
        flat(world, f"r{number}", f"和平里 9 号楼 {number}01")
    assert "请班长决定" in li.get("/queue").text
    assert "进入应急模式" in ma.get("/queue").text


@pytest.mark.parametrize("surge", [False, True])
def test_full_screen_leaves_nobody_unseen_who_has_nobody(
    li: httpx.Client, ma: httpx.Client, world: World, monkeypatch: pytest.MonkeyPatch, surge: bool
) -> None:
    monkeypatch.setattr(console_store, "SURGE_LIMIT" if surge else "QUEUE_LIMIT", 10)
    if surge:
        submit(ma, "/surge", area="", reason="停电", minutes="60")
    for number in range(10):
        flat(world, f"r{number}", f"和平里 {number % 9 + 1} 号楼 {number}01")
    world.sql("update incident set handler_id = %(p)s returning id", p=world.people["ma"])
    latest = flat(world, "late", "和平里 12 号楼 101")
    queue = li.get("/queue").text
    shown = re.findall(r'data-incident="(\d+)"', queue)
    assert len(shown) == 11
    assert shown[0 if surge else -1] == str(latest)  # the oldest first, in disaster mode whoever has nobody
    assert "11 起处理中" in queue, "what is not on the screen is counted all the same"


def test_full_screen_keeps_what_an_operator_has_taken(
    li: httpx.Client, ma: httpx.Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two thousand press in a minute, and the case she has just taken is among those that did not fit."""
    monkeypatch.setattr(console_store, "QUEUE_LIMIT", 5)
    cases = [flat(world, f"r{number}", f"和平里 {number + 1} 号楼 101") for number in range(9)]
    post(ma, cases[0], "take")
    for whose in (ma, li):
        shown = re.findall(r'data-incident="(\d+)"', whose.get("/queue").text)
        assert shown == [str(case) for case in cases[:6]], "five that nobody has, and hers"
    assert f'data-incident="{cases[0]}"' in ma.get(f"/queue/rows?ids={cases[0]}").text
    assert "另有 3 起未列出" in ma.get("/queue").text


def test_disaster_mode_has_every_case_of_a_house_on_the_screen(
    li: httpx.Client, ma: httpx.Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a house would be taken "as one", and those that did not fit would go on ringing unseen."""
    monkeypatch.setattr(console_store, "QUEUE_LIMIT", 5)
    for number in range(8):
        flat(world, f"r{number}", f"和平里 9 号楼 {number}01")
    assert "另有 3 起未列出" in li.get("/queue").text
    submit(ma, "/surge", area="", reason="停电", minutes="60")
    assert "8 起无人接" in li.get("/queue").text
    assert "未列出" not in li.get("/queue").text


def test_place_is_taken_and_noted_as_one(ma: httpx.Client, li: httpx.Client, world: World) -> None:
    cases = [flat(world, f"r{n}", f"和平里 9 号楼 {n}01") for n in range(4)]
    post(ma, cases[0], "take")
    ids = ",".join(map(str, cases))
    answer = submit(li, "/group/take", ids=ids)
    assert answer.status_code == 409  # a plain form is told what was not done
    assert "3 起已办" in answer.text
    assert "1 起未办：已有人接警" in answer.text
    assert [state(world, case) for case in cases] == ["taken"] * 4
    assert submit(li, "/group/note", ids=ids, text="电梯停运").status_code == 303
    assert world.sql("select count(*) from note where text = '电梯停运'") == [(4,)]
    assert submit(li, "/group/note", ids=ids).status_code == 422
    assert submit(li, "/group/send", ids=ids).status_code == 422
    guard = str(world.people["guard"])
    assert submit(li, "/group/send", ids=ids, person=guard).status_code == 303
    assert world.sql("select count(distinct incident_id) from page where person_id = %(p)s", p=int(guard)) == [(4,)]
    assert submit(li, "/group/dance", ids=ids).status_code == 404


def test_group_window_offers_who_can_go(li: httpx.Client, world: World) -> None:
    case = flat(world, "r1", "和平里 9 号楼 101")
    assert "赵保安" in li.get(f"/group/sheet?ids={case}&place=x").text
    assert li.get("/group/sheet?ids=").status_code == 404


# ---- test mode


def test_device_is_put_into_test_mode_and_taken_out(li: httpx.Client, world: World) -> None:
    incident, device = world.alert("watch-wang"), world.devices["watch-wang"]
    assert submit(li, f"/devices/{device}/test", incident=str(incident), minutes="30").status_code == 303
    assert "结束测试" in li.get(f"/incidents/{incident}").text
    assert world.sql("select test_until > hub_now() + interval '29 min' from device where id = %(d)s", d=device)[0][0]
    assert submit(li, f"/devices/{device}/test", minutes="600").status_code == 422
    submit(li, f"/devices/{device}/test", minutes="0")
    assert not world.sql("select test_until > hub_now() from device where id = %(d)s", d=device)[0][0]


def test_test_press_is_grey_and_an_operator_makes_it_real(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang", test=True)
    queue = li.get("/queue").text
    assert "is-test" in queue
    assert 'data-rings="no"' in queue
    assert "转为真实警情" in li.get(f"/incidents/{incident}/sheet/make_real").text
    assert post(li, incident, "make_real").status_code == 303
    assert 'data-rings="yes"' in li.get("/queue").text
    assert "测试转为真实警情" in li.get(f"/incidents/{incident}").text


def test_case_says_until_when_she_is_known_to_be_away(li: httpx.Client, world: World) -> None:
    incident = world.alert("button-wang")
    assert "known-away" not in li.get(f"/incidents/{incident}").text
    until = datetime.now(UTC) + timedelta(days=2)
    her = world.residents["wang"]
    world.run(
        lambda conn: homes.add_absence(conn, her, "away", begins=None, ends=until, reason="住院", by="person:1")
    )  # fmt: skip
    page = li.get(f"/incidents/{incident}").text
    assert "已知外出，至" in page
    assert "住院" in page
    world.run(lambda conn: homes.back(conn, her, "person:1", everything=False))
    assert "known-away" not in li.get(f"/incidents/{incident}").text
