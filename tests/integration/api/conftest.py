"""The API in front of the web tests' neighbourhood, and tokens for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from hub.api import tokens
from hub.api.scopes import SCOPES
from hub.store.pool import Connection
from tests.integration.web.conftest import Served, console, world
from tests.integration.web.world import World
from tests.patience import PATIENCE_S

Issue = Callable[..., tokens.Issued]
Client = Callable[..., httpx.Client]
__all__ = ["console", "world"]  # the web tests' fixtures


@pytest.fixture
def issue(world: World) -> Issue:
    """Make a token as `carehub api token create` does."""

    def made(name: str = "cti", scopes: tuple[str, ...] = tuple(SCOPES), **more: object) -> tokens.Issued:
        async def inside(conn: Connection) -> tokens.Issued:
            return await tokens.issue(conn, name, scopes, by="command:test", **more)  # type: ignore[arg-type]

        return world.run(inside)

    return made


@pytest.fixture
def client(console: Served, issue: Issue) -> Iterator[Client]:
    """A program with a token: `client("incidents:read")`."""
    with ExitStack() as stack:

        def made(*scopes: str, token: str | None = None, **more: object) -> httpx.Client:
            key = token or issue("cti", scopes or tuple(SCOPES), **more).token
            return stack.enter_context(
                httpx.Client(
                    base_url=f"{console.url}/api/v1",
                    trust_env=False,
                    timeout=PATIENCE_S,
                    headers={"Authorization": f"Bearer {key}"},
                )
            )

        yield made
