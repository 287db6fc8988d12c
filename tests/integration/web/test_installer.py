"""The installer's page: who may see it, what it shows of whom, and what it writes down of each step."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hub import device_label
from hub.store import install_find
from hub.store.pool import Connection
from tests.integration.web.conftest import Served
from tests.integration.web.seen import visible
from tests.integration.web.world import World, csrf_of, sign_in

WATCH = "carehub:w-0417"
HISTORY = "select action, actor, facts from device_event where device_id = %(d)s order by id"


class Phone:
    """An installer's browser, signed in."""

    def __init__(self, client: httpx.Client, world: World, login: str) -> None:
        self.client, self.world, self.actor = client, world, f"person:{world.people[login]}"
        assert sign_in(client, login).status_code == 303

    def page(self, path: str = "/install") -> str:
        return self.client.get(path, follow_redirects=True).text

    def words(self, path: str = "/install") -> str:
        return visible(self.page(path))

    def post(self, path: str, back: str = "/install", **fields: Any) -> httpx.Response:
        """Send a form of the page at `back`, as it stands there."""
        page = self.page(back)
        mark = re.search(r'name="mark" value="(\d+)"', page)
        given = {"csrf": csrf_of(page), **({"mark": mark[1]} if mark else {}), **fields}
        return self.client.post(path, data=given)

    def do(self, device: int, verb: str, **fields: Any) -> httpx.Response:
        path = f"/install/devices/{device}"
        return self.post(f"{path}/{verb}", back=path, **fields)


def seen(world: World, address: str = WATCH, model: str = "", *, ago: str = "1 minute") -> int:
    """A device that was heard, and nobody knows whose it is."""
    row = world.sql(
        "insert into device (address, model, state, created_at)"
        " values (%(a)s, %(m)s, 'seen', hub_now() - %(ago)s::interval) returning id", a=address, m=model, ago=ago,
    )  # fmt: skip
    speaks(world, row[0][0], ago=ago)
    return int(row[0][0])


def speaks(world: World, device: int, ago: str = "0 s") -> None:
    world.sql(
        "insert into telemetry (received_at, device_id, batch, measured_at, battery_pct)"
        " values (hub_now() - %(ago)s::interval, %(d)s, 1, hub_now(), 80)", d=device, ago=ago,
    )  # fmt: skip


def presses(world: World, device: int) -> None:
    """Its press arrives, as ingest writes it down: a case, and beside it the press."""
    world.devices["tried"] = device
    world.sql(
        "insert into press (device_id, identity, kind, incident_id, at)"
        " select %(d)s, gen_random_uuid()::text, 'sos', incident_id, raised_at from alert"
        " where incident_id = %(i)s and device_id = %(d)s order by raised_at desc limit 1",
        d=device, i=world.alert("tried", test=True),
    )  # fmt: skip
    speaks(world, device)


def tells(world: World, device: int, code: str, **columns: Any) -> None:
    values = {"number": None, "lat": None, "lon": None, "quality": "ok", **columns}
    world.sql(
        "insert into observation (received_at, device_id, batch, measured_at, code, number, quality, lat, lon)"
        " values (hub_now(), %(d)s, 1, hub_now(), %(code)s, %(number)s, %(quality)s, %(lat)s, %(lon)s)",
        d=device, code=code, **values,
    )  # fmt: skip


def agrees(gao: "Phone", device: int, given: str = "yes") -> httpx.Response:
    """The text was read aloud, and she has answered."""
    return gao.do(device, "consent", read="yes", said_by="herself", given=given)


def history(world: World, device: int) -> list[tuple[Any, ...]]:
    return world.sql(HISTORY, d=device)


def state_of(world: World, device: int) -> str:
    return str(world.sql("select state from device where id = %(d)s", d=device)[0][0])


@pytest.fixture
def gao(console: Served, world: World) -> Iterator[Phone]:
    """The installer of one area."""
    world.person("gao", "高师傅", "installer", login=True, area="和平社区")
    with console.client() as client:
        yield Phone(client, world, "gao")


@pytest.fixture
def bound(gao: Phone, world: World) -> int:
    """A watch he has claimed and given to a resident."""
    device = seen(world)
    gao.do(device, "claim", model="W-1")
    gao.do(device, "bind", resident=world.residents["wang"], room="卧室", button="yes")
    return device


# ---- who may ----


def test_installer_signs_in_and_comes_to_the_phone_page(console: Served, world: World) -> None:
    world.person("gao", "高师傅", "installer", login=True)
    with console.client() as client:
        assert sign_in(client, "gao").status_code == 303
        assert client.get("/").headers["location"] == "/install"
        assert "安装设备" in client.get("/install").text


@pytest.mark.parametrize(
    "path",
    [
        "/queue",
        "/overview",
        "/incidents/1",
        "/incidents/1/vitals",
        "/stream",
        "/policies",
        "/rosters",
        "/coverage",
        "/ops",
    ],
)
def test_installer_is_refused_every_page_of_the_console(gao: Phone, path: str) -> None:
    answer = gao.client.get(path)
    assert answer.status_code == 403
    assert "王秀英" not in answer.text


