"""Every write of /api/v1 by itself: done once for one key, refused with a reason, kept from whoever lacks its scope."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hub.api import app as api
from hub.api import tokens
from hub.api.scopes import SCOPES
from hub.embedded import EmbeddedPostgres
from hub.store.pool import Connection
from hub.telephone_settings import TelephoneSettings
from hub.telephony import Line
from hub.web.app import ConsoleOptions
from tests.conftest import create, drop
from tests.integration.api.writes import WRITES, Things, Town, Write
from tests.integration.telephony.pbx import KEY, open_pbx
from tests.integration.web.conftest import Served
from tests.integration.web.world import LINK_KEY, World, neighbourhood
from tests.patience import PATIENCE_S

FAST = 60_000  # requests a minute
PROBLEM = "application/problem+json"
_numbers = count(1)


class Programs:
    """Programs with tokens of their own in one town, so that no entry meets what another has on its desk."""

    def __init__(self, world: World, served: Served, pbx: Any, stack: ExitStack) -> None:
        self.world, self._served, self._pbx, self._stack = world, served, pbx, stack
        self._without: dict[str, httpx.Client] = {}

    def issued(self, scopes: tuple[str, ...]) -> tuple[httpx.Client, int]:
        async def made(conn: Connection) -> tokens.Issued:
            return await tokens.issue(conn, f"cti {next(_numbers)}", scopes, by="command:test", per_minute=FAST)

        it = self.world.run(made)
        client = httpx.Client(
            base_url=f"{self._served.url}/api/v1", trust_env=False, timeout=PATIENCE_S,
            headers={"Authorization": f"Bearer {it.token}"},
        )  # fmt: skip
        return self._stack.enter_context(client), it.person_id

    def town(self) -> Town:
        program, me = self.issued(tuple(SCOPES))
        return Town(world=self.world, program=program, me=me, pbx=self._pbx, other=self.town)

    def without(self, scope: str) -> httpx.Client:
        if scope not in self._without:
            self._without[scope] = self.issued(tuple(set(SCOPES) - {scope}))[0]
        return self._without[scope]


@pytest.fixture(scope="module")
def programs(postgres: EmbeddedPostgres) -> Iterator[Programs]:
    """One town, console and telephone system for all entries: each brings what it acts on."""
    name = "api_writes"
    dsn = create(postgres, name)
    try:
        with ExitStack() as stack:
            world, pbx = neighbourhood(dsn), stack.enter_context(open_pbx())
            line = Line(settings=TelephoneSettings(provider="pbx", url=pbx.url, timeout_s=5.0, record=True), key=KEY)
            served = Served(dsn, ConsoleOptions(dsn=dsn, link_key=LINK_KEY, line=line)).start()
            stack.callback(served.stop)
            pbx.hub = served.url
            yield Programs(world, served, pbx, stack)
    finally:
        drop(postgres, name)


def described() -> dict[str, tuple[str, ...]]:
    """Return every operation that is no GET, with its scopes, as the description of the API says."""
    paths = api.create(FastAPI()).openapi()["paths"]
    return {
        f"{method.upper()} {path}": tuple(scope for each in one["security"] for of in each.values() for scope in of)
        for path, methods in paths.items()
        for method, one in methods.items()
        if method != "get"
    }


def test_every_write_has_its_entry_and_no_entry_is_left_over() -> None:
    assert {name: (one.scope,) for name, one in WRITES.items()} == described()


def seen(town: Town, write: Write, it: Things) -> Any:
    return town.world.sql(write.seen, **it)[0][0] if write.seen else write.becomes


def ask(  # noqa: PLR0917 - the parts of one request
    client: httpx.Client, name: str, write: Write, it: Things, body: Any, key: str
) -> httpx.Response:
    method, path = name.split(" ")
    headers = {"Idempotency-Key": key} | ({"If-Match": it[write.match]} if write.match else {})
    return client.request(method, path.format(**it), headers=headers, json=body)


def spoiled(name: str, write: Write, it: Things) -> tuple[Things, Any, str, str]:
    """Return what is asked wrongly: the numbers, the body, the key, and the field that is to be named."""
    if write.wrong is not None:
        return it, write.wrong[0], "spoiled", write.wrong[1]
    own = write.body(it) if write.body else None
    for part in it:
        if f"{{{part}}}" in name:
            return it | {part: "x"}, own, "spoiled", f"path/{part}"
    return it, own, "k" * 71, "header/Idempotency-Key"


@pytest.mark.parametrize("name", WRITES)
def test_write(name: str, programs: Programs) -> None:
    write, town = WRITES[name], programs.town()
    it = write.given(town)
    body, before = write.body(it) if write.body else None, seen(town, write, it)

    kept_out = ask(programs.without(write.scope), name, write, it, body, f"out {name}"[:70].replace(" ", "-"))
    assert (kept_out.status_code, kept_out.json()["code"]) == (403, "scope_missing")
    assert kept_out.headers["content-type"] == PROBLEM

    there, wrong, key, field = spoiled(name, write, it)
    refused = ask(town.program, name, write, there, wrong, key)
    assert (refused.status_code, refused.headers["content-type"]) == (422, PROBLEM), refused.text
    assert any(one["where"].startswith(field) for one in refused.json()["faults"]), refused.text
    assert seen(town, write, it) == before, "what is refused changes nothing"
    if write.seen:
        assert before != write.becomes

    first = ask(town.program, name, write, it, body, "mine")
    assert first.status_code in (200, 201, 204), first.text
    assert seen(town, write, it) == write.becomes
    again = ask(town.program, name, write, it, body, "mine")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert seen(town, write, it) == write.becomes, "one key is one effect"
