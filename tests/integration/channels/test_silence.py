"""No secret and no telephone number in a log, a receipt or a metric, whatever the other ends do."""

import io
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import fields, replace
from pathlib import Path

import pytest
import structlog
from prometheus_client import generate_latest

from hub import logs
from hub.channels import Means, open_channels
from tests.integration.channels.providers.serving import OVERLOADED
from tests.integration.channels.ways import NUMBER, SECRETS, WAYS, Way, means, sent
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio
MAILBOX = "daughter@family.test"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that structlog and the standard library's logging say, debug included."""
    stream = io.StringIO()
    before = logging.getLogger().handlers[:], logging.getLogger().level
    logs.configure("dispatch", "debug", stream)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the mail server's own, which is not ours to silence
    yield stream
    logging.getLogger().handlers[:], level = before
    logging.getLogger().setLevel(level)
    for name in (*logs.TELL_TOO_MUCH, "mail.log"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def secrets_of(values: Means) -> list[str]:
    found = [getattr(values.secrets, field.name) for field in fields(values.secrets)]
    return [text for text in found if isinstance(text, str) and text]


async def exercise(way: Way, world: World, said: list[str]) -> None:
    """A page that is taken, refused, and kept waiting; its late receipt; and what the settings say of themselves."""
    await way.accept()
    said.append(repr(await way.channel.send(way.page)))
    if way.late is not None:
        await sent(world, way.page)
        await way.late()
    for name in ("provider", "service", "group"):
        if name in way.others:
            way.others[name].next.append(OVERLOADED)
            said.append(repr(await way.channel.send(replace(way.page, attempt=2))))
    if way.hang is not None and way.impatient is not None:
        await way.hang()
        said.append(repr(await way.impatient.send(replace(way.page, attempt=3))))
    said.append(repr(await way.channel.send(await way.refuse())))


@pytest.mark.parametrize("name", WAYS)
async def test_nothing_secret_and_no_number_is_written_down(
    name: str, world: World, tmp_path: Path, written: io.StringIO
) -> None:
    said: list[str] = []
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(WAYS[name](world, tmp_path))
        await exercise(way, world, said)
        secret = [*secrets_of(means(world)), NUMBER, MAILBOX, "token-that-only-tests-have"]
        if "url" in way.others:
            secret.append(way.others["url"].rpartition("/")[2])
        if "browser" in way.others:
            secret.append(way.others["browser"].endpoint.rpartition("/wpush")[2])
        said.append(repr(means(world, secrets=SECRETS)))
    receipts = [str(text) for (text,) in await world.rows("select receipt from page")]
    everything = "\n".join([written.getvalue(), *said, *receipts, generate_latest().decode()])
    assert [text for text in secret if text in everything] == []


async def test_database_holds_no_secret_of_a_channel(world: World, tmp_path: Path) -> None:
    async with WAYS["apprise"](world, tmp_path) as way:
        await way.channel.send(way.page)
        assert await world.value("select address from page where id = %s", way.page.page_id) == "GROUP"
    assert open_channels(means(world))["apprise"].name == "apprise"