@pytest.mark.parametrize("path", ["/incidents/1/take", "/incidents/1/door_code", "/devices/1/test", "/seen", "/surge"])
def test_installer_is_refused_every_button_of_the_console(gao: Phone, path: str) -> None:
    assert gao.client.post(path, data={"csrf": csrf_of(gao.page())}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/install", "/install/devices/1", "/install/devices/1/state", "/install/devices/1/end"]
)
def test_nobody_sees_it_without_signing_in(visitor: httpx.Client, path: str) -> None:
    assert visitor.get(path, headers={"accept": "text/html"}).headers["location"] == f"/login?next={path}"
    assert visitor.get(path).status_code == 401
    assert visitor.post("/install/find", data={"code": "x"}).status_code == 401


def test_family_may_not_sign_in_for_it_either(visitor: httpx.Client) -> None:
    assert sign_in(visitor, "son").status_code == 403


@pytest.mark.parametrize("who", ["li", "ma"])
def test_operators_and_supervisors_may_install(visitor: httpx.Client, who: str) -> None:
    sign_in(visitor, who)
    assert visitor.get("/install").status_code == 200
    assert '<a class="tap small" href="/"' in visitor.get("/install").text


@pytest.mark.parametrize("verb", ["claim", "bind", "key", "try", "check", "test", "leave", "residents"])
def test_form_without_its_token_changes_nothing(gao: Phone, world: World, verb: str) -> None:
    device = seen(world)
    before = world.sql("select * from device where id = %(d)s", d=device)
    assert gao.client.post(f"/install/devices/{device}/{verb}", data={"mark": "0"}).status_code == 403
    assert gao.client.post(f"/install/devices/{device}/{verb}", data={"csrf": "guessed"}).status_code == 403
    assert world.sql("select * from device where id = %(d)s", d=device) == before


def test_installer_is_called_for_nobody(gao: Phone, world: World) -> None:
    """Also one who by mistake stands in somebody's circle: the press must not break on him."""
    world.circle("wang", "gao", "安装人", 5)
    incident = world.alert("watch-wang")
    assert world.sql("select count(*) from page where person_id = %(p)s", p=world.people["gao"]) == [(0,)]
    assert world.sql("select count(*) > 0 from page where incident_id = %(i)s", i=incident) == [(True,)]


def test_camera_is_the_installers_alone(gao: Phone) -> None:
    assert "camera=(self)" in gao.client.get("/install").headers["permissions-policy"]
    assert "camera=()" in gao.client.get("/login").headers["permissions-policy"]
    assert "unsafe" not in gao.client.get("/install").headers["content-security-policy"]


# ---- which device ----


def test_device_just_heard_is_offered_with_its_model_and_the_pressed_one_first(gao: Phone, world: World) -> None:
    seen(world, "z2m:zigbee2mqtt/button", "SOS button", ago="2 hours")
    last = seen(world, "watch3g:6000000017", ago="3 hours")
    assert gao.words().index("SOS button") < gao.words().index("6000000017")
    presses(world, last)
    page = gao.words()
    assert page.index("6000000017") < page.index("SOS button")
    assert "0 秒前按过" in page or "1 秒前按过" in page


def test_silent_stranger_is_not_offered(gao: Phone, world: World) -> None:
    seen(world, "watch3g:6000000017", ago="2 days")
    assert "24 小时内没有听到陌生设备" in gao.words()


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        ("watch3g:6000000017", "watch3g:6000000017"),
        ("watch3g:6000000017", "6000000017"),
        ("watch3g:6000000017", "861260000000173"),  # the watch says the middle of its IMEI
        ("watch3g:6000000017", "0017"),
        ("lorawan:24E124000000ABCD", "24:e1:24:00:00:00:ab:cd"),
        ("lorawan:24e124000000abcd", "24E1-2400-0000-ABCD"),
        ("z2m:home/浴室按钮", "浴室按钮"),
    ],
)
def test_device_is_found_by_what_stands_on_it(gao: Phone, world: World, address: str, typed: str) -> None:
    device = seen(world, address)
    seen(world, "watch3g:6000000999")
    assert gao.post("/install/find", code=typed).headers["location"] == f"/install/devices/{device}"


def test_label_leads_to_its_device(gao: Phone, world: World) -> None:
    device = seen(world, "z2m:home/浴室 按钮", "SOS & co")
    code = device_label.text("z2m:home/浴室 按钮", "SOS & co")
    assert gao.post("/install/find", code=code).headers["location"] == f"/install/devices/{device}"


def test_several_that_may_be_meant_are_listed(gao: Phone, world: World) -> None:
    for number in ("6000000017", "7000000017"):
        seen(world, f"watch3g:{number}")
    page = visible(gao.post("/install/find", code="0017").text)
    assert "找到 2 台" in page


