"""Who may read how much of the register: an organisation its own, nobody a file without end; whose hand it was."""

import getpass
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from hub.commands import people
from hub.config import IngestSettings
from hub.web.app import ConsoleOptions
from tests.integration.web.conftest import Served
from tests.integration.web.test_registry import post
from tests.integration.web.test_registry_import import upload
from tests.integration.web.test_scope import seen, two  # noqa: F401
from tests.integration.web.world import LINK_KEY, World, sign_in

CENTRE_ONLY = ("seal_key", "home", "registry_change", "registry_import", "registry_apart", "retention_run")


@pytest.fixture
def own(console: Served, two: World) -> Iterator[httpx.Client]:  # noqa: F811
    """The browser of the dispatcher of 和平物业."""
    with console.client() as client:
        assert sign_in(client, "own").status_code == 303
        yield client


def test_organisation_reads_its_own_residents_and_nothing_sealed(own: httpx.Client, two: World) -> None:  # noqa: F811
    wang, far = two.residents["wang"], two.residents["far"]
    two.sql("update resident set hazards = '地滑', health_notes = '房颤' where id = %(r)s", r=wang)
    two.sql("update resident set ended_at = hub_now() where id = %(r)s", r=two.residents["zhang"])
    page = own.get("/registry").text
    assert "王秀英" in page
    assert "冯远方" not in page
    assert "张德福" not in page
    assert "张德福" not in post(own, "/registry", ended="1").text
    one = own.get(f"/registry/residents/{wang}")
    assert "地滑" in one.text
    assert "王小明" in one.text
    assert "4471#" not in one.text
    assert "房颤" not in one.text
    assert "/edit" not in one.text
    assert own.get(f"/registry/residents/{far}").status_code == 404
    assert own.get(f"/registry/residents/{two.residents['zhang']}").status_code == 404


def test_organisation_changes_nothing_in_the_register(own: httpx.Client, two: World) -> None:  # noqa: F811
    wang = two.residents["wang"]
    for path in (f"/registry/residents/{wang}/edit", f"/registry/residents/{wang}/show/door_code", "/registry/import",
                 f"/registry/residents/{wang}/end", "/registry/homes", "/registry/residents/new"):  # fmt: skip
        assert post(own, path, name="x").status_code == 403
    for path in ("/registry/people", "/registry/retention", "/registry/duplicates", "/registry/organisations"):
        assert own.get(path).status_code == 403


def test_tables_of_the_register_are_the_centre_s(world: World) -> None:
    for table in CENTRE_ONLY:
        assert world.sql(f"select has_any_column_privilege('carehub_web', '{table}', 'select, insert, update')") == [
            (False,)
        ], table
    for column, may in (("health_notes", False), ("hazards", True), ("risk_class", True), ("ended_at", True)):
        assert world.sql(f"select has_column_privilege('carehub_web', 'resident', '{column}', 'select')") == [(may,)]
    assert world.sql("select has_table_privilege('carehub_web', 'resident', 'update')") == [(False,)]


def test_columns_that_are_granted_keep_to_ones_own_rows(two: World) -> None:  # noqa: F811
    query = "select name from resident where risk_class = '' and served(canary, ended_at)"
    assert ("冯远方",) not in seen(two, "own", query)
    assert seen(two, "other", query) == [("冯远方",)]


def test_file_without_end_is_refused_before_it_is_read(ma: httpx.Client, world: World) -> None:
    assert upload(ma, b"x" * (4 << 20)).status_code == 413
    assert upload(ma, b"x" * 200_000).status_code == 422  # read, and no register
    token = {"csrf": "x", "word": "x" * 70_000}
    assert ma.post("/registry", data=token).status_code == 413
    assert world.sql("select count(*) from registry_import") == [(0,)]


def test_page_of_what_is_kept_shows_the_days_that_are_set(world: World) -> None:
    options = ConsoleOptions(
        dsn=world.dsn, link_key=LINK_KEY, ingest=replace(IngestSettings(), telemetry_keep_days=777)
    )
    served = Served(world.dsn, options).start()
    try:
        with served.client() as client:
            sign_in(client, "ma")
            assert "777" in client.get("/registry/retention").text
    finally:
        served.stop()


def test_change_by_command_says_whose_hand_it_was(
    ma: httpx.Client,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", world.dsn)
    monkeypatch.setenv("CAREHUB_RUN_DIR", str(tmp_path))
    monkeypatch.setattr(getpass, "getuser", lambda: "dutyroot")
    assert people.main(["spo2-scale", str(world.residents["wang"]), "2"]) == 0
    assert people.main(["change", str(world.people["son"]), "--not-for", str(world.residents["wang"])]) == 0
    assert world.sql("select distinct actor from registry_change where via = 'command'") == [("command:dutyroot",)]
    assert "dutyroot" in ma.get(f"/registry/residents/{world.residents['wang']}").text


def test_area_is_entered_with_the_code_of_its_level(ma: httpx.Client, world: World) -> None:
    assert post(ma, "/registry/areas", name="永宁县", level="county", code="640121").status_code == 303
    assert world.sql("select code from area where name = '永宁县'") == [("640121000000",)]
    town = {"name": "杨和镇", "parent": "永宁县", "level": "township"}
    assert post(ma, "/registry/areas", **town, code="640122103").status_code == 422
    assert post(ma, "/registry/areas", **town, code="640121").status_code == 422
    assert post(ma, "/registry/areas", **town, code="640121103").status_code == 303
    assert post(ma, "/registry/areas", name="永宁县", level="county", code="640122").status_code == 422
