"""Every operation × its scope × whose it is: no token, a token of all other scopes, an organisation's on others'."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hub.api import tokens
from hub.api.scopes import SCOPES
from hub.errors import HubError
from hub.store.pool import Connection
from tests.integration.api.conftest import Issue
from tests.integration.web.conftest import Served
from tests.integration.web.world import World

PART = re.compile(r"\{(\w+)\}")
FAST = 60_000  # requests a minute: this test asks for everything
# Who looked, and what is there by itself once somebody asks: neither is a change of anybody's.
OWN_STATE = (
    "access_log",
    "script_version",
    "web_session",
    "presence",
    "heartbeat",
    "api_token",
    "api_answer",
    "sign_in_try",
)
Operation = tuple[str, str, str]


def described(console: Served, token: str) -> list[Operation]:
    """Return method, path and scope of every operation, as the description of the API says."""
    with httpx.Client(base_url=f"{console.url}/api/v1", trust_env=False, timeout=60) as client:
        paths = client.get("/openapi.json", headers={"Authorization": f"Bearer {token}"}).json()["paths"]
    return [
        (method.upper(), path, scope)
        for path, methods in paths.items()
        for method, operation in methods.items()
        for each in operation["security"]
        for scopes in each.values()
        for scope in scopes
    ]


def ask(client: httpx.Client, operation: Operation, token: str, parts: dict[str, str]) -> httpx.Response:
    method, path, _ = operation
    headers = {"Idempotency-Key": "matrix"} | ({"Authorization": f"Bearer {token}"} if token else {})
    body: dict[str, Any] = {} if method == "GET" else {"json": {}}
    return client.request(method, PART.sub(lambda m: parts.get(m[1], "1"), path), headers=headers, **body)


def state(world: World) -> dict[str, str]:
    """Return a digest of every table that people or programs change."""
    tables = world.sql(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and not relispartition and relname <> all (%(own)s)", own=list(OWN_STATE),
    )  # fmt: skip
    each = " union all ".join(
        f"select '{t}', md5(string_agg(x::text, '|' order by x::text)) from {t} x" for (t,) in tables
    )
    return dict(world.sql(each))


@pytest.fixture
def client(console: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{console.url}/api/v1", trust_env=False, timeout=60) as client:
        yield client


def test_operation_opens_to_its_own_scope_and_no_sum_of_others(
    console: Served, client: httpx.Client, issue: Issue, world: World
) -> None:
    whole = issue("whole", tuple(SCOPES), per_minute=FAST).token
    operations = described(console, whole)
    assert {scope for _, _, scope in operations} <= set(SCOPES)
    but = {scope: issue(scope, tuple(set(SCOPES) - {scope}), per_minute=FAST).token for scope in SCOPES}
    before, wrong = state(world), []
    for operation in operations:
        refused = ask(client, operation, but[operation[2]], {})
        if refused.status_code != 403 or "scope_missing" not in refused.text:
            wrong.append((operation, refused.status_code))
        nobody = ask(client, operation, "", {})
        if nobody.status_code not in (401, 429):
            wrong.append((operation, nobody.status_code))
    assert wrong == []
    assert state(world) == before
    kept_out = [
        (operation, code)
        for operation in operations
        if operation[0] == "GET" and (code := ask(client, operation, whole, {}).status_code) in (401, 403)
    ]
    assert kept_out == [], "and to its own it opens"


def test_organisations_token_learns_and_changes_nothing_of_others(
    console: Served, client: httpx.Client, issue: Issue, world: World
) -> None:
    parts = _elsewhere(world)
    own = world.sql("select id from organisation where name = '和平物业'")[0][0]
    allowed = tuple(scope for scope in SCOPES if _may(world, scope, own))
    assert "incidents:read" in allowed
    token = issue("guards", allowed, organisation_id=own, per_minute=FAST).token
    operations = described(console, token)
    before, wrong = state(world), []
    for operation in operations:
        if operation[2] not in allowed:
            continue
        answer = ask(client, operation, token, parts)
        named = {"incident_id", "resident_id", "device_id"} & set(PART.findall(operation[1]))
        told = "冯远方" in answer.text or "城东路" in answer.text or answer.status_code >= 500
        found = named and answer.status_code < 400 and answer.json() not in ([], {"items": [], "next": None})
        if told or found:
            wrong.append((operation, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert state(world) == before


def _elsewhere(world: World) -> dict[str, str]:
    """Two organisations, and a resident of the other's with a case."""
    world.sql("insert into area (name, level) values ('和平社区', 'community'), ('城东社区', 'community')")
    for name, area in (("和平物业", "和平社区"), ("城东物业", "城东社区")):
        world.sql(
            "with o as (insert into organisation (name, kind, created_at)"
            " values (%(n)s, 'property', hub_now()) returning id)"
            " insert into organisation_area select id, %(a)s from o", n=name, a=area,
        )  # fmt: skip
    world.resident("far", "冯远方", area="城东社区", address="城东路 1 号", phone="0951 000 0009")
    world.device("watch-far", "far", model="腕表 W2")
    case = world.alert("watch-far", area="城东社区")
    return {
        "incident_id": str(case), "resident_id": str(world.residents["far"]),
        "device_id": str(world.devices["watch-far"]),
    }  # fmt: skip


def _may(world: World, scope: str, organisation: int) -> bool:
    """Whether such a token is made at all."""

    async def made(conn: Connection) -> bool:
        try:
            await tokens.issue(conn, "try", (scope,), by="command:test", organisation_id=organisation)
        except HubError:
            return False
        return True

    return world.run(made)