def test_unknown_number_says_what_to_do(gao: Phone) -> None:
    assert "没有这台设备" in visible(gao.post("/install/find", code="4711").text)


def test_label_of_a_device_that_has_not_spoken_registers_it(gao: Phone, world: World) -> None:
    page = gao.post("/install/find", code=device_label.text("carehub:new-1", "W-9")).text
    assert "还没有登记" in page
    answer = gao.post("/install/register", address="carehub:new-1", model="W-9")
    row = world.sql("select id, model, state from device where address = 'carehub:new-1'")
    assert row[0][1:] == ("W-9", "claimed")
    assert answer.headers["location"] == f"/install/devices/{row[0][0]}"
    assert history(world, row[0][0])[0][:2] == ("registered", gao.actor)
    assert gao.post("/install/register", address="carehub:new-1").headers["location"] == f"/install/devices/{row[0][0]}"


@pytest.mark.parametrize("address", ["nothing:1", "carehub:", "carehub:a/#", "x"])
def test_address_of_no_known_kind_is_not_registered(gao: Phone, world: World, address: str) -> None:
    assert gao.post("/install/register", address=address).status_code == 422
    assert world.sql("select count(*) from device where address = %(a)s", a=address) == [(0,)]


# ---- whose ----


def test_residents_of_the_area_are_found_and_nothing_of_their_health(gao: Phone, world: World) -> None:
    world.resident("far", "王远方", area="光明社区", address="光明巷 1 号")
    device = seen(world)
    gao.do(device, "claim")
    page = gao.do(device, "residents", word="王").text
    assert "王秀英" in page
    assert "王远方" not in page
    for secret in ("4471", "heart_failure", "心衰", "失能", "物业前台", "1944"):
        assert secret not in page
    assert "和平里 3 号楼" in gao.do(device, "residents", word="和平里3号楼").text
    assert "王秀英" in gao.do(device, "residents", word=str(world.residents["wang"])).text
    assert "没有找到" in gao.do(device, "residents", word="王远方").text


def test_resident_of_another_area_cannot_be_chosen_by_number(gao: Phone, world: World) -> None:
    far = world.resident("far", "王远方", area="光明社区")
    device = seen(world)
    gao.do(device, "claim")
    assert gao.do(device, "bind", resident=far, button="yes").status_code == 422
    assert state_of(world, device) == "claimed"


def test_binding_begins_test_mode_and_is_written_down(gao: Phone, world: World, bound: int) -> None:
    assert world.sql("select state, room, test_until > hub_now() + interval '29 minutes' from device where id = %(d)s",
                     d=bound) == [("bound", "卧室", True)]  # fmt: skip
    told = history(world, bound)
    assert [(action, actor) for action, actor, _ in told] == [("claim", gao.actor), ("bind", gao.actor)]
    assert told[1][2]["resident"] == world.residents["wang"]
    assert "测试模式" in gao.words(f"/install/devices/{bound}")


def test_wrong_resident_is_put_right_and_what_was_tried_counts_no_more(gao: Phone, world: World, bound: int) -> None:
    gao.do(bound, "check", check="voice", outcome="ok")
    presses(world, bound)
    assert "已收到" in gao.words(f"/install/devices/{bound}") or "收到按键" in gao.words(f"/install/devices/{bound}")
    assert state_of(world, bound) == "tested"
    gao.do(bound, "bind", resident=world.residents["zhang"], room="客厅", button="yes")
    assert state_of(world, bound) == "bound"
    page = gao.words(f"/install/devices/{bound}")
    assert "张德福" in page
    assert "收到按键" not in page


def test_next_device_is_offered_to_the_same_resident(gao: Phone, world: World, bound: int) -> None:
    other = seen(world, "carehub:button-2")
    assert "正在给 王秀英 安装" in gao.words()
    gao.do(other, "claim")
    page = gao.page(f"/install/devices/{other}")
    assert re.search(rf'name="resident" value="{world.residents["wang"]}" required checked', page)


def test_what_was_begun_is_found_again_after_the_line_was_lost(gao: Phone, world: World, bound: int) -> None:
    page = gao.words()
    assert "王秀英 · 卧室" in page
    assert "已绑定，待测试" in page
    for _ in range(2):  # sent twice, because the answer was lost
        gao.do(bound, "claim", model="W-1")
    assert [action for action, *_ in history(world, bound)] == ["claim", "bind"]


# ---- somebody else ----


def test_device_in_use_tells_its_area_and_no_name(gao: Phone, world: World) -> None:
    answer = gao.client.get(f"/install/devices/{world.devices['watch-wang']}")
    assert answer.status_code == 409
    assert "和平社区" in visible(answer.text)
    assert "打电话给中心" in visible(answer.text)
    for secret in ("王秀英", "和平里"):
        assert secret not in answer.text
    posted = gao.client.post(
        f"/install/devices/{world.devices['watch-wang']}/bind", data={"csrf": csrf_of(answer.text), "resident": 1}
    )
    assert posted.status_code == 409


