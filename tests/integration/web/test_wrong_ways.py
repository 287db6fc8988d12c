"""Links that are none, old pages, what is somebody else's by now: a clear answer, nothing done, and counted."""

import re

import httpx
import pytest

from hub import desk
from tests.integration.web.conftest import Served
from tests.integration.web.seen import visible
from tests.integration.web.test_family import link as family_link
from tests.integration.web.test_phone import link_of
from tests.integration.web.test_responder import Guard, closes, guard
from tests.integration.web.world import World, csrf_of, sign_in

__all__ = ["guard"]  # a fixture
PAGE = {"accept": "text/html"}
FORGED = "A" * 38
WORDS = {"zh-CN": "链接已失效", "en": "link has e"}
STATE = (
    "select (select count(*) from incident_event), (select count(*) from response), (select count(*) from access_log),"
    " (select count(*) from contact_asked), (select count(*) from quiet_night), (select count(*) from device_event)"
)


def counted(client: httpx.Client, area: str, status: int) -> float:
    line = rf'^carehub_console_refusals_total{{area="{area}",status="{status}"}} (\S+)$'
    found = re.search(line, client.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


LINKS = [
    ("GET", f"/r/{FORGED}", "r"), ("GET", f"/me/{FORGED}", "me"), ("GET", f"/f/{FORGED}", "f"),
    ("GET", f"/me/contact/{FORGED}", "me"), ("POST", f"/me/contact/{FORGED}", "me"),
    ("POST", f"/me/{FORGED}/duty", "me"), ("POST", f"/me/{FORGED}/language", "me"),
    ("GET", f"/me/{FORGED}/orders/1", "me"), ("GET", f"/f/{FORGED}/1/history", "f"),
    ("GET", f"/f/{FORGED}/1/measured", "f"), ("POST", f"/f/{FORGED}/1/away", "f"), ("POST", f"/f/{FORGED}/night", "f"),
]  # fmt: skip


@pytest.mark.parametrize("language", WORDS)
def test_link_that_is_none_says_so_in_the_readers_language_and_is_counted(
    visitor: httpx.Client, world: World, language: str
) -> None:
    state = world.sql(STATE)
    for method, path, area in LINKS:
        before = counted(visitor, area, 410)
        answer = visitor.request(method, path, headers={**PAGE, "accept-language": language}, data={"say": "yes"})
        assert answer.status_code == 410, path
        assert WORDS[language] in visible(answer.text), path
        assert counted(visitor, area, 410) == before + 1, path
    assert world.sql(STATE) == state


@pytest.mark.parametrize("language", WORDS)
def test_program_at_a_link_that_is_none_reads_the_same_words(visitor: httpx.Client, language: str) -> None:
    said = {"accept-language": language}
    for answer in (
        visitor.post(f"/r/{FORGED}/answer", json={"verb": "accept", "nonce": "n"}, headers=said),
        visitor.get(f"/r/{FORGED}/state", headers=said),
        visitor.post(f"/me/{FORGED}/quiet", json={}, headers=said),
    ):
        assert (answer.status_code, answer.json()["error"]) == (410, "link")
        assert WORDS[language] in answer.json()["text"]


def test_relative_at_somebody_elses_page_is_led_to_his_own_and_not_to_the_console(
    visitor: httpx.Client, world: World
) -> None:
    before = counted(visitor, "f", 404)
    answer = visitor.get(f"{family_link(world)}/{world.residents['zhang']}/measured", headers=PAGE)
    assert (answer.status_code, "张德福" in answer.text) == (404, False)
    assert "请回到您自己的页面" in visible(answer.text)
    assert 'href="/"' not in answer.text
    assert counted(visitor, "f", 404) == before + 1


def test_link_of_yesterday_opens_nothing(guard: Guard) -> None:
    before = guard.world.sql(STATE)
    guard.world.sql("insert into clock (at) values (clock_timestamp() + interval '13 hours')")
    page = guard.client.get(guard.path, headers=PAGE)
    assert (page.status_code, "王秀英" in page.text) == (410, False)
    assert guard.says("accept").status_code == 410
    assert guard.client.post(f"{guard.path}/answer", data={"verb": "accept", "nonce": "f"}).status_code == 303
    assert guard.world.sql(STATE) == before


def test_personal_link_is_no_call_and_a_calls_link_no_personal_one(guard: Guard) -> None:
    own = link_of(guard.world, "guard").removeprefix("/me/")
    for path in (f"/r/{own}", guard.path.replace("/r/", "/me/"), guard.path.replace("/r/", "/f/"), f"/f/{own}"):
        answer = guard.client.get(path, headers=PAGE)
        assert (answer.status_code, "王秀英" in answer.text) == (410, False), path


def test_old_page_of_a_case_that_has_ended_changes_nothing(guard: Guard, li: httpx.Client) -> None:
    guard.says("accept")
    closes(li, guard.incident)
    before, counts = guard.world.sql(STATE), counted(guard.client, "r", 409)
    late = guard.says("arrived")
    assert (late.status_code, late.json()["error"], late.json()["view"]) == (409, "ended", "closed")
    assert late.json()["text"] == "这起警情已结束；新的呼叫会成为新的警情"
    page = guard.client.post(f"{guard.path}/answer", data={"verb": "arrived", "nonce": "by-form"}, headers=PAGE)
    assert "这起警情已结束" in visible(page.text)
    assert "王秀英" not in page.text, "it is over: she is nobody's any more"
    assert guard.world.sql(STATE) == before
    assert counted(guard.client, "r", 409) == counts + 1


def test_old_page_of_a_case_that_another_has_says_who_goes(guard: Guard, visitor: httpx.Client) -> None:
    guard.says("accept")
    guard.says("en_route")
    world = guard.world
    family = Guard(visitor, world, guard.incident, "son")
    refused = family.says("accept")
    assert (refused.status_code, refused.json()["error"], refused.json()["view"]) == (
        409,
        "already_taken",
        "stood_down",
    )
    assert "物业 已经在处理" in refused.json()["lead"]
    responder = "select responder_id from incident where id = %(i)s"
    assert world.sql(responder, i=guard.incident) == [(world.people["guard"],)]


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "页面已过期"), ("en", "page had expired")])
def test_consoles_old_form_is_refused_in_the_persons_own_language(
    li: httpx.Client, world: World, language: str, words: str
) -> None:
    case = world.alert("watch-wang")
    world.sql("update person set language = %(l)s", l=language)
    other = {**PAGE, "accept-language": "en" if language == "zh-CN" else "zh-CN"}
    before, counts = world.sql(STATE), counted(li, "console", 403)
    for path, data in (
        (f"/incidents/{case}/take", {"csrf": "of an earlier session"}),
        (f"/install/devices/{world.devices['stray']}/bind", {"csrf": "of an earlier session", "resident": "1"}),
    ):
        answer = li.post(path, data=data, headers=other)
        assert answer.status_code == 403
        assert words in visible(answer.text)
    assert world.sql(STATE) == before
    assert (counted(li, "console", 403), counted(li, "install", 403) > 0) == (counts + 1, True)


def test_form_of_somebody_signed_out_elsewhere_says_that_nothing_was_done(console: Served, world: World) -> None:
    case = world.alert("watch-wang")
    with console.client() as client:
        sign_in(client)
        token = csrf_of(client.get("/").text)
        world.sql("delete from web_session")
        before = world.sql(STATE)
        for headers, words in (
            ({**PAGE, "accept-language": "zh"}, "什么都没有做"),
            ({"accept-language": "en"}, "nothing was done"),
        ):
            answer = client.post(f"/incidents/{case}/take", data={"csrf": token}, headers=headers)
            assert answer.status_code == 401
            assert words in answer.text
        assert world.sql(STATE) == before


def test_old_page_of_a_colleagues_case_says_whose_it_is(li: httpx.Client, chen: httpx.Client, world: World) -> None:
    case = world.alert("watch-wang")
    token = csrf_of(li.get("/").text)
    world.run(lambda conn: desk.take(conn, case, world.people["chen"]))
    before = world.sql(STATE)
    answer = li.post(f"/incidents/{case}/take", data={"csrf": token}, headers=PAGE)
    assert answer.status_code == 409
    assert "已有人接警" in visible(answer.text)
    assert world.sql(STATE) == before
