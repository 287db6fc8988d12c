"""A work order on the phone of whoever does it, and on the pages of his dispatcher and of an installer."""

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from hub.store import phone, work_orders
from hub.store.pool import Connection
from hub.store.work_orders import Order
from tests.integration.web.conftest import Served
from tests.integration.web.seen import visible
from tests.integration.web.world import World, csrf_of, sign_in

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def given(world: World, to: str | None = "guard", kind: str = "repair", scope: str = "修门铃，按了没有声音") -> int:
    async def made(conn: Connection) -> int:
        order = Order(
            kind=kind, scope=scope, due=date(2030, 1, 5), area="和平社区", resident=world.residents["wang"],
            quality="按三次都响",
        )  # fmt: skip
        number = await work_orders.make(conn, order, "hub")
        assert number is not None
        if to is not None:
            await work_orders.move(conn, number, "assign", f"person:{world.people['ma']}", assignee=world.people[to])
        return number

    return world.run(made)


def link(world: World, person: str = "guard") -> str:
    async def made(conn: Connection) -> str:
        return (await phone.make_link(conn, world.people[person]))[0]

    return f"/me/{world.run(made)}"


@pytest.fixture
def pocket(world: World, console: Served) -> Iterator[httpx.Client]:
    """The guard's phone."""
    with httpx.Client(base_url=f"{console.url}{link(world)}", trust_env=False, timeout=20) as client:
        yield client


def state(world: World, number: int) -> str:
    return str(world.sql("select state from work_order where id = %(o)s", o=number)[0][0])


def test_order_stands_on_his_page_with_scope_time_place_and_map(world: World, pocket: httpx.Client) -> None:
    number = given(world)
    shown = visible(pocket.get(str(pocket.base_url).rstrip("/")).text)
    assert "我的工单 维修 · 待接单" in shown
    page = pocket.get(f"/orders/{number}")
    seen = visible(page.text)
    for words in ("修门铃，按了没有声音", "按三次都响", "2030-01-05 前完成", "王秀英", "新工单"):
        assert words in seen
    assert "uri.amap.com" in page.text
    for secret in ("4471", "心衰", "物业前台"):
        assert secret not in page.text, "no door code, no key, no illness"


def test_order_goes_from_accepted_to_done_with_a_photo_by_plain_forms(world: World, pocket: httpx.Client) -> None:
    number = given(world)
    for verb in ("accept", "arrive"):
        assert pocket.post(f"/orders/{number}", data={"verb": verb}).status_code == 303
    assert "到场" in visible(pocket.get(f"/orders/{number}").text)
    photo = {"photo": ("门.png", PNG, "image/png")}
    assert pocket.post(f"/orders/{number}", data={"verb": "photo"}, files=photo).status_code == 303
    unsaid = pocket.post(f"/orders/{number}", data={"verb": "finish", "words": " "})
    assert unsaid.status_code == 422
    assert pocket.post(f"/orders/{number}", data={"verb": "finish", "words": "换了电池"}).status_code == 303
    assert (state(world, number), "已做完" in visible(pocket.get(f"/orders/{number}").text)) == ("done", True)
    assert world.sql("select media_type, person_id from work_order_file") == [("image/png", world.people["guard"])]


def test_who_did_it_does_not_check_it(world: World, pocket: httpx.Client) -> None:
    number = given(world)
    for verb in ("accept", "arrive", "finish"):
        pocket.post(f"/orders/{number}", data={"verb": verb, "words": "好了"})
    for verb in ("check", "send_back", "assign", "cancel"):
        assert pocket.post(f"/orders/{number}", data={"verb": verb, "words": "好"}).status_code == 409
    assert state(world, number) == "done"


def test_refused_order_says_why_and_leaves_his_page(world: World, pocket: httpx.Client) -> None:
    number = given(world)
    assert pocket.post(f"/orders/{number}", data={"verb": "refuse", "words": ""}).status_code == 422
    assert pocket.post(f"/orders/{number}", data={"verb": "refuse", "words": "没有梯子"}).status_code == 303
    assert state(world, number) == "refused"
    assert pocket.get(f"/orders/{number}").status_code == 404


def test_tap_said_again_is_the_same_tap_and_carries_when_it_was_made(world: World, pocket: httpx.Client) -> None:
    number = given(world)
    at = datetime.now(UTC) - timedelta(minutes=40)
    tap = {"verb": "accept", "nonce": "n-1", "tapped_at": at.isoformat()}
    assert pocket.post(f"/orders/{number}", json=tap).json() == {"order": number, "repeat": False, "state": "accepted"}
    assert pocket.post(f"/orders/{number}", json=tap).json()["repeat"] is True
    ((written,),) = world.sql("select body ->> 'tapped_at' from work_order_event where what = 'accept'")
    assert datetime.fromisoformat(written) == at
    old = tap | {"verb": "arrive", "nonce": "n-2", "tapped_at": (at - timedelta(hours=13)).isoformat()}
    assert pocket.post(f"/orders/{number}", json=old).status_code == 422
    assert world.run(lambda conn: work_orders.proof(conn, number)) is None