def test_locked_record_is_installed_for_without_its_name(
    gao: Phone, console: Served, visitor: httpx.Client, world: World, bound: int
) -> None:
    """He stands at her door: what is left to do needs her device, not her name; and it is done all the same."""
    son, page = world.people["son"], f"/install/devices/{bound}"
    gao.do(bound, "ask", person=son)
    link = world.question(world.sql("select id from contact_asked")[0][0])
    visitor.post(f"/me/contact/{link}", data={"say": "no"})
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    agrees(gao, bound)
    gao.do(bound, "key")
    presses(world, bound)
    gao.do(bound, "check", check="voice", outcome="ok")
    shown = {"device": gao.page(page), "again": gao.page(f"{page}?change=1"), "start": gao.page()}
    assert gao.do(bound, "leave").status_code == 303
    shown["end"] = gao.page(f"{page}/end")
    assert "已生效" in visible(shown["end"])
    with console.client() as li:
        sign_in(li, "li")
        world.sql(
            "with quiet as (delete from timer)"
            " update incident set state = 'cancelled', dedup_key = null, closed_at = hub_now()"
        )
        shown["desk"] = li.get("/install").text
    for name, text in shown.items():
        assert "（档案已锁定）" in text, name
        for secret in ("王秀英", "王小明", "王**", "和平里", "138 0000 0001"):
            assert secret not in text, f"{secret} on {name}"
    with console.client() as ma:
        sign_in(ma, "ma")
        assert "王秀英 的儿子 王小明" in visible(ma.get("/install").text), "a supervisor may open it"


def test_device_bound_in_another_area_is_not_touched(gao: Phone, world: World) -> None:
    world.resident("far", "王远方", area="光明社区")
    world.device("watch-far", "far")
    world.sql("update device set state = 'bound', bound_at = hub_now() where id = %(d)s", d=world.devices["watch-far"])
    answer = gao.client.get(f"/install/devices/{world.devices['watch-far']}")
    assert (answer.status_code, "光明社区" in answer.text, "王远方" in answer.text) == (409, True, False)


def test_two_installers_at_one_device_do_not_overwrite_each_other(gao: Phone, console: Served, world: World) -> None:
    world.person("bai", "白师傅", "installer", login=True, area="和平社区")
    device = seen(world)
    stale = gao.page(f"/install/devices/{device}")
    with console.client() as client:
        bai = Phone(client, world, "bai")
        bai.do(device, "claim")
        bai.do(device, "bind", resident=world.residents["he"], button="yes")
    mark = re.search(r'name="mark" value="(\d+)"', stale)
    assert mark
    given = {"csrf": csrf_of(stale), "mark": mark[1], "resident": world.residents["wang"], "button": "yes"}
    answer = gao.client.post(f"/install/devices/{device}/bind", data=given)
    assert answer.status_code == 409
    assert "白师傅刚刚动过这台设备（绑定）" in visible(answer.text)
    assert world.sql("select resident_id from device where id = %(d)s", d=device) == [(world.residents["he"],)]


# ---- the key ----


def test_key_is_shown_once_and_a_new_one_ends_it(gao: Phone, world: World, bound: int) -> None:
    assert "还没有密钥" in gao.words(f"/install/devices/{bound}")
    first = gao.do(bound, "key")
    secret = re.search(r'class="secret">([^<]+)<', first.text)
    assert secret
    assert "data:image/png;base64," in first.text
    kept = "select secret_sha256 = sha256(%(s)s) from credential where device_id = %(d)s and active"
    assert world.sql(kept, s=secret[1].encode(), d=bound) == [(True,)]
    assert secret[1] not in gao.page(f"/install/devices/{bound}")
    gao.do(bound, "key")
    assert world.sql(kept, s=secret[1].encode(), d=bound) == [(False,)]
    assert [a for a, *_ in history(world, bound)].count("credential") == 2


def test_device_behind_a_gateway_is_asked_for_no_key(gao: Phone, world: World) -> None:
    device = seen(world, "z2m:home/button")
    gao.do(device, "claim")
    gao.do(device, "bind", resident=world.residents["wang"], button="yes")
    assert "密钥" not in gao.words(f"/install/devices/{device}")
    assert gao.do(device, "key").status_code == 422


# ---- trying ----


def test_only_trials_that_apply_are_asked(gao: Phone, world: World) -> None:
    cases = {
        "z2m:home/button": {"sos"}, "watch3g:6000000017": {"sos", "voice", "location"},
        "gt06:868120000000017": {"sos", "location"}, "carehub:w-2": {"sos", "voice"},
    }  # fmt: skip
    for address, wanted in cases.items():
        device = seen(world, address)
        gao.do(device, "claim")
        gao.do(device, "bind", resident=world.residents["wang"], button="yes")
        page = gao.page(f"/install/devices/{device}")
        assert set(re.findall(r'id="(sos|voice|location|power)"', page)) == wanted, address


