"""What an operator has at hand besides the queue: scripts, search, the end of a shift, the map, who calls often."""

import re

import httpx
import psycopg
import pytest

from alerts.model import Disposition
from hub import desk as hub_desk
from hub import handover, retries
from hub.refusals import Refused
from hub.store.pool import Connection
from hub.web.security import policy
from tests.integration.web.world import World, csrf_of


def post(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    return client.post(path, data={"csrf": csrf_of(client.get("/").text), **form})


def steps(page: str) -> list[str]:
    return re.findall(r'<span class="step-text">(?:<b[^>]*>\d+</b> )?([^<]+)', page)


# ---- scripts


def test_case_shows_the_script_for_what_happened_and_her_risks(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-wang", "fall")
    post(li, f"/incidents/{incident}/take")
    shown = steps(li.get(f"/incidents/{incident}").text)
    assert "喘不喘" in shown[0], "the script of her heart comes before that of any fall"
    assert any("撞到头了吗" in each for each in shown)
    post(li, f"/incidents/{incident}/no_speech")
    assert "叫 120，报地址" in steps(li.get(f"/incidents/{incident}").text)[0]


def test_tick_is_an_event_and_a_yes_proposes_what_the_script_says(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-he", "vitals", 3, rule="V1")
    post(li, f"/incidents/{incident}/take")
    assert "is-proposed" not in li.get(f"/incidents/{incident}").text
    assert post(li, f"/incidents/{incident}/step", step="breathes_well", said="yes").status_code == 303
    shown = li.get(f"/incidents/{incident}").text
    assert "话术建议" in shown
    assert "is-proposed" in shown
    chain = "select body from incident_event where incident_id = %(i)s and what = 'script_step' order by seq"
    assert world.sql(chain, i=incident) == [({"version": 1, "step": "breathes_well", "said": "yes"},)]
    post(li, f"/incidents/{incident}/step", step="breathes_well", said="open")
    assert "is-proposed" not in li.get(f"/incidents/{incident}").text


@pytest.mark.parametrize("form", [{"step": "no_such", "said": "yes"}, {"step": "listen", "said": "perhaps"}, {}])
def test_step_nobody_wrote_is_refused(li: httpx.Client, world: World, form: dict[str, str]) -> None:
    incident = world.alert("watch-wang")
    assert post(li, f"/incidents/{incident}/step", **form).status_code in (409, 422)
    assert world.sql("select count(*) from incident_event where what = 'script_step'") == [(0,)]


def test_open_case_keeps_the_script_it_opened_with(li: httpx.Client, ma: httpx.Client, world: World) -> None:
    before = world.alert("watch-wang")
    li.get(f"/incidents/{before}")  # the scripts that came with the hub are a version from the first look on
    text = '[[script]]\nname = "only"\n[[script.step]]\nname = "hello"\nzh = "新话术"\nen = "hello"\n'
    assert post(ma, "/scripts", body=text, comment="短").status_code == 303
    after = world.alert("watch-he", "fall")
    assert "新话术" in li.get(f"/incidents/{after}").text
    assert "新话术" not in li.get(f"/incidents/{before}").text
    assert [row[0] for row in world.sql("select comment from script_version order by id")] == ["", "短"]
    assert li.get("/scripts/2").text.strip() == text.strip()


def test_script_with_faults_is_not_published_and_says_all_of_them(ma: httpx.Client, world: World) -> None:
    answer = post(
        ma, "/scripts", body='[[script]]\nname = "X"\nkinds = ["flood"]\n[[script.step]]\nname = "a"\nzh = "甲"\n'
    )
    assert answer.status_code == 422
    assert "name" in answer.text
    assert "kinds" in answer.text
    assert "缺 en" in answer.text
    assert world.sql("select count(*) from script_version") == [(1,)]


def test_operator_reads_scripts_and_publishes_none(li: httpx.Client, world: World) -> None:
    assert "fall_heart_failure" in li.get("/scripts").text
    assert post(li, "/scripts", body="").status_code == 403


# ---- search


@pytest.mark.parametrize(
    "wanted", ["王秀英", "wxy", "WangXiuYing", "0951 000 0001", "0001", "3 号楼 2 单元", "watch-wang", "腕表 W2"]
)
def test_resident_is_found_by_whatever_somebody_says(li: httpx.Client, world: World, wanted: str) -> None:
    case = world.alert("watch-wang")
    found = post(li, "/search", q=wanted)
    assert found.status_code == 200
    assert "王秀英" in found.text
    assert f"/incidents/{case}" in found.text
    assert wanted not in str(found.url)


def test_case_is_found_by_its_number_long_after_it_ended(li: httpx.Client, world: World) -> None:
    case = world.alert("watch-wang")

    async def ended(conn: Connection) -> None:
        await hub_desk.take(conn, case, world.people["li"])
        await hub_desk.resolve(conn, case, world.people["li"], "voice")
        await hub_desk.close(
            conn,
            case,
            world.people["li"],
            disposition=Disposition.ACCIDENTAL,
            done="x",
            with_whom="y",
            called_back=True,
        )

    world.run(ended)
    found = post(li, "/search", q=f"#{case}").text
    assert "误按" in found
    assert "王秀英" in found


def test_son_who_telephones_is_found_by_his_own_number(li: httpx.Client, world: World) -> None:
    assert "王秀英 的儿子" in post(li, "/search", q="13800000001").text


@pytest.mark.parametrize("nasty", ["%", "_", "\\", "' or 1=1", "<script>", "z" * 500, "\x00", "9" * 40])
def test_search_for_anything_at_all_is_answered(li: httpx.Client, world: World, nasty: str) -> None:
    answer = post(li, "/search", q=nasty)
    assert answer.status_code == 200
    assert "<script>" not in answer.text.replace("<script nonce", "")


# ---- the end of a shift


def test_both_sign_each_open_case_and_the_next_shift_has_it(li: httpx.Client, chen: httpx.Client, world: World) -> None:
    mine, nobodys = world.alert("watch-wang"), world.alert("watch-he", "vitals", 3, rule="V1")
    post(li, f"/incidents/{mine}/take")
    due = world.sql("select due_at from timer where incident_id = %(i)s", i=mine)
    assert post(li, "/handover", incoming=str(world.people["chen"]), note="安静").status_code == 303
    number = world.sql("select id from handover")[0][0]
    early = post(chen, f"/handover/{number}/cases/{mine}/in")
    assert early.status_code == 409, "whoever goes signs first"
    for case in (mine, nobodys):
        assert post(li, f"/handover/{number}/cases/{case}/out", note="等儿子回电").status_code == 303
    assert "等儿子回电" in chen.get("/handover").text
    for case in (mine, nobodys):
        assert post(chen, f"/handover/{number}/cases/{case}/in").status_code == 303
    assert world.sql("select ended_at is not null, called_off from handover") == [(True, False)]
    assert world.sql("select count(*) from handover_case where outgoing_at < incoming_at") == [(2,)]
    assert world.sql("select handler_id from incident where id = %(i)s", i=mine) == [(world.people["chen"],)]
    assert world.sql("select handler_id from incident where id = %(i)s", i=nobodys) == [(None,)]
    assert world.sql("select due_at from timer where incident_id = %(i)s", i=mine) == due, "no timer moves"
    assert "陈刚 从 李雪 接班" in chen.get(f"/incidents/{mine}").text


def test_supervisor_is_told_of_a_handover_nobody_signs(li: httpx.Client, ma: httpx.Client, world: World) -> None:
    world.alert("watch-wang")
    post(li, "/handover", incoming=str(world.people["chen"]))
    assert "未签完" not in ma.get("/").text
    world.sql("update handover set begun_at = begun_at - interval '16 minutes'")
    assert "1 份交班超过 15 分钟未签完" in ma.get("/").text
    assert "超过 15 分钟未签完" in ma.get("/handover").text
    assert "未签完" not in li.get("/").text


def test_handover_with_nothing_open_is_over_at_once(li: httpx.Client, world: World) -> None:
    post(li, "/handover", incoming=str(world.people["chen"]))
    assert world.sql("select ended_at is not null from handover") == [(True,)]


@pytest.mark.parametrize("to", ["li", "guard", "nobody"])
def test_shift_goes_to_another_operator_and_nobody_else(li: httpx.Client, world: World, to: str) -> None:
    answer = post(li, "/handover", incoming=str(world.people.get(to, 999)))
    assert answer.status_code == 409
    assert world.sql("select count(*) from handover") == [(0,)]


def test_case_that_is_not_theirs_any_more_is_not_taken_over(world: World) -> None:
    case = world.alert("watch-wang")

    async def moved(conn: Connection) -> None:
        await hub_desk.take(conn, case, world.people["ma"])
        await handover.relieve(conn, case, world.people["chen"], world.people["li"])

    with pytest.raises(Refused, match="does not have it"):
        world.run(moved)


# ---- the map


def test_map_knows_home_last_position_and_what_stands_near(li: httpx.Client, world: World) -> None:
    world.sql(
        "insert into landmark (kind, name, lat, lon) values ('aed', '卫生站', 38.471, 106.261), ('aed', '远', 39, 107)"
    )
    world.sql("update person set lat = 38.469, lon = 106.256 where id = %(g)s", g=world.people["guard"])
    world.sql(
        "insert into observation (received_at, device_id, batch, measured_at, code, number, quality, lat, lon,"
        " accuracy_m) values"
        " (hub_now() - interval '14 seconds', %(d)s, 1, hub_now(), 'location', 0, 'ok', 38.4703, 106.2606, 85)",
        d=world.devices["watch-wang"],
    )
    case = world.alert("watch-wang")
    post(li, f"/incidents/{case}/take")
    post(li, f"/incidents/{case}/dispatch", person=str(world.people["guard"]))
    told = li.get(f"/incidents/{case}/map").json()
    assert told["home"] == {"lat": 38.47, "lon": 106.26}
    assert (told["last"]["exact"], told["last"]["accuracy_m"]) == (False, 85)
    assert 50 < told["last"]["from_home_m"] < 80
    assert [each["name"] for each in told["landmarks"]] == ["卫生站"]
    assert [(each["name"], each["state"]) for each in told["comers"]] == [("赵保安", "asked")]
    assert "位置 <time" in li.get(f"/incidents/{case}").text, "its age stands with the watch"


def test_pictures_come_from_here_and_the_configured_tiles_alone() -> None:
    assert "img-src 'self' data:;" in policy("n")
    assert "img-src 'self' data: https://t0.example.cn;" in policy("n", "/", ("https://t0.example.cn",))


def test_stray_devices_case_has_an_empty_map(li: httpx.Client, world: World) -> None:
    told = li.get(f"/incidents/{world.alert('stray')}/map").json()
    assert (told["home"], told["last"], told["comers"]) == (None, None, [])


# ---- who calls often, and who does not answer


def test_repeat_caller_is_flagged_visited_and_never_muted(li: httpx.Client, world: World) -> None:
    for number in range(3):
        case = world.alert("watch-he")
        assert f'id="row-{case}"' in li.get("/queue").text
        assert ("7 天 3 次" in li.get("/queue").text) == (number == 2)
        assert 'data-rings="yes"' in li.get("/queue").text, "it rings as the first time"
        post(li, f"/incidents/{case}/take")
        form = {"disposition": "accidental", "done": "通话", "with_whom": "本人", "how": "voice", "called_back": "yes"}
        assert post(li, f"/incidents/{case}/close", **form).status_code == 303
    visits = world.sql("select reason, resident_id, status from visit")
    assert visits == [("repeat_caller", world.residents["he"], "open")]
    again = world.alert("watch-he")
    assert "已登记上门" in li.get(f"/incidents/{again}").text


def test_silent_residents_watch_is_told_to_dial_until_somebody_is_there(world: World) -> None:
    call = retries.number_of("0951-000 1234")
    assert call is not None
    case = world.alert("watch-wang")

    async def night(conn: Connection) -> list[int]:
        li = world.people["li"]
        await hub_desk.take(conn, case, li)
        assert await retries.turn(conn, call) == 0, "she may yet speak"
        await hub_desk.no_speech(conn, case, li)
        assert await retries.first(conn, case, "0951-000 1234", f"person:{li}")
        told = []
        for _ in range(7):
            told.append(await retries.turn(conn, call))
            await conn.execute("update device_command set asked_at = asked_at - interval '61 seconds'")
        return told

    assert world.run(night) == [0, 1, 1, 1, 1, 0, 0], "once a minute, five times in all"
    assert world.sql("select count(*) from incident_event where what = 'device_told'") == [(5,)]


@pytest.mark.parametrize("phone", ["", "坐席", "12"])
def test_desk_without_a_number_asks_no_device_to_dial(phone: str) -> None:
    assert retries.number_of(phone) is None


# ---- how the screen looks, and the rows of the queue


def test_look_is_remembered_for_the_person(li: httpx.Client, chen: httpx.Client, world: World) -> None:
    assert 'data-look=""' in li.get("/").text
    post(li, "/look", theme="dark")
    post(li, "/look", large="yes")
    assert 'data-look="dark large"' in li.get("/").text
    assert 'data-look="dark large"' in li.get("/handover").text
    assert 'data-look=""' in chen.get("/").text
    post(li, "/look", theme="auto")
    assert 'data-look="large"' in li.get("/").text
    with pytest.raises(psycopg.errors.CheckViolation):
        world.sql("update person set look = 'x;y'")


def test_changed_row_comes_alone_with_the_order_of_all(li: httpx.Client, chen: httpx.Client, world: World) -> None:
    first, second = world.alert("watch-wang"), world.alert("watch-he", "vitals", 2, rule="V4")
    technical = world.alert("watch-zhang", "silence", 5, rule="T3")
    post(li, f"/incidents/{second}/take")
    for client, mine in ((li, True), (chen, False)):
        part = client.get(f"/queue/rows?ids={second},x,99999", headers={"HX-Request": "true"}).text
        assert f'id="row-{second}"' in part
        assert f'id="row-{first}"' not in part
        assert f'data-calls="{first} {second}" data-technical="{technical}"' in part
        assert ("<span>你</span>" in part) == mine, "one reading for both, and each sees her own"
    post(li, f"/incidents/{second}/note", text="x")
    world.alert("watch-wang")
    assert 'data-presses="2"' in li.get(f"/queue/rows?ids={first}").text
