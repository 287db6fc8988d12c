"""Duty lists and coverage in the browser's own words: who may change what, and what comes of it."""

import asyncio
import html
import re

import httpx
import pytest

from hub.store import coverage
from tests.integration.web.world import World, csrf_of, sign_in

LIST = "物业保安"


@pytest.fixture
def supervisor(world: World, chen: httpx.Client) -> httpx.Client:
    """Whoever signs in as chen may change lists."""
    world.sql("update person set role = 'supervisor' where login = 'chen'")
    return chen


def post(client: httpx.Client, path: str, **fields: object) -> httpx.Response:
    csrf = csrf_of(client.get("/rosters").text)
    return client.post(path, data={"csrf": csrf, "name": LIST, **fields})


def made(client: httpx.Client) -> httpx.Client:
    assert post(client, "/rosters/list", zone="Asia/Shanghai", role="property", needs_check_in="1").status_code == 303
    return client


def guard(world: World) -> int:
    return next(number for short, number in world.people.items() if world.sql(
        "select role from person where id = %(p)s", p=number)[0][0] == "property")  # fmt: skip


def turns(world: World, client: httpx.Client, **changes: object) -> httpx.Response:
    fields = {"people": str(guard(world)), "first_day": "2026-01-01", "turn_days": "1", "hand_over": "08:00",
              "from": "00:00", "to": "00:00", "days": "any", "weekday": [str(n) for n in range(1, 8)]}  # fmt: skip
    return post(client, "/rosters/rotation", **(fields | changes))


def test_supervisor_makes_a_list_with_a_rotation_and_sees_who_is_on(world: World, supervisor: httpx.Client) -> None:
    assert turns(world, made(supervisor)).status_code == 303
    name = world.sql("select name from person where id = %(p)s", p=guard(world))[0][0]
    page = supervisor.get("/rosters", params={"name": LIST}).text
    assert page.count(name) > 3
    assert "尚未签到" in page
    assert post(supervisor, "/rosters/check_in", person=guard(world)).status_code == 303
    assert "已签到" in supervisor.get("/rosters", params={"name": LIST}).text
    assert world.sql("select via from check_in") == [("console",)]


def test_override_is_written_shown_and_taken_back(world: World, supervisor: httpx.Client) -> None:
    turns(world, made(supervisor))
    sent = {"off": guard(world), "on": "", "from": "2030-01-01T08:00", "to": "2030-01-01T20:00", "reason": "病假"}
    assert post(supervisor, "/rosters/override", **(sent | {"from": "2030-01-02T08:00"})).status_code == 422
    assert post(supervisor, "/rosters/override", **sent).status_code == 303
    ((number, by),) = world.sql("select id, by_id from shift_override")
    assert by == world.people["chen"]
    assert post(supervisor, f"/rosters/override/{number}/drop").status_code == 303
    assert post(supervisor, f"/rosters/override/{number}/drop").status_code == 409
    assert world.sql("select count(*) from shift_override") == [(0,)]


@pytest.mark.parametrize(
    ("language", "fault"), [("zh-CN", "时间不对：结束要晚于开始"), ("en", "The time is wrong: it ends after it begins")]
)
def test_override_that_ends_before_it_begins_says_so_in_its_form_and_keeps_what_was_typed(
    world: World, supervisor: httpx.Client, language: str, fault: str
) -> None:
    turns(world, made(supervisor))
    world.sql("update person set language = %(l)s where login = 'chen'", l=language)
    sent = {"off": guard(world), "from": "2030-01-02T08:00", "to": "2030-01-01T20:00", "reason": "病假 <周二>"}
    again = post(supervisor, "/rosters/override", **sent)
    assert again.status_code == 422
    form = again.text.partition('action="/rosters/override"')[2].partition("</form>")[0]
    assert fault in form
    for kept in ('value="2030-01-02T08:00"', 'value="2030-01-01T20:00"', 'value="病假 &lt;周二&gt;"',
                 f'value="{guard(world)}" selected', f'name="name" value="{LIST}"'):  # fmt: skip
        assert kept in form
    assert again.text.count(fault) == 1
    assert again.text.count("2030-01-02T08:00") == 1, "in no other form"
    assert world.sql("select count(*) from shift_override") == [(0,)]