def test_sensor_with_a_plug_is_tried_by_its_word_and_by_the_plug(gao: Phone, world: World) -> None:
    device = seen(world, "radarjson:home/r60")
    gao.do(device, "claim")
    page = gao.do(device, "residents", word="王").text
    assert re.search(r'value="no" checked', page), "it hangs on a wall: nothing to press"
    gao.do(device, "bind", resident=world.residents["wang"], button="no", plugged="yes")
    page = gao.page(f"/install/devices/{device}")
    assert re.findall(r'id="(sos|voice|location|power)"', page) == ["power"]
    assert "等它发来第一条消息" in visible(page)
    speaks(world, device)
    assert "已收到它的消息" in gao.words(f"/install/devices/{device}")


def test_press_is_seen_by_the_hub_and_its_time_is_told(gao: Phone, world: World, bound: int) -> None:
    before = gao.client.get(f"/install/devices/{bound}/state").json()["version"]
    gao.do(bound, "try", check="sos")
    waiting = gao.client.get(f"/install/devices/{bound}/state").json()["version"]
    assert "现在按下呼叫键" in gao.words(f"/install/devices/{bound}")
    presses(world, bound)
    arrived = gao.client.get(f"/install/devices/{bound}/state").json()["version"]
    assert len({before, waiting, arrived}) == 3, "the page learns of each"
    page = gao.words(f"/install/devices/{bound}")
    assert re.search(r"用时 \d+\.\d 秒", page)
    assert state_of(world, bound) == "tested"
    assert [a for a, actor, _ in history(world, bound) if actor == "device"] == ["press"]


def test_press_is_never_passed_by_hand(gao: Phone, bound: int) -> None:
    assert gao.do(bound, "check", check="sos", outcome="ok").status_code == 422


def test_press_that_failed_and_came_after_all_is_forgiven(gao: Phone, world: World, bound: int) -> None:
    gao.do(bound, "check", check="sos", outcome="failed")
    assert "测试未通过：呼叫" in gao.words(f"/install/devices/{bound}")
    presses(world, bound)
    assert "测试未通过" not in gao.words(f"/install/devices/{bound}")


def test_voice_is_sent_to_the_device_and_its_acknowledgement_is_kept(gao: Phone, world: World, bound: int) -> None:
    gao.do(bound, "try", check="voice")
    told = world.sql("select id, topic, convert_from(payload, 'UTF8') from downlink")
    assert told[0][1] == "carehub/w-0417/command"
    assert "安装测试" in told[0][2]
    assert "听到或看到了吗" in gao.words(f"/install/devices/{bound}")
    world.sql("update downlink set delivered_at = hub_now()")
    assert "确认收到" in gao.words(f"/install/devices/{bound}")
    gao.do(bound, "check", check="voice", outcome="ok")
    facts = history(world, bound)[-1][2]
    assert (facts["check"], facts["passed"], "heard_at" in facts) == ("voice", True, True)


def test_position_near_the_door_passes_by_itself_and_is_kept_as_a_distance(gao: Phone, world: World) -> None:
    device = seen(world, "watch3g:6000000017")
    gao.do(device, "claim")
    gao.do(device, "bind", resident=world.residents["wang"], button="yes")
    gao.do(device, "try", check="location")
    assert world.sql("select topic from downlink") == [("tcp/watch3g/6000000017",)]
    tells(world, device, "location", lat=38.4702, lon=106.2602)
    page = gao.words(f"/install/devices/{device}")
    assert "系统亲自收到" in page
    last = history(world, device)[-1]
    assert last[:2] == ("check", "device")
    assert 0 < last[2]["distance_m"] < 100
    assert "38.4" not in str(last[2])


def test_position_far_away_is_shown_and_left_to_the_installer(gao: Phone, world: World) -> None:
    device = seen(world, "watch3g:6000000017")
    gao.do(device, "claim")
    gao.do(device, "bind", resident=world.residents["wang"], button="yes")
    tells(world, device, "location", lat=38.6, lon=106.3)
    assert "离住址 14.9 公里" in gao.words(f"/install/devices/{device}")
    gao.do(device, "check", check="location", outcome="ok", note="五楼床头")
    assert "按你的说法（五楼床头）" in gao.words(f"/install/devices/{device}")
    assert history(world, device)[-1][1] == gao.actor


def test_pulled_plug_is_seen_by_the_hub_unless_a_bridge_remembers_it(gao: Phone, world: World) -> None:
    device = seen(world, "lifesos:home-1")
    gao.do(device, "claim")
    gao.do(device, "bind", resident=world.residents["wang"], button="yes", plugged="yes")
    gao.do(device, "try", check="power")
    tells(world, device, "alarm.powerCut", number=1, quality="replayed")
    assert "收到断电信号" not in gao.words(f"/install/devices/{device}").replace("没有收到断电信号", "")
    tells(world, device, "alarm.powerCut", number=1)
    assert "系统亲自收到" in gao.words(f"/install/devices/{device}")
    last = history(world, device)[-1]
    assert (last[0], last[1], last[2]["code"]) == ("check", "device", "alarm.powerCut")


