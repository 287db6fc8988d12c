"""The ways in run on uvloop here, as they do in production."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hub import ports
from hub.ingress.credentials import Credentials
from hub.ingress.listener import Listener
from hub.ingress.settings import ListenerSettings
from tests.integration.ingress.parts import ScriptedIntake, credential


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def intake() -> ScriptedIntake:
    return ScriptedIntake()


@pytest.fixture
def credentials() -> Credentials:
    return Credentials.of(
        [
            credential("w-1"),
            credential("w-2"),
            credential("home-7", "gateway", "home7/zigbee2mqtt/"),
            credential("terminal-12", "responder", "carehub/responder/12/"),
        ]
    )


@pytest.fixture
async def listening(intake: ScriptedIntake, credentials: Credentials) -> AsyncIterator[Callable[..., Any]]:
    """A factory: `listener = await listening(connect_timeout_s=0.2)`."""
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> Listener:
            wanted = ListenerSettings(**{"port": 0, "sweep_s": 0.05, **settings})
            return await stack.enter_async_context(Listener(wanted, intake, credentials))

        yield make


@pytest.fixture
def free_port() -> int:
    return ports.free_port()
