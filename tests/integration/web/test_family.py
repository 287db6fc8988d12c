"""A family's page: what it tells with her consent, and what it never tells."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from alerts.model import Disposition
from hub import desk
from hub.answers import Verb
from hub.store import phone
from hub.store.pool import Connection
from tests.integration.web.conftest import Served
from tests.integration.web.seen import visible
from tests.integration.web.world import World


def consent(world: World, resident: str, *, given: bool = True, scope: str = "{}") -> None:
    world.sql(
        "insert into consent (resident_id, given, said_by, read_by, text_version, language, at, scope) values"
        " (%(r)s, %(given)s, 'herself', %(by)s, '2026-11', 'zh-CN', hub_now(), %(scope)s)",
        r=world.residents[resident], given=given, by=world.people["li"], scope=scope,
    )  # fmt: skip


def link(world: World, person: str = "son") -> str:
    async def made(conn: Connection) -> str:
        return (await phone.make_link(conn, world.people[person]))[0]

    return f"/f/{world.run(made)}"


@pytest.fixture
def son(world: World, console: Served) -> Iterator[httpx.Client]:
    """The son's phone: his page's address is the client's base."""
    consent(world, "wang")
    with httpx.Client(base_url=f"{console.url}{link(world)}", trust_env=False, timeout=20) as client:
        yield client


def page_of(client: httpx.Client) -> str:
    answer = client.get(str(client.base_url).rstrip("/"))
    assert answer.status_code == 200
    return answer.text


def seen(client: httpx.Client) -> str:
    return visible(page_of(client))


def test_quiet_day_says_so_with_the_devices_state(world: World, son: httpx.Client) -> None:
    world.heart_rates("watch-wang", [70, 72, 74])
    shown = seen(son)
    for words in ("王秀英", "您是：儿子", "现在一切平静", "电量 61 %", "戴着", "腕表 W2", "刚刚有信号"):
        assert words in shown
    assert "很久没有信号" in shown, "the button was never heard of"


def test_her_call_is_followed_from_asking_to_who_is_with_her(world: World, son: httpx.Client) -> None:
    case = world.alert("watch-wang", "fall")
    assert "正在叫人" in seen(son)
    li, guard = world.people["li"], world.people["guard"]
    world.run(lambda conn: desk.take(conn, case, li))
    assert "中心正在处理" in seen(son)
    world.run(lambda conn: desk.dispatch(conn, case, li, guard))
    page = world.sql("select id from page where person_id = %(p)s order by id desc limit 1", p=guard)[0][0]
    world.run(lambda conn: desk.answer(conn, guard, page, "a", Verb.ACCEPT))
    world.run(lambda conn: desk.answer(conn, guard, page, "b", Verb.EN_ROUTE))
    shown = seen(son)
    assert "有人正在赶去" in shown
    assert "物业 赵保安" in shown
    world.run(lambda conn: desk.answer(conn, guard, page, "c", Verb.ARRIVED))
    assert "谁在她身边 物业 赵保安" in seen(son)
    world.run(lambda conn: desk.answer(conn, guard, page, "d", Verb.HANDED_OVER, "120 宁A·120"))
    assert "谁在她身边 120 宁A·120" in seen(son)


def test_page_knows_when_something_changed_and_a_heartbeat_is_nothing(world: World, son: httpx.Client) -> None:
    world.heart_rates("watch-wang", [70])
    before = son.get("/state").json()["version"]
    assert f'data-version="{before}"' in page_of(son)
    world.heart_rates("watch-wang", [71])
    assert son.get("/state").json()["version"] == before
    world.alert("watch-wang")
    assert son.get("/state").json()["version"] != before


@pytest.mark.parametrize(
    ("words", "said"),
    [("还没有征得长者同意", []), ("没有同意", ["no"]), ("已收回同意", ["yes", "no"]), ("没有同意", ["research"])],
)
def test_without_her_consent_nothing_of_her_is_shown(
    world: World, console: Served, words: str, said: list[str]
) -> None:  # fmt: skip
    for one in said:
        consent(world, "wang", given=one != "no", scope="{research}" if one == "research" else "{}")
    world.heart_rates("watch-wang", [70])
    world.alert("watch-wang")
    path = link(world)
    with console.client() as client:
        page = client.get(path).text
        shown = visible(page)
        assert words in shown
        for secret in ("正在叫人", "腕表", "61 %", "0951", "以前的呼叫"):
            assert secret not in shown
        her = world.residents["wang"]
        for part in ("history", "away"):
            assert client.get(f"{path}/{her}/{part}").status_code == 404
        assert client.post(f"{path}/{her}/away", data={"ends": "2030-01-01"}).status_code == 404
    assert world.sql("select count(*) from absence") == [(0,)]