# ---- room after room ----


def test_press_in_every_room_is_listed_with_its_seconds(gao: Phone, world: World, bound: int) -> None:
    gao.do(bound, "try", check="sos")
    presses(world, bound)
    gao.do(bound, "try", check="sos", room="电梯")
    page = gao.words(f"/install/devices/{bound}")
    assert re.search(r"电梯 等待中 卧室 ✓ \S+ 收到按键，\s?用时 \d+\.\d 秒", page)
    presses(world, bound)
    assert len(re.findall(r"用时 \d+\.\d 秒", gao.words(f"/install/devices/{bound}"))) == 2


def test_room_from_which_no_press_arrives_keeps_it_out_of_effect_until_one_does(
    gao: Phone, world: World, bound: int
) -> None:
    for room in ("卧室", "电梯"):
        gao.do(bound, "try", check="sos", room=room)
        if room == "卧室":
            presses(world, bound)
    gao.do(bound, "check", check="sos", outcome="failed")
    assert "在电梯按，没有收到" in gao.words(f"/install/devices/{bound}")
    gao.do(bound, "try", check="sos", room="卧室")
    presses(world, bound)
    assert "在电梯按，没有收到" in gao.words(f"/install/devices/{bound}"), "another room says nothing of this one"
    gao.do(bound, "try", check="sos", room="电梯")
    presses(world, bound)
    assert "在电梯按，没有收到" not in gao.words(f"/install/devices/{bound}")


# ---- consent and contacts ----


def test_without_consent_it_is_not_in_effect_and_a_no_is_kept_like_a_yes(gao: Phone, world: World, bound: int) -> None:
    assert gao.do(bound, "consent", said_by="herself", given="yes").status_code == 422, "it was not read aloud"
    assert gao.do(bound, "consent", read="yes", given="yes").status_code == 422, "nobody has answered"
    assert "还没有记录知情同意" in gao.words(f"/install/devices/{bound}")
    agrees(gao, bound)
    assert "还没有记录知情同意" not in gao.words(f"/install/devices/{bound}")
    assert "高师傅 宣读，长者本人答复" in gao.words(f"/install/devices/{bound}")
    agrees(gao, bound, "no")
    assert "还没有记录知情同意" in gao.words(f"/install/devices/{bound}")
    rows = world.sql("select resident_id, given, said_by, read_by from consent order by id")
    wang, read_by = world.residents["wang"], world.people["gao"]
    assert rows == [(wang, True, "herself", read_by), (wang, False, "herself", read_by)]
    assert [a for a, *_ in history(world, bound)].count("consent") == 2


def test_contacts_show_relation_channel_and_a_masked_name_only(gao: Phone, bound: int) -> None:
    page = gao.page(f"/install/devices/{bound}")
    assert "儿子 王** 应用接口" in visible(page)
    assert "0/3 已确认" in visible(page)
    for secret in ("王小明", "138 0000 0001", "127.0.0.1:9"):
        assert secret not in page


def test_contact_confirms_by_his_link_and_only_by_a_tap(
    gao: Phone, visitor: httpx.Client, world: World, bound: int
) -> None:
    gao.do(bound, "ask", person=world.people["son"])
    gao.do(bound, "ask", person=world.people["son"])
    asked = world.sql("select id, person_id, due_at is not null from contact_asked")
    assert [row[1:] for row in asked] == [(world.people["son"], True)], "twice is once"
    path = f"/me/contact/{world.question(asked[0][0])}"
    assert "您是王秀英的紧急联系人吗" in visible(visitor.get(path).text)
    assert world.sql("select answer from contact_asked") == [(None,)], "a messenger opens links too"
    assert visitor.post(path, data={"say": "yes"}).status_code == 303
    assert "他本人点了确认" in gao.words(f"/install/devices/{bound}")
    assert "1/3 已确认" in gao.words(f"/install/devices/{bound}")
    visitor.post(path, data={"say": "no"})
    assert "他说不是" in gao.words(f"/install/devices/{bound}")


def test_link_of_a_page_is_none_of_a_contact(visitor: httpx.Client, world: World, gao: Phone, bound: int) -> None:
    gao.do(bound, "ask", person=world.people["son"])
    number = world.sql("select id from contact_asked")[0][0]
    assert visitor.get(f"/me/contact/{world.link(number)}").status_code == 410
    assert visitor.get(f"/r/{world.question(number)}").status_code == 410
    assert visitor.post("/me/contact/forged", data={"say": "yes"}).status_code == 410


