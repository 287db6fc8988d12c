"""The table that says who may what, against the routes there are."""

from collections.abc import Callable

import pytest
from fastapi import APIRouter, Depends, FastAPI

from hub.web import access
from hub.web.access import DESK, TABLE, Holder, UndeclaredError, declared
from hub.web.actions import ACTIONS
from hub.web.app import ConsoleOptions, create_app


def seat() -> None:
    """Stands for what recognises who is asking."""


def app(*routes: tuple[str, str], guarded: bool = True, prefix: str = "") -> FastAPI:
    router = APIRouter(dependencies=[Depends(seat)] if guarded else [])

    def served() -> Callable[[], None]:
        def serve() -> None:
            return None

        return serve

    for method, path in routes:
        router.add_api_route(path, served(), methods=[method])
    made = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    made.include_router(router, prefix=prefix)
    return made


def faults(of: FastAPI, table: dict[str, access.Line]) -> str:
    with pytest.raises(UndeclaredError) as refused:
        declared(of.routes, {"seat": seat}, table)
    return str(refused.value)


def test_console_as_it_is_says_for_each_route_who_may() -> None:
    ways = create_app(ConsoleOptions(dsn="")).state.grants.ways.values()
    assert {f"{way.method} {way.path}" for way in ways} <= set(TABLE)


def test_route_without_a_line_keeps_the_app_from_being_made() -> None:
    assert "GET /new says nowhere who may" in faults(app(("GET", "/new")), {})


def test_line_without_a_route_keeps_the_app_from_being_made() -> None:
    assert "GET /gone has a line" in faults(app(), {"GET /gone": DESK})


def test_route_for_roles_that_asks_nobody_who_he_is_keeps_the_app_from_being_made() -> None:
    assert "does not depend on what checks" in faults(app(("GET", "/x"), guarded=False), {"GET /x": DESK})


def test_route_for_scopes_of_the_api_needs_a_guard_of_its_own() -> None:
    assert "for apis" in faults(app(("GET", "/x")), {"GET /x": frozenset({"api:read"})})


def test_one_function_for_two_kinds_of_people_keeps_the_app_from_being_made() -> None:
    made = app()

    async def both() -> None:
        return None

    for path in ("/a", "/b"):
        made.add_api_route(path, both, dependencies=[Depends(seat)])
    assert "served by the function of /a" in faults(made, {"GET /a": DESK, "GET /b": access.SUPERVISOR})


def test_route_under_a_prefix_is_called_by_its_whole_path() -> None:
    declared(app(("GET", "/x"), prefix="/api").routes, {"seat": seat}, {"GET /api/x": DESK})


def test_last_part_of_a_path_decides_where_the_line_tells_its_names_apart() -> None:
    way = access.Way(
        method="POST", path="/cases/{number}/{verb}",
        line={"note": DESK | {Holder.DISPATCHER}, "*": DESK},
    )  # fmt: skip
    assert Holder.DISPATCHER in way.holders({"number": 3, "verb": "note"})
    assert Holder.DISPATCHER not in way.holders({"number": 3, "verb": "close"})


@pytest.mark.parametrize("name", [n for n, line in TABLE.items() if not isinstance(line, frozenset)])
def test_line_that_tells_names_apart_has_an_answer_for_every_other(name: str) -> None:
    line = TABLE[name]
    assert not isinstance(line, frozenset)
    assert "*" in line


def test_names_told_apart_are_what_buttons_do() -> None:
    line = TABLE["POST /incidents/{incident_id}/{verb}"]
    assert not isinstance(line, frozenset)
    assert set(line) - {"*"} <= set(ACTIONS)


def test_auditor_changes_nothing() -> None:
    own = {  # of himself, and questions that are asked in a form's body
        "POST /logout", "POST /language", "POST /look", "POST /search", "POST /me/end", "POST /me/password",
        "POST /second-factor", "POST /second-factor/off", "POST /access-log",
        "POST /registry", "POST /registry/people",
    }  # fmt: skip
    for name, line in TABLE.items():
        holders = access.Way(method="", path=name, line=line).everybody
        assert Holder.AUDITOR not in holders or name.startswith("GET ") or name in own, name


def test_administrator_opens_no_case() -> None:
    for name, line in TABLE.items():
        if "/incidents" in name or "/coverage/residents" in name:
            assert Holder.ADMINISTRATOR not in access.Way(method="", path=name, line=line).everybody


@pytest.mark.parametrize(
    ("path", "leads"),
    [("/", True), ("/incidents/3", True), ("/policies/versions/3", True), ("/install/devices/3", True),
     ("/rosters", True), ("//elsewhere.example/", False), ("/queue", False), ("/stream", False), ("/nowhere", False),
     ("https://elsewhere.example", False), ("/incidents/3?x", False), ("/me/secret", False)],
)  # fmt: skip
def test_signing_in_leads_to_pages_of_ours_and_nowhere_else(path: str, leads: bool) -> None:
    assert access.page(path) == leads
