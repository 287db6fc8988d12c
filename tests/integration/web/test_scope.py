"""Row-level security: what an organisation's people see, whatever a query asks."""

import hashlib
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from hub.store.pool import Pool, connect, open_pool
from hub.web.bounds import acting
from tests.integration.web.conftest import Served
from tests.integration.web.world import World, csrf_of, sign_in

EAST = "城东社区"


@pytest.fixture
def two(world: World) -> World:
    """Two organisations, a dispatcher and people of each, a resident with a case in either area."""
    world.sql(
        "insert into area (name, parent, level) values ('永安县', null, 'county'),"
        " ('和平社区', '永安县', 'community'), ('城东社区', null, 'community')"
    )
    for name, area in (("和平物业", "永安县"), ("城东物业", EAST)):
        world.sql(
            "with o as (insert into organisation (name, kind, created_at)"
            " values (%(n)s, 'property', hub_now()) returning id)"
            " insert into organisation_area select id, %(a)s from o", n=name, a=area,
        )  # fmt: skip
    world.person("own", "和平调度", "dispatcher", login=True)
    world.person("other", "城东调度", "dispatcher", login=True)
    world.person("east-guard", "钱保安", "property", area=EAST, phone="138 0000 0010")
    for short, name in (("own", "和平物业"), ("guard", "和平物业"), ("other", "城东物业"), ("east-guard", "城东物业")):
        world.sql(
            "update person set organisation_id = (select id from organisation where name = %(o)s) where id = %(p)s",
            o=name, p=world.people[short],
        )  # fmt: skip
    world.resident("far", "冯远方", area=EAST, address="城东路 1 号", door_code="9999#")
    world.device("watch-far", "far", model="腕表 W2")
    return world


def organisation(world: World, short: str) -> int:
    return int(world.sql("select organisation_id from person where id = %(p)s", p=world.people[short])[0][0])


def seen(world: World, short: str, query: str) -> list[tuple[object, ...]]:
    """Return what a query gives to somebody of an organisation."""

    async def ask(conn: psycopg.AsyncConnection[tuple[object, ...]]) -> list[tuple[object, ...]]:
        async with acting(conn, organisation(world, short), world.people[short]):
            return await (await conn.execute(query.encode())).fetchall()

    return world.run(ask)


def test_every_table_is_readable_by_its_rows_or_not_at_all(world: World) -> None:
    """A table of tomorrow is granted to nobody until somebody says which of its rows are whose."""
    bare = world.sql(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' and c.relkind in ('r', 'p', 'm', 'f') and (not c.relrowsecurity"
        "   or not exists (select from pg_policy p where p.polrelid = c.oid))"
        " and (has_any_column_privilege('carehub_web', c.oid, 'select, insert, update')"
        "      or has_table_privilege('carehub_web', c.oid, 'delete, truncate'))"
    )
    assert not bare, "enable row level security with a policy for carehub_web, or grant it nothing"


def test_every_view_that_is_readable_answers_as_whoever_asks(world: World) -> None:
    views = world.sql(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'v'"
        " and n.nspname = 'public' and has_table_privilege('carehub_web', c.oid, 'select')"
        " and not coalesce(c.reloptions @> '{security_invoker=true}', false)"
    )
    assert not views


def test_role_may_not_sign_in_and_is_bound_by_its_rows(world: World) -> None:
    assert world.sql("select rolcanlogin, rolbypassrls, rolsuper from pg_roles where rolname = 'carehub_web'") == [
        (False, False, False)
    ]