def test_installers_word_for_a_contact_stands_as_his(gao: Phone, world: World, bound: int) -> None:
    gao.do(bound, "vouch", person=world.people["son"])
    assert "当面或电话确认" in gao.words(f"/install/devices/{bound}")
    gao.do(bound, "vouch", person=world.people["guard"])
    assert world.sql("select person_id, answered_by from contact_asked") == [(world.people["son"], gao.actor)]


def test_few_contacts_are_a_doubt_that_the_supervisor_sees(
    gao: Phone, console: Served, world: World, bound: int
) -> None:
    gao.do(bound, "key")
    presses(world, bound)
    gao.do(bound, "check", check="voice", outcome="ok")
    agrees(gao, bound)
    gao.do(bound, "leave")
    page = gao.words(f"/install/devices/{bound}/end")
    assert "已生效" in page
    assert "确认过的联系人不到 3 位" in page
    assert "高师傅 签字" in page
    facts = history(world, bound)[-1][2]
    assert (facts["doubts"], facts["confirmed"]) == (["few_contacts"], 0)
    assert "联系人不足的长者" not in gao.words()
    with console.client() as client:
        sign_in(client, "ma")
        assert "王秀英 和平社区 · 1 位中 0 位已确认" in visible(client.get("/install").text)


def test_consent_taken_back_by_telephone_is_on_the_desks_list_and_the_device_rings_on(
    gao: Phone, console: Served, world: World, bound: int
) -> None:
    agrees(gao, bound)
    world.sql("update device set state = 'live' where id = %(d)s returning id", d=bound)
    world.sql(
        "insert into consent (resident_id, given, said_by, read_by, text_version, language, at)"
        " values (%(r)s, false, 'herself', %(p)s, '2026-11', 'zh-CN', hub_now())",
        r=world.residents["wang"], p=world.people["li"],
    )  # fmt: skip
    end = gao.words(f"/install/devices/{bound}/end")
    assert "知情同意已收回，设备照常呼叫" in end
    assert "还没有记录知情同意" not in end
    assert "已收回同意" not in gao.words()
    with console.client() as client:
        sign_in(client, "ma")
        assert "收回同意：长者本人说" in visible(client.get("/install").text)
        agrees(gao, bound)
        world.sql("update consent set given = true")
        assert "收回同意" not in visible(client.get("/install").text)


def test_contact_who_says_no_is_work_for_the_desk_until_the_circle_changes(
    gao: Phone, console: Served, visitor: httpx.Client, world: World, bound: int
) -> None:
    son, wang = world.people["son"], world.residents["wang"]
    gao.do(bound, "ask", person=son)
    path = f"/me/contact/{world.question(world.sql('select id from contact_asked')[0][0])}"
    visitor.post(path, data={"say": "no"})
    assert "说自己不是联系人的人" not in gao.words(), "the installer sees it on her page"
    with console.client() as client:
        sign_in(client, "ma")
        page = visible(client.get("/install").text)
        assert "王秀英 的儿子 王小明" in page
        assert f"carehub people change {son} --not-for {wang}" in page
        visitor.post(path, data={"say": "yes"})
        assert "王小明" not in visible(client.get("/install").text)
        visitor.post(path, data={"say": "no"})
        world.sql("delete from care_circle where person_id = %(p)s", p=son)
        assert "王小明" not in visible(client.get("/install").text)


# ---- the end ----


def test_finished_installation_is_in_effect_and_its_test_mode_has_ended(gao: Phone, world: World, bound: int) -> None:
    gao.do(bound, "key")
    presses(world, bound)
    gao.do(bound, "try", check="voice")
    gao.do(bound, "check", check="voice", outcome="ok")
    agrees(gao, bound)
    answer = gao.do(bound, "leave")
    assert answer.headers["location"] == f"/install/devices/{bound}/end"
    page = gao.words(f"/install/devices/{bound}/end")
    assert "已生效" in page
    assert "未生效" not in page
    assert world.sql("select state, test_until <= hub_now() from device where id = %(d)s", d=bound) == [("live", True)]
    assert history(world, bound)[-1][:2] == ("live", gao.actor)
    assert "王秀英" in gao.words(f"/install/devices/{bound}"), "it is his of this shift: he may look at it again"


def test_unfinished_installation_says_every_reason_and_ends_test_mode(gao: Phone, world: World, bound: int) -> None:
    gao.do(bound, "leave")
    page = gao.words(f"/install/devices/{bound}/end")
    for words in ("未生效", "没有接入密钥", "没有收到试按", "还没有测试：声音"):
        assert words in page
    assert world.sql("select state, test_until <= hub_now() from device where id = %(d)s", d=bound) == [("bound", True)]
    last = history(world, bound)[-1]
    assert last[:2] == ("left", gao.actor)
    assert "no_press" in last[2]["against"]
    gao.do(bound, "test")
    assert "测试模式" in gao.words(f"/install/devices/{bound}")


