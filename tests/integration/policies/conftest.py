"""The small neighbourhood as a fixture, and its policy as a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.incidents.world import POLICY, World, open_world


@pytest.fixture
async def world(anyio_backend: str, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    async with open_world(dsn) as world:
        yield world


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path
