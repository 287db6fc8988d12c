"""Tokens: what is shown once, what a scope opens, how often, and when it is over."""

import httpx
import pytest

from hub.api import tokens
from hub.api.scopes import SCOPES
from hub.errors import HubError
from hub.store import api as store
from hub.store.pool import Connection
from tests.integration.api.conftest import Client, Issue
from tests.integration.web.conftest import Served
from tests.integration.web.world import World

PROBLEM = "application/problem+json"


def test_token_stands_in_the_database_as_its_digest_only(world: World, issue: Issue) -> None:
    made = issue()
    rows = world.sql("select secret_sha256, hint, t::text from api_token t")
    assert bytes(rows[0][0]) == tokens.digest(made.token)
    assert made.token.startswith(rows[0][1])
    assert made.token not in rows[0][2]


def test_request_without_a_token_is_told_how_to_bring_one(console: Served) -> None:
    answer = httpx.get(f"{console.url}/api/v1/incidents", trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "no_token"


@pytest.mark.parametrize("given", ["Bearer nonsense", "Bearer carehub_" + "a" * 43, "Basic bGk6eA==", "Bearer"])
def test_token_nobody_made_opens_nothing(console: Served, given: str) -> None:
    answer = httpx.get(f"{console.url}/api/v1/incidents", trust_env=False, headers={"Authorization": given})
    assert answer.status_code == 401


def test_scope_opens_its_own_door_and_no_other(client: Client) -> None:
    reader = client("residents:read")
    assert reader.get("/residents").status_code == 200
    refused = reader.get("/incidents")
    assert refused.status_code == 403
    assert refused.json()["code"] == "scope_missing"
    assert 'scope="incidents:read"' in refused.headers["www-authenticate"]


def test_revoked_token_stops_counting_at_once(world: World, issue: Issue, client: Client) -> None:
    made = issue()
    program = client(token=made.token)
    assert program.get("/incidents").status_code == 200

    async def revoke(conn: Connection) -> str | None:
        return await store.revoke(conn, made.id, "command:test")

    assert world.run(revoke) == "cti"
    assert program.get("/incidents").status_code == 401
    assert world.run(revoke) is None


def test_token_is_over_when_its_days_are(world: World, issue: Issue, client: Client) -> None:
    program = client(token=issue(days=1).token)
    world.sql("update api_token set expires_at = hub_now() - interval '1 second'")
    assert program.get("/incidents").status_code == 401


def test_token_of_a_colleague_who_left_opens_nothing(world: World, issue: Issue, client: Client) -> None:
    program = client(token=issue(person=(world.people["li"], "operator"), scopes=("incidents:act",)).token)
    assert program.post("/incidents/9/take", headers={"Idempotency-Key": "a"}).status_code == 404
    world.sql("update person set active = false where id = %(p)s", p=world.people["li"])
    assert program.post("/incidents/9/take", headers={"Idempotency-Key": "a"}).status_code == 401


def test_use_is_noted_to_the_minute(world: World, client: Client) -> None:
    client("incidents:read").get("/incidents")
    assert world.sql("select hub_now() - last_used_at < interval '1 minute' from api_token") == [(True,)]


def test_more_than_it_may_in_a_minute_is_told_when_to_come_again(client: Client) -> None:
    program = client("incidents:read", per_minute=3)
    answers = [program.get("/incidents") for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert answers[-1].json()["code"] == "too_many"


def test_guessing_tokens_is_slowed_by_address(console: Served) -> None:
    with httpx.Client(base_url=console.url, trust_env=False) as stranger:
        seen = [stranger.get("/api/v1/incidents").status_code for _ in range(70)]
    assert seen[:60] == [401] * 60
    assert 429 in seen[60:]


@pytest.mark.parametrize(
    ("scopes", "more", "words"),
    [
        (("incidents:raed",), {}, "no such scope: incidents:raed"),
        (("policies:publish",), {"person": (1, "operator")}, "needs a supervisor"),
        (("incidents:act",), {"person": (4, "family")}, "somebody who works the console"),
        (("incidents:read",), {"days": 5000}, "1 to 730 days"),
        (("surges:declare",), {"organisation_id": 1}, "is of the whole hub"),
        (("incidents:act",), {"organisation_id": 1}, "is of the whole hub"),
    ],
)
def test_token_that_could_do_no_good_is_refused(
    issue: Issue, scopes: tuple[str, ...], more: dict[str, object], words: str
) -> None:
    with pytest.raises(HubError, match=words):
        issue("cti", scopes, **more)


def test_every_scope_says_what_it_is_for() -> None:
    assert all(scope.count(":") == 1 and text for scope, text in SCOPES.items())