def test_failed_trial_keeps_it_out_of_effect(gao: Phone, world: World, bound: int) -> None:
    gao.do(bound, "key")
    presses(world, bound)
    gao.do(bound, "check", check="voice", outcome="failed")
    gao.do(bound, "leave")
    assert "测试未通过：声音" in gao.words(f"/install/devices/{bound}/end")
    assert state_of(world, bound) == "tested"


def test_page_speaks_english_too(gao: Phone, world: World, bound: int) -> None:
    page = gao.page()
    gao.client.post("/language", data={"csrf": csrf_of(page), "language": "en", "next": f"/install/devices/{bound}"})
    assert "Test mode until" in gao.words(f"/install/devices/{bound}")
    gao.do(bound, "leave")
    assert "Not in effect" in gao.words(f"/install/devices/{bound}/end")


@pytest.mark.parametrize(
    "path", ["/install/devices/0", "/install/devices/999999", "/install/devices/9999999999999999999999"]
)
def test_device_that_is_none_is_no_page(gao: Phone, path: str) -> None:
    assert gao.client.get(path).status_code in (404, 422)


def test_nothing_personal_is_in_addresses_or_logs(
    gao: Phone, world: World, bound: int, capsys: pytest.CaptureFixture[str]
) -> None:
    gao.do(bound, "residents", word="王秀英")
    gao.do(bound, "key")
    secret = world.sql("select encode(secret_sha256, 'hex') from credential where device_id = %(d)s", d=bound)
    said = "".join(capsys.readouterr())
    for word in ("王秀英", "和平里", secret[0][0]):
        assert word not in said


@pytest.mark.parametrize(("said", "shown"), [("yes", True), ("", False)])
def test_family_sees_what_is_measured_only_where_she_was_asked_and_said_so(
    gao: Phone, bound: int, world: World, said: str, *, shown: bool
) -> None:  # fmt: skip
    assert "您愿不愿意让登记的家人也看到" in gao.page(f"/install/devices/{bound}"), "it is read aloud"
    gao.do(bound, "consent", read="yes", said_by="herself", given="yes", family_health=said)
    ((scope, version),) = world.sql("select scope, text_version from consent order by id desc limit 1")
    assert ("family_health" in scope, version) == (shown, "2026-11b")
    assert ("家人可看心率、血氧" in gao.page(f"/install/devices/{bound}")) is shown


def test_number_of_the_devices_card_is_kept_and_no_other_word(gao: Phone, bound: int, world: World) -> None:
    number = "select sim_number from device where id = %(d)s"
    assert gao.do(bound, "sim", sim="138 0000 0077").status_code == 303
    assert world.sql(number, d=bound) == [("138 0000 0077",)]
    assert "138 0000 0077" in gao.page(f"/install/devices/{bound}")
    assert gao.do(bound, "sim", sim="没有").status_code == 422
    gao.do(bound, "sim", sim="")
    assert world.sql(number, d=bound) == [("",)]


@pytest.mark.parametrize("looks", [True, False])
def test_installer_of_an_organisation_sees_whom_it_serves_and_nobody_else(
    console: Served, world: World, monkeypatch: pytest.MonkeyPatch, *, looks: bool
) -> None:
    """Wherever else he may install: an organisation's installer is its own, by areas and everything inside them.

    The page looks at areas; where it forgot to, the database's own rows would still keep hers from him.
    """
    if not looks:

        async def forgets(conn: Connection, person_id: int) -> tuple[str, None]:
            return "", None

        monkeypatch.setattr(install_find, "bounds_of", forgets)
    world.sql(
        "insert into area (name, level) values"
        " ('东区', 'township'), ('和平社区', 'community'), ('光明社区', 'community')"
    )
    world.sql("update area set parent = '东区' where name = '光明社区'")
    far = world.resident("far", "王远方", area="光明社区", address="光明巷 1 号")
    world.person("qiao", "乔师傅", "installer", login=True)
    world.sql(
        "with o as (insert into organisation (name, kind, created_at)"
        " values ('东区安装', 'property', hub_now()) returning id),"
        " a as (insert into organisation_area select id, '东区' from o)"
        " update person set organisation_id = o.id from o where person.id = %(p)s", p=world.people["qiao"],
    )  # fmt: skip
    with console.client() as client:
        qiao = Phone(client, world, "qiao")
        device = seen(world)
        qiao.do(device, "claim", model="W-1")
        page = qiao.do(device, "residents", word="王").text
        assert "王远方" in page
        assert "王秀英" not in page
        assert qiao.do(device, "bind", resident=world.residents["wang"], button="yes").status_code == 422
        assert state_of(world, device) == "claimed"
        assert qiao.do(device, "bind", resident=far, room="卧室", button="yes").status_code == 303
        world.sql(
            "update device set state = 'bound', bound_at = hub_now() where id = %(d)s", d=world.devices["watch-wang"]
        )
        answer = client.get(f"/install/devices/{world.devices['watch-wang']}")
        assert (answer.status_code, "王秀英" in answer.text) == (409, False)
