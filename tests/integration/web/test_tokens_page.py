"""Keys of other programs on their page: made with scopes and an end, shown once, used, ended."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.integration.web.conftest import Served
from tests.integration.web.test_accounts import post
from tests.integration.web.world import World, sign_in

KEY = re.compile(r"carehub_[A-Za-z0-9_-]{43}")


@pytest.fixture
def admin(console: Served, world: World) -> Iterator[httpx.Client]:
    world.person("admin", "马主任", "administrator", login=True)
    with console.client() as client:
        assert sign_in(client, "admin").status_code == 303
        yield client


def made(admin: httpx.Client, **values: str) -> str:
    answer = post(
        admin, "/tokens", at="/tokens", **{"name": "区平台", "scope": "incidents:read", "days": "30", **values}
    )
    assert answer.status_code == 200, answer.text
    found = KEY.search(answer.text)
    assert found is not None
    return found[0]


def test_key_works_is_shown_once_and_its_use_is_told(admin: httpx.Client, world: World, console: Served) -> None:
    key = made(admin)
    assert key not in admin.get("/tokens").text
    assert key[:12] in admin.get("/tokens").text
    assert "从未" in admin.get("/tokens").text
    with console.client() as program:
        assert program.get("/api/v1/incidents", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert program.get("/api/v1/residents", headers={"Authorization": f"Bearer {key}"}).status_code == 403
    assert "从未" not in admin.get("/tokens").text
    assert world.sql("select created_by from api_token") == [(f"person:{world.people['admin']}",)]


def test_revoked_key_counts_no_more(admin: httpx.Client, world: World, console: Served) -> None:
    key = made(admin)
    number = world.sql("select id from api_token")[0][0]
    for _ in range(2):  # again changes nothing
        assert post(admin, f"/tokens/{number}/revoke", at="/tokens").status_code == 303
    with console.client() as program:
        assert program.get("/api/v1/incidents", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert post(admin, "/tokens/999/revoke", at="/tokens").status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"scope": "everything"}, {"days": "0"}, {"days": "9999"}, {"name": " "}, {"per_minute": "0"}]
)
def test_what_is_wrong_is_said_and_nothing_made(admin: httpx.Client, world: World, wrong: dict[str, str]) -> None:
    values = {"name": "区平台", "scope": "incidents:read", "days": "30", **wrong}
    answer = post(admin, "/tokens", at="/tokens", **values)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert world.sql("select count(*) from api_token") == [(0,)]


def test_nobody_else_makes_keys(li: httpx.Client) -> None:
    assert li.get("/tokens").status_code == 403
    assert post(li, "/tokens", at="/me", name="x", scope="incidents:read").status_code == 403