def test_health_is_shown_where_her_consent_says_so_and_nowhere_else(world: World, son: httpx.Client) -> None:
    world.heart_rates("watch-wang", [70, 72, 111])
    assert "心率" not in seen(son)
    consent(world, "wang", scope="{family_health}")
    assert "心率 111 次/分 血氧 95 %" in seen(son)


def test_door_code_health_notes_and_other_residents_never_show(world: World, son: httpx.Client) -> None:
    world.alert("watch-wang")
    world.alert("watch-zhang")
    page = page_of(son)
    for secret in ("4471", "张德福", "心衰", "物业前台"):
        assert secret not in page
    assert son.get(f"/{world.residents['zhang']}/history").status_code == 404
    assert son.post(f"/{world.residents['zhang']}/contact", data={"say": "yes"}).status_code == 404


def test_several_residents_stand_on_one_page(world: World, son: httpx.Client) -> None:
    world.circle("liu", "son", "侄子", 60)
    consent(world, "liu")
    shown = seen(son)
    assert "王秀英" in shown
    assert "刘桂芳 您是：侄子" in shown


def test_earlier_calls_are_told_in_plain_words(world: World, son: httpx.Client) -> None:
    case, li = world.alert("watch-wang"), world.people["li"]
    world.run(lambda conn: desk.take(conn, case, li))
    world.run(lambda conn: desk.resolve(conn, case, li, "voice"))
    world.run(lambda conn: desk.close(conn, case, li, disposition=Disposition.ACCIDENTAL, done="问过，家里有现金",
                                      with_whom="本人", called_back=True))  # fmt: skip
    world.alert("button-wang", test=True)
    shown = visible(son.get(f"/{world.residents['wang']}/history").text)
    assert "误按，她平安" in shown
    assert "现金" not in shown, "what operators write is theirs"
    assert shown.count("呼救") == 1


def test_family_says_that_she_is_with_them_until_sunday(world: World, son: httpx.Client) -> None:
    her = world.residents["wang"]
    sunday = (datetime.now(UTC) + timedelta(days=4)).strftime("%Y-%m-%dT18:00")
    told = {"kind": "away", "ends": sunday, "reason": "住在女儿家"}
    assert son.post(f"/{her}/away", data=told).status_code == 303
    ((kind, by, reason),) = world.sql("select kind, written_by, reason from absence")
    assert (kind, by, reason) == ("away", f"person:{world.people['son']}", "住在女儿家")
    shown = seen(son)
    assert "已知外出，到" in shown
    assert "您写的" in shown
    assert son.post(f"/{her}/back").status_code == 303
    assert "已知外出" not in seen(son)


def test_day_alone_counts_to_its_end(world: World, son: httpx.Client) -> None:
    now = datetime.now(UTC)
    day, following = ((now + timedelta(days=days)).strftime("%Y-%m-%d") for days in (3, 4))
    son.post(f"/{world.residents['wang']}/away", data={"kind": "visit", "ends": day})
    ((ends,),) = world.sql("select to_char(ends_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI') from absence")
    assert ends == f"{following} 00:00"


@pytest.mark.parametrize("ends", ["", "yesterday", "2020-01-01T10:00", "2099-01-01T10:00"])
def test_absence_without_a_sensible_end_is_refused_and_kept_in_the_form(
    world: World, son: httpx.Client, ends: str
) -> None:  # fmt: skip
    refused = son.post(f"/{world.residents['wang']}/away", data={"kind": "visit", "ends": ends, "reason": "客人"})
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert 'value="客人"' in refused.text
    assert world.sql("select count(*) from absence") == [(0,)]


