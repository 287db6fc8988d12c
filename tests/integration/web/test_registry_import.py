"""Files, merges and erasure at real sockets: nothing before the word, all of it after, and what stays is told."""

import asyncio
import io
from pathlib import Path

import httpx
import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]

from hub import retention
from hub.commands import people
from hub.errors import HubError
from hub.loops.chains import Chains
from hub.store.pool import Connection, connect
from tests.integration.web.test_registry import admin, post  # noqa: F401
from tests.integration.web.world import PASSWORD, World, csrf_of

HEADS = ["姓名", "社区", "住址", "电话", "风险等级", "门码", "健康备注"]


def excel(*rows: list[object]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.active.append(HEADS)
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def upload(client: httpx.Client, body: bytes, kind: str = "residents", name: str = "长者.xlsx") -> httpx.Response:
    token = csrf_of(client.get("/registry").text)
    return client.post("/registry/import", data={"csrf": token, "kind": kind}, files={"file": (name, body)})


def chains_hold(world: World) -> bool:
    async def look(conn: Connection) -> bool:
        return not await Chains().all_of_them(conn)

    return world.run(look)


def test_file_with_faults_changes_nothing_and_says_each(ma: httpx.Client, world: World) -> None:
    before = world.sql("select count(*) from resident")
    page = upload(
        ma, excel(["李一", "和平社区", "1 号楼", "138", "很高", "", ""], ["", "和平社区", "2 号楼", "", "", "", ""])
    )
    assert page.status_code == 422
    assert page.text.count("<tr>") >= 4
    assert "很高" in page.text
    assert world.sql("select count(*) from resident") == before
    assert world.sql("select count(*) from registry_import") == [(0,)]


def test_confirmed_file_does_what_was_shown_once(ma: httpx.Client, world: World) -> None:
    body = excel(["李一", "和平社区", "1 号楼", "13800000009", "高", "77#", "糖尿病"],
                 ["王秀英", "和平社区", "和平里 3 号楼 2 单元 501", "09510000009", "", "", ""])  # fmt: skip
    sent = upload(ma, body)
    assert sent.status_code == 303
    path = sent.headers["location"]
    page = ma.get(path).text
    assert "77#" not in page and "糖尿病" not in page  # noqa: PT018
    assert world.sql("select count(*) from resident where name = '李一'") == [(0,)]
    assert "糖尿病" not in world.sql("select body from registry_import")[0][0]
    assert post(ma, f"{path}/confirm").status_code == 303
    assert world.sql("select risk_class, door_code like 'sealed:%%' from resident where name = '李一'") == [
        ("high", True)
    ]
    assert world.sql("select phone from resident where name = '王秀英'") == [("09510000009",)]
    assert post(ma, f"{path}/confirm").status_code == 409
    assert world.sql("select body, applied_at is not null from registry_import") == [("", True)]


def test_register_that_changed_underneath_refuses_the_preview(ma: httpx.Client, world: World) -> None:
    path = upload(ma, excel(["王秀英", "和平社区", "和平里 3 号楼 2 单元 501", "09510000009", "", "", ""])).headers[
        "location"
    ]
    world.sql("update resident set entrance = '后门' where name = '王秀英'")
    refused = post(ma, f"{path}/confirm")
    assert refused.status_code == 409
    assert world.sql("select phone from resident where name = '王秀英'") == [("0951 000 0001",)]


def test_change_of_others_does_not_hinder_a_preview(ma: httpx.Client, world: World) -> None:
    path = upload(ma, excel(["王秀英", "和平社区", "和平里 3 号楼 2 单元 501", "09510000009", "", "", ""])).headers[
        "location"
    ]
    world.sql("update resident set entrance = '后门' where name = '张德福'")
    assert post(ma, f"{path}/confirm").status_code == 303


def test_circle_organisations_and_people_come_by_file(ma: httpx.Client, world: World) -> None:
    for kind, text in (
        ("organisations", "名称,类型,统一社会信用代码\n安居物业,物业管理,\n安居二,property,91350100M000100Y43\n"),
        ("people", "姓名,身份,机构,电话,通知方式\n周保安,物业,安居物业,13800000055,电话\n"),
        (
            "circle",
            "长者,姓名,电话,关系,到达分钟,有钥匙\n王秀英,王二,13800000066,女儿,15,是\n张德福,王二,13800000066,侄女,20,否\n",
        ),
    ):
        sent = upload(ma, text.replace("物业管理", "物业").encode(), kind, f"{kind}.csv")
        assert sent.status_code == 303, sent.text
        assert post(ma, f"{sent.headers['location']}/confirm").status_code == 303
    assert world.sql("select o.name, c.channel from person p join organisation o on o.id = p.organisation_id"
                     " join contact c on c.person_id = p.id where p.name = '周保安'") == [("安居物业", "voice")]  # fmt: skip  # noqa: E501
    assert world.sql("select count(*), count(distinct person_id) from care_circle c join person p on p.id = c.person_id"
                     " where p.name = '王二'") == [(2, 1)]  # fmt: skip


def test_templates_read_again_are_whole(ma: httpx.Client, world: World) -> None:
    for form in ("xlsx", "csv"):
        template = ma.get(f"/registry/templates/residents.{form}")
        assert template.status_code == 200
        assert upload(ma, template.content, name=f"t.{form}").status_code == 303


def test_command_shows_first_and_takes_with_apply(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", world.dsn)
    monkeypatch.setenv("CAREHUB_RUN_DIR", str(tmp_path))
    file = tmp_path / "new.csv"
    file.write_text("姓名,社区,住址\n李一,和平社区,1 号楼\n", encoding="utf-8")
    assert people.main(["import", str(file)]) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert world.sql("select count(*) from resident where name = '李一'") == [(0,)]
    assert people.main(["import", str(file), "--apply"]) == 0
    assert world.sql("select count(*) from resident where name = '李一'") == [(1,)]
    file.write_text("姓名,社区,住址\n,和平社区,1 号楼\n", encoding="utf-8")
    with pytest.raises(HubError, match="1 faults; nothing"):
        people.main(["import", str(file), "--apply"])


def test_merge_moves_everything_and_is_taken_back(ma: httpx.Client, world: World) -> None:
    wang = world.residents["wang"]
    twin = world.resident("twin", "王秀英", born=__import__("datetime").date(1944, 3, 2), hazards="地滑")
    world.device("watch-twin", "twin")
    world.circle("twin", "son", "儿子", 20)
    case = world.alert("watch-twin")
    path = f"/registry/duplicates/{wang}/{twin}"
    assert path in ma.get("/registry/duplicates").text
    assert post(ma, path, keep=str(wang)).status_code == 409  # a case is open
    world.sql("update device set resident_id = null where id = %(id)s", id=world.devices["watch-twin"])
    world.sql("update incident set resident_id = null where id = %(id)s", id=case)
    world.device("button-twin", "twin")
    world.sql("insert into consent (resident_id, given, said_by, read_by, text_version, language, at)"
              " values (%(r)s, true, 'herself', %(p)s, '1', 'zh-CN', hub_now())", r=twin, p=world.people["ma"])  # fmt: skip  # noqa: E501
    assert post(ma, path, keep=str(wang)).status_code == 303
    assert world.sql("select resident_id from device where address = 'carehub:button-twin'") == [(wang,)]
    assert world.sql("select resident_id from consent") == [(wang,)]
    assert world.sql("select hazards from resident where id = %(id)s", id=wang) == [("地滑",)]
    assert world.sql("select merged_into from resident where id = %(id)s", id=twin) == [(wang,)]
    assert f"/registry/residents/{wang}" in ma.get(f"/registry/residents/{twin}").text
    assert chains_hold(world)
    merge = world.sql("select id from registry_change where what = 'merged'")[0][0]
    assert post(ma, f"/registry/merges/{merge}/undo").status_code == 303
    assert world.sql("select resident_id from device where address = 'carehub:button-twin'") == [(twin,)]
    assert world.sql("select merged_into, ended_at from resident where id = %(id)s", id=twin) == [(None, None)]
    assert post(ma, f"/registry/merges/{merge}/undo").status_code == 409


def test_two_who_are_two_are_proposed_no_more(ma: httpx.Client, world: World) -> None:
    twin = world.resident("twin", "王秀英", address="和平里 3 号楼 2 单元 501")
    path = f"/registry/duplicates/{world.residents['wang']}/{twin}"
    assert path in ma.get("/registry/duplicates").text
    assert post(ma, path, do="apart").status_code == 303
    assert path not in ma.get("/registry/duplicates").text


def test_erasure_takes_two_people_and_leaves_chains_and_a_word_of_what_stayed(
    admin: httpx.Client,  # noqa: F811
    world: World,
) -> None:
    wang = world.residents["wang"]
    case = world.alert("button-wang")
    world.heart_rates("watch-wang", [70, 71])
    path = f"/registry/residents/{wang}/erasure"
    asked = {"reason": "本人书面请求 2026-11", "number": str(wang), "second_login": "ma", "second_password": PASSWORD}
    assert post(admin, path, **asked).status_code == 409  # devices in use, a case open
    world.sql("update incident set resident_id = null where id = %(i)s", i=case)
    for name in ("watch-wang", "button-wang"):
        world.sql("insert into device_event (device_id, at, action, state, actor, facts) values (%(d)s, hub_now(), 'retire',"  # noqa: E501
                  " 'retired', 'test', jsonb_build_object('resident', %(r)s::bigint))", d=world.devices[name], r=wang)  # fmt: skip  # noqa: E501
        world.sql("update device set resident_id = null, state = 'retired' where id = %(d)s", d=world.devices[name])
    for wrong in (
        {"number": "0"},
        {"second_login": "gao"},
        {"second_password": "no"},
        {"reason": ""},
        {"second_login": "li"},
    ):
        assert post(admin, path, **(asked | wrong)).status_code == 422
    assert world.sql("select name from resident where id = %(id)s", id=wang) == [("王秀英",)]
    done = post(admin, path, **asked)
    assert done.status_code == 303, done.text[done.text.find("verdict") :][:300]
    assert world.sql("select name, address, phone, door_code, born from resident where id = %(id)s", id=wang) == [
        (f"#{wang}", "", "", "", None)]  # fmt: skip
    assert world.sql("select name, phone, active from person where id = %(id)s", id=world.people["son"])[0][1] in (
        "",
        "138 0000 0001",
    )
    assert world.sql("select count(*) from telemetry") == [(0,)]
    assert world.sql("select count(*) from registry_change where fields::text like '%%王秀英%%'") == [(0,)]
    assert chains_hold(world)
    page = admin.get(path).text
    assert "马班长" in page and "高主任" in page  # noqa: PT018


def test_retention_clears_what_is_over_and_nothing_else(world: World) -> None:
    world.sql(
        "update resident set ended_at = hub_now() - interval '100 days', health_notes = 'x' where name = '张德福'"
    )
    world.sql("update resident set ended_at = hub_now() - interval '4 years' where name = '刘桂芳'")
    world.sql("update device set resident_id = null, state = 'retired'")

    async def clear() -> dict[str, int]:
        async with await connect(world.dsn) as conn:
            return await retention.apply(conn)

    assert asyncio.run(clear()) == {"left_notes": 1, "left_data": 1}
    assert world.sql("select health_notes from resident where name = '张德福'") == [("",)]
    assert world.sql("select count(*) from resident where name = '刘桂芳'") == [(0,)]
    assert world.sql("select count(*) from resident where name = '王秀英' and door_code <> ''") == [(1,)]
    assert asyncio.run(clear()) == {}  # not its turn yet