def test_faulty_rotation_stands_open_with_what_was_typed_and_the_saved_one_as_it_is(
    world: World, supervisor: httpx.Client
) -> None:
    turns(world, made(supervisor))
    again = turns(world, supervisor, people="某某", turn_days="3", weekday=["2", "4"])
    saved, fresh = again.text.split('action="/rosters/rotation"')[1:]
    assert "找不到“某某”" in fresh
    assert 'value="某某"' in fresh
    assert 'name="turn_days" min="1" max="366" value="3"' in fresh
    assert fresh.count(" checked") - fresh.partition("</form>")[2].count(" checked") == 2
    assert "某某" not in saved.partition("</form>")[0]


def test_new_list_in_no_zone_and_a_change_to_a_list_that_is_gone_say_so_on_the_page(
    world: World, supervisor: httpx.Client
) -> None:
    made(supervisor)
    again = post(supervisor, "/rosters/list", name="夜班", zone="China", needs_check_in="1")
    form = again.text.partition('action="/rosters/list"')[2].partition("</form>")[0]
    for kept in ("没有时区“China”", 'value="夜班"', 'value="China"', 'value="1" checked'):
        assert kept in form
    gone = post(supervisor, "/rosters/shift", name="早班", person=guard(world), **{"from": "x", "to": "y"})
    assert gone.status_code == 422
    assert "时间不对" in gone.text.partition('class="rota"')[0], "in no form: it would be saved to another list"


@pytest.mark.parametrize(
    "path", ["list", "shift", "override", "rotation", "check_in", "import", "rotation/1/end", "shift/1/drop"]
)
def test_operator_reads_and_changes_nothing(world: World, li: httpx.Client, path: str) -> None:
    assert li.get("/rosters").status_code == 200
    assert li.get("/coverage").status_code == 200
    assert post(li, f"/rosters/{path}").status_code == 403
    assert li.post(f"/rosters/{path}", data={"csrf": "forged", "name": LIST}).status_code == 403
    assert world.sql("select count(*) from roster") == [(0,)]


def test_stranger_is_sent_to_sign_in(visitor: httpx.Client) -> None:
    for path in ("/rosters", "/coverage"):
        assert visitor.get(path, headers={"accept": "text/html"}).headers["location"] == f"/login?next={path}"
    assert visitor.get("/rosters/export").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"people": "nobody"}, {"people": ""}, {"first_day": "soon"}, {"turn_days": "0"}, {"turn_days": "999"},
        {"weekday": []}, {"weekday": ["", "12"]}, {"hand_over": "25:00"}, {"days": "sometimes"}, {"name": ""},
    ],
)  # fmt: skip
def test_rotation_that_makes_no_sense_is_refused(
    world: World, supervisor: httpx.Client, wrong: dict[str, object]
) -> None:
    assert turns(world, made(supervisor), **wrong).status_code == 422
    assert world.sql("select count(*) from rotation") == [(0,)]


def test_list_in_a_zone_that_is_none_and_a_rotation_of_no_list_are_refused(
    world: World, supervisor: httpx.Client
) -> None:
    assert post(supervisor, "/rosters/list", zone="China").status_code == 422
    assert turns(world, supervisor).status_code == 409


def test_file_is_looked_at_first_and_taken_on_the_second_word(world: World, supervisor: httpx.Client) -> None:
    text = f"roster,person,from,to\n{LIST},{guard(world)},2030-01-01 08:00,2030-01-01 20:00\n"
    made(supervisor)
    seen = post(supervisor, "/rosters/import", sent=text, do="check")
    assert "新增 1" in seen.text
    assert world.sql("select count(*) from shift where source = 'import'") == [(0,)]
    assert "已导入" in post(supervisor, "/rosters/import", sent=text, do="take").text
    assert world.sql("select count(*) from shift where source = 'import'") == [(1,)]


def test_faulty_file_says_which_line_and_takes_nothing(world: World, supervisor: httpx.Client) -> None:
    text = f"roster,person,from,to\n{LIST},<b>x</b>,2030-01-01 08:00,2030-01-01 20:00\n"
    answer = post(made(supervisor), "/rosters/import", sent=text, do="take")
    assert "第 2 行" in answer.text
    assert "<b>x</b>" not in answer.text
    assert world.sql("select count(*) from shift where source = 'import'") == [(0,)]


@pytest.mark.parametrize(
    ("form", "kind", "begins"),
    [("csv", "text/csv", "\ufeffroster,person"), ("ics", "text/calendar", "BEGIN:VCALENDAR")],
)
def test_list_is_exported(world: World, supervisor: httpx.Client, form: str, kind: str, begins: str) -> None:
    turns(world, made(supervisor))
    answer = supervisor.get("/rosters/export", params={"name": LIST, "form": form})
    assert answer.headers["content-type"].startswith(kind)
    assert answer.text.startswith(begins)
    assert "attachment" in answer.headers["content-disposition"]


