"""The neighbourhood as a fixture."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.incidents.world import World, open_world


@pytest.fixture
async def world(anyio_backend: str, dsn: str) -> AsyncIterator[World]:
    async with open_world(dsn) as world:
        await world.person("night guard", "property", ("mqtt", "carehub/responder/4/page"), area="east", on_duty=False)
        yield world