@pytest.mark.parametrize(
    ("query", "own", "other"),
    [
        ("select distinct name from resident", {"王秀英", "张德福", "刘桂芳", "何玉兰"}, {"冯远方"}),
        ("select distinct r.name from incident i join resident r on r.id = i.resident_id", {"王秀英"}, {"冯远方"}),
        ("select distinct d.address from device d", {"carehub:watch-wang", "carehub:button-wang",
         "carehub:watch-zhang", "carehub:button-liu", "carehub:watch-he"}, {"carehub:watch-far"}),
        ("select distinct device_id from telemetry", {1}, {7}),
        ("select name from person where role = 'dispatcher'", {"和平调度"}, {"城东调度"}),
        ("select name from person where role in ('property', 'family')", {"赵保安", "王小明"}, {"钱保安"}),
        ("select count(*) from note", {1}, {0}),
        ("select count(*) > 0 from incident_event", {True}, {True}),
        ("select distinct i.area from incident_event e join incident i on i.id = e.incident_id", {"和平社区"}, {EAST}),
    ],
)  # fmt: skip
def test_query_without_a_where_returns_ones_own_rows_only(
    two: World, query: str, own: set[object], other: set[object]
) -> None:
    mine = two.alert("watch-wang")
    two.alert("watch-far", area=EAST)
    two.sql(
        "insert into note (incident_id, person_id, at, text) values (%(i)s, %(p)s, hub_now(), '备注')",
        i=mine,
        p=two.people["li"],
    )
    for device in ("watch-wang", "watch-far"):
        two.heart_rates(device, [70.0])
    assert {row[0] for row in seen(two, "own", query)} == own
    assert {row[0] for row in seen(two, "other", query)} == other