def test_coverage_shows_holes_as_work_and_an_area_by_the_hour(world: World, li: httpx.Client) -> None:
    assert "还没有计算" in li.get("/coverage").text
    world.run(coverage.recompute)
    page = li.get("/coverage").text
    assert "距离未知" in page or "无人可到" in page
    area = li.get("/coverage", params={"area": "和平社区"}).text
    assert area.count('<svg viewBox="0 0 336 10"') == len(world.residents)
    assert "<rect" in area


def test_hole_of_an_area_leads_to_the_duty_list_that_fills_it(world: World, supervisor: httpx.Client) -> None:
    world.run(coverage.recompute)
    world.sql("delete from coverage_hole")  # what that finds is of this week, whichever it is
    world.sql("insert into coverage_hole (kind, area, roster, residents, people, first_hour, last_hour)"
              " values ('nobody', '和平社区', '', '{}', '{}', '2026-11-22 17:00+00', '2026-11-22 18:00+00'),"
              " ('unreachable', '光明社区', '', '{}', '{}', '2026-11-22 17:00+00', '2026-11-22 18:00+00')")  # fmt: skip
    work = supervisor.get("/coverage").text.partition('id="work"')[2]
    assert '<a href="/rosters">尚无班表，去建一张</a>' in work
    made(supervisor)
    hours = {"from": "2030-01-01T08:00", "to": "2030-01-01T20:00"}
    assert post(supervisor, "/rosters/shift", person=guard(world), **hours).status_code == 303
    work = supervisor.get("/coverage").text.partition('id="work"')[2]
    (href,) = set(re.findall(r'补班：<a href="(/rosters\?name=[^"]+)"', work))
    assert href.endswith("week=2026-11-23")  # there it is Monday already
    page = supervisor.get(html.unescape(href)).text
    assert LIST in page
    assert "11-23" in page


def test_opened_strip_tells_who_could_come_and_what_calls_them(world: World, li: httpx.Client) -> None:
    area = li.get("/coverage", params={"area": "和平社区"}).text
    resident, name, person = world.sql(
        "select r.id, r.name, p.name from resident r join care_circle c on c.resident_id = r.id join person p"
        " on p.id = c.person_id join contact k on k.person_id = p.id where p.role = 'family' and r.area = '和平社区'"
    )[0]
    assert f'href="/coverage/residents/{resident}"' in area
    page = li.get(f"/coverage/residents/{resident}").text
    for words in (name, person, "家属", "随时可叫", "第 1 步"):
        assert words in page
    assert "coverage." not in page.replace("/coverage", "")
    for nobody in ("0", "999999", "x", str(2**63)):
        assert li.get(f"/coverage/residents/{nobody}").status_code in {404, 422}


@pytest.mark.parametrize("query", ["area=%00", "area=" + "x" * 500, "area='"])
def test_area_nobody_lives_in_is_an_empty_page(li: httpx.Client, query: str) -> None:
    assert li.get(f"/coverage?{query}").status_code == 200


@pytest.mark.parametrize(
    "query", ["name=%00", "week=2026-99-99", "week=0001-01-01", "name=" + "x" * 500, "week=9999-12-31"]
)
def test_odd_addresses_of_a_week_are_answered(supervisor: httpx.Client, query: str) -> None:
    made(supervisor)
    assert supervisor.get(f"/rosters?{query}").status_code == 200


def test_pages_speak_english(world: World, visitor: httpx.Client) -> None:
    world.sql("update person set language = 'en' where login = 'li'")
    assert sign_in(visitor, "li").status_code == 303
    world.run(coverage.recompute)
    for path, words in (("/rosters", "Duty lists"), ("/coverage", "Work to do")):
        page = visitor.get(path).text
        assert words in page
        assert "rosters." not in page.replace("/rosters", "")


def test_two_look_at_an_area_at_once(world: World, li: httpx.Client) -> None:
    async def both() -> list[int]:
        async with httpx.AsyncClient(base_url=li.base_url, cookies=li.cookies, trust_env=False) as client:
            answers = await asyncio.gather(*(client.get("/coverage", params={"area": "和平社区"}) for _ in range(3)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(both()) == [200, 200, 200]
