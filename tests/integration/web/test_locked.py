"""A locked record: who may lock it, and that no page opens it without a reason."""

import httpx
import pytest

from tests.integration.web.test_accounts import post
from tests.integration.web.world import World

HTML = {"accept": "text/html"}
WHY = "家属来电询问昨晚的情况，需要核对"


@pytest.fixture
def hers(world: World) -> str:
    """Wang's page of the register."""
    return f"/registry/residents/{world.residents['wang']}"


def over(world: World) -> int:
    """A case of hers that has ended."""
    case = world.alert("watch-wang")
    world.sql(
        "with gone as (delete from timer where incident_id = %(i)s) update incident set dedup_key = null,"
        " state = 'closed', closed_at = hub_now(), disposition = 'found_well' where id = %(i)s", i=case,
    )  # fmt: skip
    return case


def test_supervisor_locks_a_record_and_unlocks_it_and_both_are_written_down(
    ma: httpx.Client, world: World, hers: str
) -> None:
    assert 'id="locked"' not in ma.get(hers).text
    assert post(ma, f"{hers}/lock", at=hers, locked="yes").status_code == 303
    assert 'id="locked"' in ma.get(hers).text
    assert post(ma, f"{hers}/lock", at=hers, locked="yes").status_code == 303, "once more changes nothing"
    assert post(ma, f"{hers}/lock", at=hers, locked="no").status_code == 303
    assert world.sql("select what from access_log order by id") == [("record locked",), ("record unlocked",)]


def test_operator_locks_nothing(li: httpx.Client, world: World, hers: str) -> None:
    assert post(li, f"{hers}/lock", at="/me", locked="yes").status_code == 403
    assert world.sql("select count(*) from resident where locked") == [(0,)]


def test_no_page_opens_a_locked_record_without_a_reason(li: httpx.Client, world: World, hers: str) -> None:
    case = over(world)
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    for way in (f"/incidents/{case}", hers):
        assert li.get(way, headers=HTML).headers["location"].startswith("/glass?"), way
    for part in ("case", "vitals", "map", "sheet/close"):
        assert li.get(f"/incidents/{case}/{part}").status_code == 403, part
    for form in (f"/incidents/{case}/door_code", f"/incidents/{case}/note", f"{hers}/show/door_code",
                 f"{hers}/show/health_notes"):  # fmt: skip
        answer = post(li, form, text="备注")
        assert answer.status_code == 403, form
        assert "4471" not in answer.text
    assert world.sql("select count(*) from access_log") == [(0,)]


def test_reason_opens_it_for_a_while(li: httpx.Client, world: World, hers: str) -> None:
    case = over(world)
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    opened = post(li, "/glass", at="/glass", resident=str(world.residents["wang"]), reason=WHY)
    assert opened.headers["location"] == hers
    assert "王秀英" in li.get(hers).text
    assert "4471" in post(li, f"/incidents/{case}/door_code").text
    assert "4471" in post(li, f"{hers}/show/door_code").text
    assert li.get(f"/incidents/{case}/map").status_code == 200


def test_open_case_is_reason_enough(li: httpx.Client, world: World, hers: str) -> None:
    case = world.alert("watch-wang")
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    assert "4471" in post(li, f"/incidents/{case}/door_code").text
    assert li.get(hers).status_code == 200


def test_page_that_is_not_for_ones_role_says_so_in_ones_language(li: httpx.Client, world: World) -> None:
    told = li.get("/people", headers=HTML)
    assert told.status_code == 403
    assert "这一页不对您的角色开放" in told.text
    world.sql("update person set language = 'en' where id = %(p)s", p=world.people["li"])
    told = li.get("/people", headers=HTML)
    assert "这一页不对您的角色开放" not in told.text
    assert '<html lang="en"' in told.text
    assert li.get("/people", headers={"accept": "*/*"}).headers["content-type"].startswith("text/plain")


def test_register_changes_nobodys_organisation_who_signs_in(ma: httpx.Client, world: World) -> None:
    """Accounts have a page of their own: what somebody sees hangs on it."""
    world.sql("insert into organisation (name, kind, created_at) values ('和平物业', 'property', hub_now())")
    path = f"/registry/people/{world.people['li']}"
    page = ma.get(path).text
    assert f'href="/people/{world.people["li"]}"' in page
    version = page.split('name="version" value="', 1)[1].split('"', 1)[0]
    assert post(ma, path, at=path, name="李雪", version=version, organisation_id="1").status_code == 303
    assert world.sql("select organisation_id from person where login = 'li'") == [(None,)]
    assert f'href="{path}"' in ma.get(f"/people/{world.people['li']}").text


def test_lists_show_no_locked_name_to_whoever_may_not_open_it(li: httpx.Client, ma: httpx.Client, world: World) -> None:
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    world.sql(
        "insert into visiting (resident_id, since, reason, entered_by, entered_at)"
        " values (%(r)s, (hub_now() - interval '40 days')::date, 'alone', 'person:1', hub_now())",
        r=world.residents["wang"],
    )  # fmt: skip

    world.sql(
        "insert into device_silence (device_id, since, found_at)"
        " values (%(d)s, hub_now() - interval '1 day', hub_now())",
        d=world.devices["watch-wang"],
    )  # fmt: skip
    made = post(
        li,
        "/work-orders",
        at="/me",
        kind="other",
        scope="看看门铃",
        due="2099-01-01",
        resident=str(world.residents["wang"]),
    )
    order = made.headers["location"].rpartition("/")[2]

    def lists(client: httpx.Client) -> dict[str, str]:
        return {
            "search": post(client, "/search", at="/me", q="王秀英").text,
            "caller": post(client, "/search", at="/me", q="138 0000 0001").text,
            "device": post(client, "/search", at="/me", q="watch-wang").text,
            "register": post(client, "/registry", at="/me", word="王秀英").text,
            "visits": client.get("/visits").text,
            "fleet": client.get("/fleet").text,
            "orders": client.get("/work-orders").text,
            "order": client.get(f"/work-orders/{order}").text,
            "coverage": client.get("/coverage", params={"area": "和平社区"}).text,
            "who could come": client.get(f"/coverage/residents/{world.residents['wang']}").text,
            "policies": client.get("/policies").text,
        }

    for name, page in lists(ma).items():
        assert "王秀英" in page, name
    for name, page in lists(li).items():
        assert "和平里 3 号楼" not in page, name
        shown = page.replace('value="王秀英"', "").replace("“王秀英”", "").replace("「王秀英」", "")
        assert "王秀英" not in shown, name
    assert all("档案已锁定" in lists(li)[name] for name in ("fleet", "orders", "order", "coverage"))
    assert post(li, "/glass", at="/me", resident=str(world.residents["wang"]), reason=WHY).status_code == 303
    assert "王秀英" in lists(li)["visits"], "with a reason given it is open"
