"""The register at real sockets: found, opened, changed by two at once, sealed fields, places, who is called."""

from collections.abc import Iterator

import httpx
import pytest

from hub import sealed
from tests.integration.web.conftest import Served
from tests.integration.web.world import World, csrf_of, sign_in

GOOD_CODE = "91350100M000100Y43"


@pytest.fixture
def admin(console: Served, world: World) -> Iterator[httpx.Client]:
    """An administrator's browser."""
    world.person("gao", "高主任", "administrator", login=True)
    with console.client() as client:
        assert sign_in(client, "gao").status_code == 303
        yield client


def post(client: httpx.Client, path: str, **fields: object) -> httpx.Response:
    token = csrf_of(client.get("/registry").text)
    return client.post(path, data={"csrf": token, **fields})


def form_of(world: World, resident: str, **changed: object) -> dict[str, object]:
    row = world.sql(
        "select version, name, address, area, entrance, key_place, phone, ability from resident where id = %(id)s",
        id=world.residents[resident],
    )[0]
    names = ("version", "name", "address", "area", "entrance", "key_place", "phone", "ability")
    return {**dict(zip(names, row, strict=True)), "born": "1944-03-02", "risks": ["falls"], **changed}


@pytest.mark.parametrize(
    "word", ["王秀英", "0951 000 0001", "09510000001", "2 单元 501", "watch-wang", "138 0000 0001"]
)
def test_resident_is_found_by_what_people_know_of_her(ma: httpx.Client, world: World, word: str) -> None:
    page = post(ma, "/registry", word=word).text
    assert f"/registry/residents/{world.residents['wang']}" in page
    assert "张德福" not in page


def test_filter_by_county_takes_every_community_inside(ma: httpx.Client, world: World) -> None:
    for name, parent, level in (
        ("永宁县", "", "county"),
        ("杨和镇", "永宁县", "township"),
        ("和平社区", "杨和镇", "community"),
    ):
        assert post(ma, "/registry/areas", name=name, parent=parent, level=level).status_code == 303
    assert "王秀英" in ma.get("/registry", params={"area": "永宁县"}).text
    assert post(ma, "/registry/areas", name="永宁县", parent="杨和镇", level="county").status_code == 422
    world.sql("insert into area (name, level) values ('别县', 'county')")
    assert "王秀英" not in ma.get("/registry", params={"area": "别县"}).text


def test_pages_are_turned_when_there_are_many(ma: httpx.Client, world: World) -> None:
    world.sql(
        "insert into resident (name, area, created_at) select '赵' || n, '和平社区', hub_now() from generate_series(1, 60) n"  # noqa: E501
    )
    first, second = post(ma, "/registry").text, post(ma, "/registry", page="2").text
    assert "第 1 页" in first and "第 2 页" in second  # noqa: PT018
    assert first.count("/registry/residents/") - 1 == 50  # the button to register one more


def test_sealed_fields_are_shown_on_press_and_every_look_is_written_down(li: httpx.Client, world: World) -> None:
    number = world.residents["wang"]
    notes = sealed.seal("resident.health_notes", number, "房颤，服华法林")
    world.sql("update resident set health_notes = %(n)s where id = %(id)s", n=notes, id=number)
    page = li.get(f"/registry/residents/{number}").text
    assert "华法林" not in page and "4471#" not in page  # noqa: PT018
    assert "华法林" in post(li, f"/registry/residents/{number}/show/health_notes").text
    assert "4471#" in post(li, f"/registry/residents/{number}/show/door_code").text
    looks = world.sql("select person_id, resident_id, what from access_log order by id")
    assert looks == [(world.people["li"], number, f"{what}: registry") for what in ("health_notes", "door_code")]
    assert post(li, f"/registry/residents/{number}/show/name").status_code == 404


def test_administrator_sees_neither_health_nor_cases(admin: httpx.Client, world: World) -> None:
    case = world.alert("button-wang")
    page = admin.get(f"/registry/residents/{world.residents['wang']}").text
    assert f"/incidents/{case}" not in page
    assert post(admin, f"/registry/residents/{world.residents['wang']}/show/health_notes").status_code == 403