def test_how_people_sign_in_is_readable_to_nobody_of_an_organisation(two: World) -> None:
    for query in (
        "select * from person", "select password_hash from person", "select health_notes from resident",
        "select * from web_session", "select * from second_factor", "select address from contact",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            seen(two, "own", query)


def test_somebody_of_no_organisation_sees_nothing(two: World) -> None:
    two.alert("watch-wang")

    async def ask(conn: psycopg.AsyncConnection[tuple[object, ...]]) -> int:
        async with acting(conn, None, two.people["own"]):
            return len(
                await (await conn.execute(b"select id from resident union all select id from incident")).fetchall()
            )

    assert two.run(ask) == 0


def test_organisation_that_was_switched_off_sees_nothing(two: World) -> None:
    two.sql("update organisation set active = false")
    assert seen(two, "own", "select id from resident") == []


@pytest.mark.anyio
async def test_what_one_may_see_does_not_pass_to_the_next_who_borrows_the_connection(two: World) -> None:
    async with open_pool(two.dsn, name="scope", largest=1) as pool:
        async with pool.connection() as conn, acting(conn, organisation(two, "own"), two.people["own"]):
            pid = conn.info.backend_pid
            assert len(await (await conn.execute(b"select id from resident")).fetchall()) == 4
        async with pool.connection() as conn:
            assert conn.info.backend_pid == pid
            found = await (await conn.execute(
                b"select count(*), current_user = session_user, current_setting('carehub.organisation', true),"
                b" current_setting('search_path') from resident group by ()"
            )).fetchone()  # fmt: skip
        assert found is not None
        assert found[:3] == (5, True, "")
        assert "carehub_web" not in found[3]


@pytest.mark.anyio
async def test_connection_that_keeps_its_bounds_is_thrown_away(two: World) -> None:
    """Within a transaction the pool's own rollback would put them on again."""
    async with open_pool(two.dsn, name="scope", largest=1) as pool:
        async with pool.connection() as conn, acting(conn, organisation(two, "own"), two.people["own"]):
            pid = conn.info.backend_pid
            await conn.execute(b"begin")
        async with pool.connection() as conn:
            assert conn.info.backend_pid != pid
            row = await (await conn.execute(b"select count(*) from resident")).fetchone()
            assert row == (5,)


@pytest.mark.anyio
async def test_page_that_breaks_down_leaves_no_bounds_behind(two: World) -> None:
    async def broken(pool: Pool) -> None:
        of = organisation(two, "own")
        async with pool.connection() as conn, acting(conn, of, two.people["own"]), conn.transaction():
            await conn.execute(b"select * from person")

    async with open_pool(two.dsn, name="scope", largest=1) as pool:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await broken(pool)
        async with pool.connection() as conn:
            row = await (await conn.execute(b"select current_user = session_user")).fetchone()
            assert row == (True,)


@pytest.mark.anyio
async def test_owner_is_not_bound(two: World) -> None:
    async with await connect(two.dsn) as conn:
        row = await (await conn.execute(b"select count(*) from resident")).fetchone()
    assert row == (5,)


# ---- at the console ----


@pytest.fixture
def own(console: Served, two: World) -> Iterator[httpx.Client]:
    with console.client() as client:
        assert sign_in(client, "own").status_code == 303
        yield client


def test_dispatcher_sees_the_cases_of_his_organisation_and_no_other(own: httpx.Client, two: World) -> None:
    mine, other = two.alert("watch-wang"), two.alert("watch-far", area=EAST)
    queue = own.get("/queue").text
    assert "王秀英" in queue
    assert "冯远方" not in queue
    assert "王秀英" in own.get(f"/incidents/{mine}").text
    away = own.get(f"/incidents/{other}", headers={"accept": "text/html"})
    assert away.headers["location"] == f"/glass?incident={other}"
    for part in ("case", "vitals"):
        assert "冯远方" not in own.get(f"/incidents/{other}/{part}").text


def test_dispatcher_writes_a_note_and_sends_his_own_people_only(own: httpx.Client, two: World) -> None:
    mine = two.alert("watch-wang")
    page = own.get(f"/incidents/{mine}").text
    token = {"csrf": csrf_of(page)}
    assert own.post(f"/incidents/{mine}/note", data=token | {"text": "门卫已通知"}).status_code == 303
    sheet = own.get(f"/incidents/{mine}/sheet/dispatch").text
    assert "赵保安" in sheet
    assert "孙社工" not in sheet, "the community's people are another's to send"
    assert (
        own.post(f"/incidents/{mine}/dispatch", data=token | {"person": str(two.people["worker"])}).status_code == 422
    )
    assert own.post(f"/incidents/{mine}/dispatch", data=token).status_code == 422, "nor the policy's next step"
    assert own.post(f"/incidents/{mine}/dispatch", data=token | {"person": str(two.people["guard"])}).status_code in (
        303,
        409,
    )
    assert own.post(f"/incidents/{mine}/close", data=token).status_code == 403
    assert two.sql("select text from note") == [("门卫已通知",)]


def test_dispatcher_finds_no_button_that_is_not_his(own: httpx.Client, two: World) -> None:
    page = own.get(f"/incidents/{two.alert('watch-wang')}").text
    for verb in ("take", "close", "release", "hold"):
        assert f'/{verb}"' not in page


def test_dispatcher_sees_the_holes_of_his_areas(own: httpx.Client, two: World) -> None:
    assert own.get("/coverage").status_code == 200
    assert own.get("/coverage", params={"area": "和平社区"}).status_code == 200


def test_page_for_his_people_shows_him_a_case_of_another_area(own: httpx.Client, two: World) -> None:
    case = two.alert("watch-far", area=EAST)
    two.sql(
        "insert into page (incident_id, round, step, person_id, role, channel, address, due_at, created_at) values"
        " (%(i)s, 0, 0, %(p)s, 'property', 'webhook', 'http://127.0.0.1:9/x', hub_now() + interval '1 day', hub_now())",
        i=case, p=two.people["guard"],
    )  # fmt: skip
    assert "冯远方" in own.get(f"/incidents/{case}").text


def test_dispatcher_without_an_organisation_sees_nothing(console: Served, two: World) -> None:
    two.alert("watch-wang")
    two.sql("update person set organisation_id = null where id = %(p)s", p=two.people["own"])
    with console.client() as client:
        sign_in(client, "own")
        assert "王秀英" not in client.get("/queue").text


def test_session_of_an_operator_after_a_dispatchers_sees_everything(
    console: Served, own: httpx.Client, two: World
) -> None:
    two.alert("watch-wang")
    two.alert("watch-far", area=EAST)
    with console.client() as li:
        sign_in(li, "li")
        for _ in range(10):  # the pool lends the same few connections again and again
            assert "冯远方" not in own.get("/queue").text
            assert "冯远方" in li.get("/queue").text
    assert hashlib.sha256(own.cookies["carehub_session"].encode()).digest()
