"""An operator calls from the case: her telephone rings, then the other; each step is in the chain."""

import httpx

from hub.chain import verify
from hub.store import incidents as cases
from tests.integration.telephony.desk import call_son, calls, chain_of, press, told
from tests.integration.telephony.pbx import HANG, Pbx
from tests.integration.web.world import World


def test_operator_calls_the_son_and_the_case_tells_every_step(li: httpx.Client, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-wang")
    assert call_son(li, world, case).status_code == 303
    assert (pbx.order["desk"], pbx.order["number"], pbx.order["record"]) == ("8001", "+8613800000001", True)
    for event in ("ringing_desk", "ringing", "answered"):
        assert pbx.say(event).status_code == 200
    pbx.say("ended", seconds=41)
    assert pbx.faults == []
    (call,) = calls(world)
    assert (call["state"], call["seconds"], call["operator_id"]) == ("ended", 41, world.people["li"])
    events = told(world, case)
    assert [e[0] for e in events] == [
        "call_started",
        "call_ringing_desk",
        "call_ringing",
        "call_answered",
        "call_ended",
    ]
    assert events[0][2] == f"person:{world.people['li']}"
    assert events[-1][1] == {
        "call": call["id"], "party": "contact", "person": world.people["son"], "seconds": 41,
    }  # fmt: skip
    verify(case, world.run(lambda conn: cases.chain_of(conn, case)))
    page = li.get(f"/incidents/{case}").text
    assert "王小明" in page
    assert "与王小明通话结束，41 秒" in page
    assert "138" not in str(events), "a number is never in a chain"


def test_her_own_telephone_and_her_watch_can_be_called(li: httpx.Client, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-wang")
    path = f"/telephone/cases/{case}/call"
    assert press(li, path, party="resident", id=world.residents["wang"]).status_code == 303
    assert pbx.order["number"] == "+869510000001"
    assert press(li, path, party="device", id=world.devices["watch-wang"]).status_code == 303
    assert pbx.order["number"] == "+861064000000077"
    assert [c["party"] for c in calls(world)] == ["resident", "device"]


def test_the_same_press_twice_is_one_call(li: httpx.Client, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-wang")
    for _ in range(3):
        assert call_son(li, world, case, "the same press").status_code == 303
    assert len(calls(world)) == len(pbx.orders) == 1


def test_nobody_is_called_who_does_not_belong_to_the_case(li: httpx.Client, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-zhang")
    refused = call_son(li, world, case)
    assert refused.status_code == 409
    assert "不在本警情" in refused.text
    assert calls(world) == []
    assert pbx.asked == []


def test_operator_without_a_telephone_is_told(li: httpx.Client, world: World) -> None:
    world.sql("update person set extension = '' where id = %(p)s", p=world.people["li"])
    case = world.alert("watch-wang")
    refused = call_son(li, world, case)
    assert refused.status_code == 409
    assert "话机" in refused.text


def test_ended_case_calls_nobody(li: httpx.Client, world: World) -> None:
    case = world.alert("watch-wang")
    press(li, f"/incidents/{case}/take")
    press(li, f"/incidents/{case}/close", disposition="accidental", done="问过", with_whom="本人", how="voice",
          called_back="yes")  # fmt: skip
    assert call_son(li, world, case).status_code == 409
    assert calls(world) == []


def test_key_that_sticks_makes_six_calls_a_minute_and_no_more(li: httpx.Client, world: World) -> None:
    case = world.alert("watch-wang")
    codes = [call_son(li, world, case, f"press {n}").status_code for n in range(8)]
    assert codes == [303] * 6 + [409] * 2


def test_refusal_of_the_provider_is_shown_with_its_reason(li: httpx.Client, world: World, pbx: Pbx) -> None:
    pbx.next = ["desk_busy"]
    case = world.alert("watch-wang")
    assert call_son(li, world, case).status_code == 303
    (call,) = calls(world)
    assert (call["state"], call["why"]) == ("failed", "desk_busy")
    assert told(world, case)[-1][1]["failed"] == "desk_busy"
    assert "坐席话机占线" in li.get(f"/incidents/{case}").text


def test_provider_that_is_overloaded_once_is_asked_again_under_the_same_number(
    li: httpx.Client, world: World, pbx: Pbx
) -> None:  # fmt: skip
    pbx.next = [503]
    case = world.alert("watch-wang")
    call_son(li, world, case)
    assert pbx.asked == ["POST /box/calls"] * 2
    assert len(pbx.orders) == 1
    assert calls(world)[0]["reference"] == pbx.order["reference"]


def test_answer_that_was_lost_is_one_call_all_the_same(li: httpx.Client, world: World, pbx: Pbx) -> None:
    """The PBX took the order and its answer never came: asked again it knows the number, and calls once."""
    pbx.next = [HANG]
    case = world.alert("watch-wang")
    call_son(li, world, case)
    assert len(pbx.orders) == 1
    assert calls(world)[0]["state"] == "asked"
    pbx.say("ringing")
    assert calls(world)[0]["state"] == "ringing"


def test_hanging_up_reaches_the_provider_and_the_chain(li: httpx.Client, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-wang")
    call_son(li, world, case)
    pbx.say("ringing")
    assert press(li, f"/telephone/{calls(world)[0]['id']}/hang_up").status_code == 303
    assert pbx.hung_up == [pbx.order["reference"]]
    assert (calls(world)[0]["state"], calls(world)[0]["why"]) == ("failed", "cancelled")
    pbx.say("failed", why="cancelled")  # the provider says so as well
    assert chain_of(world, case) == ["call_started", "call_ringing", "call_failed"]


def test_recording_is_a_pointer_and_opening_it_needs_a_reason_and_is_logged(
    li: httpx.Client, world: World, pbx: Pbx
) -> None:  # fmt: skip
    case = world.alert("watch-wang")
    call_son(li, world, case)
    pbx.say("answered")
    pbx.say("ended", seconds=9)
    pbx.say("recorded", recording="https://pbx.example.org/rec/77.wav")
    (call,) = calls(world)
    assert call["recording"].endswith("77.wav")
    assert "77.wav" not in li.get(f"/incidents/{case}").text
    path = f"/telephone/{call['id']}/recording"
    assert press(li, path, reason="  ").status_code == 409
    assert world.sql("select count(*) from access_log") == [(0,)]
    shown = press(li, path, reason="家属投诉，核对通话")
    assert 'href="https://pbx.example.org/rec/77.wav"' in shown.text
    assert 'rel="noopener noreferrer"' in shown.text
    assert world.sql("select person_id, resident_id, incident_id, what, reason from access_log") == [
        (world.people["li"], world.residents["wang"], case, "recording: console", "家属投诉，核对通话")
    ]
    assert chain_of(world, case)[-1] == "call_recorded"


def test_recording_with_an_address_that_runs_something_is_text(li: httpx.Client, world: World, pbx: Pbx) -> None:
    case = world.alert("watch-wang")
    call_son(li, world, case)
    pbx.say("recorded", recording="javascript:alert(1)")
    shown = press(li, f"/telephone/{calls(world)[0]['id']}/recording", reason="核对")
    assert "href" not in shown.text
    assert "<code>javascript:alert(1)</code>" in shown.text
