"""Somebody calls the centre: the desk knows at once who, and a call is never lost silently."""

import httpx
import pytest

from tests.integration.telephony.desk import calls, chain_of, press
from tests.integration.telephony.pbx import Pbx
from tests.integration.web.conftest import Served
from tests.integration.web.seen import visible
from tests.integration.web.world import World

HER_LINE, HER_WATCH, SON, NOBODY = "+869510000001", "1064000000077", "13800000001", "+8613912345678"


def band(client: httpx.Client) -> str:
    return visible(client.get("/telephone/waiting").text)


@pytest.mark.parametrize("number", [HER_LINE, "0951-0000001", HER_WATCH])
def test_her_number_shows_her_card(li: httpx.Client, pbx: Pbx, number: str) -> None:
    pbx.rings(number)
    shown = band(li)
    for words in ("王秀英", "82 岁", "和平里 3 号楼 2 单元 501", "物业前台", "王小明 儿子", "接听", "来电等待接听"):
        assert words in shown
    assert "4471" not in shown, "a door code is asked for"


def test_sons_number_says_whose_son_he_is(li: httpx.Client, pbx: Pbx) -> None:
    pbx.rings(SON)
    assert "王小明（王秀英的儿子）" in band(li)


def test_number_of_several_residents_shows_each(li: httpx.Client, world: World, pbx: Pbx) -> None:
    world.circle("liu", "son", "侄子", 60)
    pbx.rings(SON)
    shown = band(li)
    assert "王秀英" in shown
    assert "刘桂芳" in shown
    assert calls(world)[0]["incident_id"] is None


def test_call_of_a_resident_with_an_open_case_joins_it(li: httpx.Client, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-wang")
    pbx.rings(HER_LINE)
    assert calls(world)[0]["incident_id"] == case
    assert chain_of(world, case) == ["call_came_in"]
    assert f"打开警情 {case}" in band(li)


def test_answer_takes_the_case(li: httpx.Client, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-wang")
    reference = pbx.rings(HER_LINE)
    (call,) = calls(world)
    assert press(li, f"/telephone/{call['id']}/answer").headers["location"] == f"/incidents/{case}"
    assert world.sql("select state, handler_id from incident") == [("taken", world.people["li"])]
    pbx.say("answered", reference=reference, direction="in", extension="8001")
    pbx.say("ended", reference=reference, direction="in", seconds=95)
    assert chain_of(world, case) == ["call_came_in", "call_answered", "call_ended"]
    assert (calls(world)[0]["seconds"], calls(world)[0]["operator_id"]) == (95, world.people["li"])
    assert "王秀英" not in band(li)


def test_receiver_that_is_lifted_takes_the_case_without_a_press(console: Served, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-wang")
    reference = pbx.rings(HER_LINE)
    pbx.say("answered", reference=reference, direction="in", extension="8002")
    assert world.sql("select state, handler_id from incident where id = %(i)s", i=case) == [
        ("taken", world.people["chen"])
    ]


def test_two_operators_never_have_the_same_call(
    li: httpx.Client, chen: httpx.Client, world: World, pbx: Pbx
) -> None:  # fmt: skip
    pbx.rings(HER_LINE)
    path = f"/telephone/{calls(world)[0]['id']}/answer"
    assert press(li, path).status_code == 303
    assert press(chen, path).status_code == 409
    assert press(li, path).status_code == 303
    assert "王秀英" not in band(chen)
    assert "由您接听" in band(li)


def test_call_of_a_resident_becomes_a_case_that_rings_nobody_else(li: httpx.Client, world: World, pbx: Pbx) -> None:
    pbx.rings(HER_LINE)
    number = calls(world)[0]["id"]
    press(li, f"/telephone/{number}/answer")
    answer = press(li, f"/telephone/{number}/case", resident=world.residents["wang"])
    ((case, state, handler, resident, kind),) = world.sql(
        "select id, state, handler_id, resident_id, kind from incident"
    )
    assert answer.headers["location"] == f"/incidents/{case}"
    assert (state, handler, resident, kind) == ("taken", world.people["li"], world.residents["wang"], "sos")
    assert world.sql("select count(*) from page where state in ('ready', 'sending', 'sent')") == [(0,)]
    assert chain_of(world, case) == ["call_joined"]
    press(li, f"/telephone/{number}/case", resident=world.residents["wang"])
    assert world.sql("select count(*) from incident") == [(1,)]
    assert "王秀英" in li.get(f"/incidents/{case}").text


def test_unknown_number_is_a_card_that_can_be_made_a_case(li: httpx.Client, world: World, pbx: Pbx) -> None:
    for number in (NOBODY, ""):
        pbx.rings(number)
    shown = band(li)
    assert "陌生号码来电" in shown
    assert "+8613912345678" in shown
    assert "未显示号码" in shown
    for call in calls(world):
        press(li, f"/telephone/{call['id']}/answer")
        assert press(li, f"/telephone/{call['id']}/case").status_code == 303
    cases = world.sql("select dedup_key, handler_id from incident order by id")
    assert cases == [(f"call:{c['id']}", world.people["li"]) for c in calls(world)], "two callers are two cases"
    assert li.get("/incidents/1").status_code == li.get("/").status_code == 200


def test_nobody_answered_and_the_call_stays_until_somebody_has_seen_to_it(
    li: httpx.Client, chen: httpx.Client, world: World, pbx: Pbx
) -> None:  # fmt: skip
    reference = pbx.rings(HER_LINE)
    pbx.say("failed", reference=reference, direction="in")
    for desk in (li, chen):
        assert "未接来电" in band(desk)
    number = calls(world)[0]["id"]
    assert press(li, f"/telephone/{number}/answer").status_code == 409
    assert press(li, f"/telephone/{number}/seen").status_code == 303
    assert "未接来电" not in band(chen)
    assert world.sql("select seen_by, why from telephone_call") == [(world.people["li"], "missed")]


def test_ringing_call_cannot_be_waved_away(li: httpx.Client, world: World, pbx: Pbx) -> None:
    pbx.rings(HER_LINE)
    press(li, f"/telephone/{calls(world)[0]['id']}/seen")
    assert "来电等待接听" in band(li)


def test_answered_report_that_overtakes_the_ringing_one_is_a_call_all_the_same(
    console: Served, world: World, pbx: Pbx
) -> None:
    pbx.say("answered", reference="in-77", direction="in", **{"from": HER_LINE})
    pbx.say("ringing", reference="in-77", direction="in", **{"from": HER_LINE})
    assert [c["state"] for c in calls(world)] == ["answered"]


def test_protected_record_shows_a_name_and_no_card(li: httpx.Client, world: World, pbx: Pbx) -> None:
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    pbx.rings(HER_LINE)
    shown = band(li)
    assert "王秀英" in shown
    assert "受保护的档案" in shown
    assert "501" not in shown


def test_calls_are_for_the_desk_alone(world: World, li: httpx.Client) -> None:
    li.cookies.clear()
    assert li.get("/telephone/waiting").status_code == 401
    assert li.post("/telephone/1/answer").status_code == 401