def test_change_is_kept_with_who_and_what_was_before(ma: httpx.Client, world: World) -> None:
    number = world.residents["wang"]
    form = form_of(
        world, "wang", address="和平里 9 号楼", risk_class="high", door_code="9876#", health_notes="对青霉素过敏"
    )
    assert post(ma, f"/registry/residents/{number}/edit", **form).status_code == 303
    page = ma.get(f"/registry/residents/{number}").text
    assert "和平里 3 号楼 2 单元 501" in page and "马班长" in page  # noqa: PT018
    assert "9876#" not in page and "青霉素" not in page  # noqa: PT018
    code, notes, told = world.sql(
        "select door_code, health_notes, (select string_agg(fields::text, '') from registry_change) from resident"
        " where id = %(id)s", id=number,
    )[0]  # fmt: skip
    assert sealed.opened("resident.door_code", number, code) == "9876#"
    assert sealed.opened("resident.health_notes", number, notes) == "对青霉素过敏"
    assert "9876#" not in told and "青霉素" not in told  # noqa: PT018


def test_second_of_two_who_change_her_is_told_and_loses_nothing(ma: httpx.Client, world: World) -> None:
    number = world.residents["wang"]
    mine, hers = form_of(world, "wang", entrance="从后门"), form_of(world, "wang", key_place="邻居家")
    assert post(ma, f"/registry/residents/{number}/edit", **hers).status_code == 303
    refused = post(ma, f"/registry/residents/{number}/edit", **mine)
    assert refused.status_code == 409
    assert "从后门" in refused.text and "邻居家" in refused.text  # noqa: PT018
    assert world.sql("select entrance from resident where id = %(id)s", id=number)[0][0] != "从后门"
    again = {**mine, "version": world.sql("select version from resident where id = %(id)s", id=number)[0][0]}
    assert post(ma, f"/registry/residents/{number}/edit", **again).status_code == 303


@pytest.mark.parametrize(("field", "value"), [
    ("name", ""), ("phone", "12"), ("born", "1944-13-01"), ("lat", "north"), ("lat", "38.4"), ("ability", "强壮"),
])  # fmt: skip
def test_what_cannot_be_used_is_said_beside_what_was_typed(
    ma: httpx.Client, world: World, field: str, value: str
) -> None:
    form = form_of(world, "wang", **{field: value, "hazards": "地滑"})
    refused = post(ma, f"/registry/residents/{world.residents['wang']}/edit", **form)
    assert refused.status_code == 422
    assert "地滑" in refused.text


def test_new_resident_is_registered_with_her_circle_and_consent(ma: httpx.Client, world: World) -> None:
    made = post(
        ma, "/registry/residents/new", name="赵桂英", area="和平社区", address="7 号楼 101", phone="0951 000 0077"
    )
    path = made.headers["location"]
    assert post(ma, f"{path}/circle", name="赵军", phone="13800000077", relation="儿子", minutes="12", has_key="1",
                calls="1").status_code == 303  # fmt: skip
    assert post(ma, f"{path}/consent", given="yes", said_by="herself", scope=["rescue", "location"]).status_code == 303
    assert post(ma, f"{path}/away", ends="2099-01-01T00:00").status_code == 422  # more than 400 days
    page = ma.get(path).text
    assert "赵军" in page and "儿子" in page  # noqa: PT018
    assert world.sql("select scope from consent") == [(["rescue", "location"],)]
    assert world.sql("select has_key, minutes_away from care_circle order by person_id desc limit 1") == [(True, 12.0)]


def test_care_ends_only_when_nothing_rings_for_her(ma: httpx.Client, world: World) -> None:
    path = f"/registry/residents/{world.residents['he']}"
    assert post(ma, f"{path}/end", why="moved").status_code == 409
    world.sql("update device set resident_id = null, state = 'retired' where id = %(id)s", id=world.devices["watch-he"])
    assert post(ma, f"{path}/end", why="moved").status_code == 303
    assert "何玉兰" not in ma.get("/registry").text
    assert "何玉兰" in post(ma, "/registry", ended="1").text
    assert post(ma, f"{path}/again").status_code == 303
    assert "何玉兰" in ma.get("/registry").text


