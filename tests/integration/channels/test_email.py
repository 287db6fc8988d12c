"""Pages by e-mail: one thread for each incident, one Message-ID for all copies, and headers nobody can add to."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.channels import Outcome, open_channels
from hub.channels.email import compose
from hub.ports import free_port
from tests.integration.channels.providers.mail import MailServer, make_certificate
from tests.integration.channels.ways import SECRETS, WAYS, Way, means
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def way(world: World, tmp_path: Path) -> AsyncIterator[Way]:
    async with WAYS["email"](world, tmp_path) as way:
        yield way


def server_of(way: Way) -> MailServer:
    server: MailServer = way.others["server"]
    return server


async def test_mail_says_what_the_page_says_twice_over_and_is_one_thread(way: Way) -> None:
    assert (await way.channel.send(way.page)).outcome is Outcome.DELIVERED
    await way.channel.send(replace(way.page, attempt=2))
    assert server_of(way).copies == 2
    (message,) = server_of(way).boxes.values()
    assert message["Subject"] == way.page.text
    assert message["Message-ID"] == f"<{way.page.key}@carehub.test>"
    assert message["In-Reply-To"] == message["References"] == f"<incident.{way.page.incident_id}@carehub.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    plain, html = (part.get_content() for part in message.iter_parts())
    assert way.page.text in plain
    assert "http://hub.test/r/token" in plain
    assert '<a href="http://hub.test/r/token">打开并回应</a>' in html


async def test_name_with_line_breaks_and_tags_stays_one_subject_and_no_markup(way: Way) -> None:
    text = "Wang\r\nBcc: all@evil.test\n\n<script>alert(1)</script>\u2028x"
    await way.channel.send(replace(way.page, text=text))
    (message,) = server_of(way).boxes.values()
    assert message["Bcc"] is None
    assert str(message["Subject"]).startswith("Wang Bcc: all@evil.test <script>")
    _, html = (part.get_content() for part in message.iter_parts())
    assert "<script>" not in html


@pytest.mark.parametrize(
    "address", ["", "a@b.test\r\nRCPT TO:<c@d.test>", "a@b.test,c@d.test", "<a@b.test>", "a b@c.test"]
)
async def test_what_is_no_mailbox_is_refused(way: Way, address: str) -> None:
    assert (await way.channel.send(replace(way.page, address=address))).outcome is Outcome.REFUSED
    assert server_of(way).copies == 0


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        ("550 5.1.1 no daughter@family.test here", Outcome.REFUSED, "SMTP 550"),
        ("451 4.7.1 greylisted, daughter@family.test", Outcome.FAILED, "SMTP 451"),
    ],
)
async def test_servers_answer_is_kept_as_its_code_only(way: Way, answer: str, outcome: Outcome, detail: str) -> None:
    server_of(way).say.append(answer)
    receipt = await way.channel.send(way.page)
    assert (receipt.outcome, receipt.detail) == (outcome, detail)


async def test_wrong_password_is_refused_and_not_quoted(way: Way, world: World) -> None:
    secrets = replace(SECRETS, smtp_password="another password")
    channel = open_channels(means(world, smtp=way.others["settings"], secrets=secrets))["email"]
    receipt = await channel.send(way.page)
    assert (receipt.outcome, receipt.detail) == (Outcome.REFUSED, "SMTP 535")


async def test_server_that_cannot_prove_who_it_is_gets_no_password(way: Way, world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = make_certificate(tmp_path / "other")
    channel = open_channels(means(world, smtp=replace(way.others["settings"], ca_file=str(stranger))))["email"]
    assert (await channel.send(way.page)).outcome is Outcome.FAILED
    assert server_of(way).copies == 0


async def test_server_that_is_away_is_asked_again(way: Way, world: World) -> None:
    channel = open_channels(means(world, smtp=replace(way.others["settings"], port=free_port())))["email"]
    assert (await channel.send(way.page)).outcome is Outcome.FAILED


async def test_page_without_a_link_is_a_page_all_the_same(way: Way) -> None:
    message = compose(replace(way.page, body={}, language="en"), "hub@carehub.test")
    assert "<a " not in message.as_string()