def test_photo_of_a_bad_line_is_kept_once_and_only_when_it_is_one(world: World, pocket: httpx.Client) -> None:
    number = given(world)
    photo = {"verb": "photo", "nonce": "p", "photo": base64.b64encode(PNG).decode()}
    answers = [pocket.post(f"/orders/{number}", json=photo).json()["repeat"] for _ in range(2)]
    assert answers == [False, True]
    for bad in (b"<html>", PNG + bytes(2 << 20)):
        refused = pocket.post(f"/orders/{number}", json=photo | {"photo": base64.b64encode(bad).decode()})
        assert refused.status_code == 422
    assert pocket.post(f"/orders/{number}", json=photo | {"photo": "%%"}).status_code == 422
    assert pocket.post(f"/orders/{number}", json=photo | {"photo": "A" * (4 << 20)}).status_code == 413
    assert world.sql("select count(*) from work_order_file") == [(1,)]


def test_order_of_somebody_else_is_nobody_elses(world: World, console: Served, pocket: httpx.Client) -> None:
    number = given(world, "worker")
    assert pocket.get(f"/orders/{number}").status_code == 404
    assert pocket.post(f"/orders/{number}", data={"verb": "accept"}).status_code == 404
    assert pocket.post(f"/orders/{number}", json={"verb": "accept"}).status_code == 409
    with console.client() as client:
        assert client.get(f"/me/nobody/orders/{number}").status_code == 410
    assert state(world, number) == "assigned"


def test_finished_visit_says_whether_she_was_met(world: World, pocket: httpx.Client) -> None:
    number = given(world, kind="visit")
    for verb in ("accept", "arrive"):
        pocket.post(f"/orders/{number}", data={"verb": verb})
    pocket.post(f"/orders/{number}", data={"verb": "finish", "words": "她很好", "outcome": "met"})
    assert world.sql("select outcome, person_id from contact_made") == [("met", world.people["guard"])]


@pytest.fixture
def dispatcher(world: World, console: Served) -> Iterator[httpx.Client]:
    """A dispatcher of the estate's property company, whose guard the guard is."""
    world.sql("insert into area (name, level) values ('和平社区', 'community') on conflict do nothing")
    ((firm,),) = world.sql(
        "insert into organisation (name, kind, created_at) values ('和平物业', 'property', hub_now()) returning id"
    )
    world.sql("insert into organisation_area values (%(o)s, '和平社区')", o=firm)
    world.person("fang", "方调度", "dispatcher", login=True)
    for short in ("fang", "guard"):
        world.sql("update person set organisation_id = %(o)s where id = %(p)s", o=firm, p=world.people[short])
    with console.client() as client:
        assert sign_in(client, "fang").status_code == 303
        yield client


def test_dispatcher_sees_and_assigns_his_organisations_orders_and_no_others(
    world: World, dispatcher: httpx.Client
) -> None:  # fmt: skip
    free, his, foreign = given(world, None), given(world), given(world, "worker")
    page = dispatcher.get("/work-orders").text
    assert [f"WO-{n}<" in page for n in (free, his, foreign)] == [True, True, False]
    assert dispatcher.get(f"/work-orders/{foreign}").status_code == 404
    csrf = csrf_of(page)
    guard, worker = (str(world.people[short]) for short in ("guard", "worker"))
    for number, whom, status in ((free, worker, 403), (foreign, guard, 404), (free, guard, 303)):
        answer = dispatcher.post(f"/work-orders/{number}/assign", data={"csrf": csrf, "assignee": whom})
        assert answer.status_code == status
    assert state(world, free) == "assigned"
    assert dispatcher.post(f"/work-orders/{free}/cancel", data={"csrf": csrf, "words": "不"}).status_code == 403
    shown = dispatcher.get(f"/work-orders/{free}").text
    assert "取消" not in visible(shown)
    assert 'href="/visits"' not in shown


def test_installer_has_his_orders_on_his_page(world: World, console: Served) -> None:
    world.person("gao", "高安装", "installer", login=True)
    number = given(world, "gao", kind="install", scope="装门铃")
    with console.client() as gao:
        assert sign_in(gao, "gao").status_code == 303
        assert "我的工单" in visible(gao.get("/install").text)
        page = gao.get(f"/install/orders/{number}")
        assert "装门铃" in visible(page.text)
        assert gao.post(f"/install/orders/{number}", data={"verb": "accept"}).status_code == 403, "no token of his page"
        key = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        answer = gao.post(f"/install/orders/{number}", data={"verb": "accept", "csrf": key})
        assert answer.status_code == 303
        by_script = gao.post(
            f"/install/orders/{number}", json={"verb": "arrive", "nonce": "a"}, headers={"x-csrf-token": key}
        )
        assert by_script.json()["state"] == "on_site"