def test_contact_confirms_himself_and_takes_it_back(world: World, son: httpx.Client) -> None:
    her = world.residents["wang"]
    assert "您是王秀英的紧急联系人吗" in seen(son)
    assert son.post(f"/{her}/contact", data={"say": "yes"}).status_code == 303
    assert "您已确认是她的紧急联系人" in seen(son)
    son.post(f"/{her}/contact", data={"say": "no"})
    assert "您说过您不是她的联系人" in seen(son)
    assert world.sql("select answer, answered_by from contact_asked order by id") == [(True, "link"), (False, "link")]


def half_past_eleven(world: World) -> datetime:
    """Set the clock to the residents' last 23:30, within everybody's shift; return the 07:00 after it."""
    now: datetime = world.sql("select now()")[0][0]
    night = now.astimezone(ZoneInfo("Asia/Shanghai")).replace(hour=23, minute=30, second=0, microsecond=0)
    if night > now:
        night -= timedelta(days=1)
    world.sql("insert into clock values (true, %(at)s)", at=night)
    world.sql("update shift set during = tstzrange(lower(during) - interval '1 day', upper(during))")
    return night + timedelta(hours=7, minutes=30)


def test_at_night_only_what_is_critical_is_sent(world: World, son: httpx.Client) -> None:
    until = half_past_eleven(world)
    assert son.post("/night", data={"begins": "22:00", "ends": "07:00"}).status_code == 303
    assert "每天 22:00–07:00 只接危急呼叫" in seen(son)
    case = world.alert("watch-wang", "vitals", 3)
    pages = "select due_at from page where person_id = %(p)s and incident_id = %(i)s"
    late = world.sql(pages, p=world.people["son"], i=case)
    assert all(when >= until for (when,) in late)
    worse = world.alert("button-wang")
    assert worse == case, "the same case, worse now"
    assert any(when < until for (when,) in world.sql(pages, p=world.people["son"], i=case))
    son.post("/night", data={"say": "off"})
    assert "任何时间都会呼叫您" in seen(son)


def test_times_that_are_none_switch_nothing(world: World, son: httpx.Client) -> None:
    for begins, ends in (("", ""), ("25:00", "07:00"), ("22:00", "x"), ("22:00", "22:00")):
        son.post("/night", data={"begins": begins, "ends": ends})
    assert world.sql("select count(*) from quiet_night") == [(0,)]


def test_page_speaks_english_to_who_wants_it(world: World, son: httpx.Client) -> None:
    son.post("/language", data={"language": "en"})
    world.alert("watch-wang")
    shown = seen(son)
    assert "People are being called" in shown
    assert "Who is coming nobody has set out yet" in shown


def test_link_that_was_taken_back_and_one_of_a_guard_open_nothing(world: World, console: Served) -> None:
    consent(world, "wang")
    his, guards = link(world), link(world, "guard")
    world.run(lambda conn: phone.revoke_links(conn, world.people["son"]))
    with console.client() as client:
        for path in (his, guards, "/f/nothing"):
            assert client.get(path).status_code == 410
            assert client.get(f"{path}/state").status_code == 410
            assert client.post(f"{path}/night", data={"say": "off"}).status_code == 410


def test_who_is_of_nobodys_family_is_told_so(world: World, console: Served) -> None:
    world.sql("delete from care_circle")
    with console.client() as client:
        assert "您现在不是任何长者登记的联系人" in visible(client.get(link(world)).text)


def test_step_of_a_sleeping_family_is_not_waited_for(world: World, son: httpx.Client) -> None:
    half_past_eleven(world)
    world.sql("delete from care_circle where person_id <> %(p)s", p=world.people["son"])
    son.post("/night", data={"begins": "22:00", "ends": "07:00"})
    case = world.alert("watch-wang", "vitals", 2)
    told = [what for (what,) in world.sql("select what from incident_event where incident_id = %(i)s", i=case)]
    assert "person_quiet" in told
    his, others = "= %(p)s", "<> %(p)s"
    due = "select count(*) from page where incident_id = %(i)s and person_id {}"  \
          " and due_at <= hub_now() + interval '1 min'"  # fmt: skip
    assert world.sql(due.format(his), i=case, p=world.people["son"]) == [(0,)]
    assert world.sql(due.format(others), i=case, p=world.people["son"])[0][0] > 0
    ((asked,),) = world.sql("select asked from incident where id = %(i)s", i=case)
    assert world.people["son"] not in asked