def test_two_of_one_flat_share_its_door_code(ma: httpx.Client, world: World) -> None:
    wang, he = world.residents["wang"], world.residents["he"]
    assert post(ma, "/registry/homes", resident=[wang, he]).status_code == 303
    code = world.sql("select door_code from resident where id = %(id)s", id=he)[0][0]
    assert sealed.opened("resident.door_code", he, code) == "4471#"
    assert post(ma, f"/registry/residents/{wang}/edit", **form_of(world, "wang", door_code="1#")).status_code == 303
    code = world.sql("select door_code from resident where id = %(id)s", id=he)[0][0]
    assert sealed.opened("resident.door_code", he, code) == "1#"
    assert "button-wang" in ma.get(f"/registry/residents/{he}").text
    assert post(ma, "/registry/homes", do="apart", resident=[he]).status_code == 303
    assert world.sql("select count(*) from resident where home_id is not null") == [(0,)]


def test_organisation_s_code_is_proved_before_it_is_kept(ma: httpx.Client, world: World) -> None:
    world.sql("insert into area (name) values ('和平社区')")
    wrong = post(ma, "/registry/organisations", name="安居物业", kind="property", uscc="91350100M000100Y44")
    assert wrong.status_code == 422
    assert "校验位" in wrong.text and "安居物业" in wrong.text  # noqa: PT018
    right = post(
        ma,
        "/registry/organisations",
        name="安居物业",
        kind="property",
        uscc="9135 0100 m000 100y 43",
        areas=["和平社区"],
    )
    assert right.status_code == 303
    assert world.sql("select o.uscc, a.area from organisation o join organisation_area a on a.organisation_id = o.id") == [  # noqa: E501
        (GOOD_CODE, "和平社区")]  # fmt: skip
    assert post(ma, "/registry/organisations", name="安居物业", kind="property").status_code == 409
    guard = f"/registry/people/{world.people['guard']}"
    version = world.sql("select version from person where id = %(id)s", id=world.people["guard"])[0][0]
    saved = post(ma, guard, name="赵保安", role="property", phone="13800000002", area="和平社区", active="1",
                 organisation_id="1", version=str(version), way_voice="13800000002")  # fmt: skip
    assert saved.status_code == 303
    assert "安居物业" in ma.get(guard).text
    assert "赵保安" in ma.get(right.headers["location"]).text


def test_whoever_signs_in_keeps_his_role_here(ma: httpx.Client, world: World) -> None:
    number = world.people["li"]
    version = world.sql("select version from person where id = %(id)s", id=number)[0][0]
    post(ma, f"/registry/people/{number}", name="李雪", role="supervisor", version=str(version))
    assert world.sql("select role, active from person where id = %(id)s", id=number) == [("operator", True)]


@pytest.mark.parametrize("path", ["/registry", "/registry/homes", "/registry/areas", "/registry/organisations",
                                  "/registry/people", "/registry/retention"])  # fmt: skip
def test_pages_of_the_register_are_read_by_operators_in_both_languages(
    li: httpx.Client, world: World, path: str
) -> None:
    assert li.get(path).status_code == 200
    world.sql("update person set language = 'en' where id = %(id)s", id=world.people["li"])
    english = li.get(path)
    assert english.status_code == 200
    assert "reg." not in english.text


def test_operator_reads_the_register_and_changes_nothing(li: httpx.Client, world: World) -> None:
    for path in ("/registry/residents/new", f"/registry/residents/{world.residents['wang']}/edit", "/registry/areas",
                 f"/registry/residents/{world.residents['wang']}/end", "/registry/import", "/registry/homes"):  # fmt: skip  # noqa: E501
        assert post(li, path, name="x").status_code == 403
