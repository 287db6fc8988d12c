"""carehub channels: send a test message through one channel, or list the addresses that providers call back."""

import argparse
import asyncio
from datetime import datetime
from pathlib import Path

import httpx

from hub.channels import OutboundPage, means_of, open_channels, references
from hub.channels.addresses import CHECKS, wrong
from hub.channels.attempt import in_time
from hub.channels.providers import READERS
from hub.commands.advice import next_step
from hub.config import Settings, load, required_dsn, secret_beside
from hub.errors import HubError
from hub.store import register
from hub.store.pool import hub_now, open_pool

TEXT = {"zh-CN": "【测试】这是一条测试消息，不必回应。", "en": "TEST – no answer is needed."}
BY_PERSON = frozenset({"app", "console"})  # their address is a person's number


def main(argv: list[str]) -> int:
    """Exit code 0: taken or on its way."""
    parser = argparse.ArgumentParser(prog="carehub channels", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML); the environment comes after it")
    commands = parser.add_subparsers(required=True, metavar="test | callbacks", dest="command")
    test = commands.add_parser("test", help="send a test message and print the receipt")
    test.add_argument("channel", help=f"one of {', '.join((*CHECKS, 'device'))}")
    test.add_argument(
        "address", help="URL, number, mailbox, topic, device …; for app and console a person, by number or name"
    )
    test.add_argument("--language", default="zh-CN", choices=TEXT, help="of the message; left out: %(default)s")
    commands.add_parser("callbacks", help="the addresses to enter at the providers; they are secret")
    options = parser.parse_args(argv)
    settings = load(options.config)
    if options.command == "callbacks":
        return _callbacks(settings)
    required_dsn(settings)
    return asyncio.run(_test(settings, options.channel, options.address, options.language))


def _callbacks(settings: Settings) -> int:
    key = settings.secrets.callback_key
    if not key:
        raise HubError(f"providers cannot call back yet: {secret_beside(settings, 'CAREHUB_SECRETS_CALLBACK_KEY')}")
    for channel, provider in READERS:
        path = references.path(key, channel, provider)
        print(f"{channel:<7}{provider:<9}{settings.public_url.rstrip('/')}/callbacks/{channel}/{provider}/{path}")
    return 0


async def _test(settings: Settings, name: str, address: str, language: str) -> int:
    async with (
        open_pool(settings.database.dsn, name="carehub channels") as pool, httpx.AsyncClient(trust_env=False) as http,
    ):  # fmt: skip
        channels = open_channels(means_of(settings, pool, http))
        if name not in channels:
            raise HubError(f"no channel {name!r}; there are {', '.join(channels)}")
        async with pool.connection() as conn:
            if name in BY_PERSON:
                address = str((await register.person(conn, address)).id)
            elif name in CHECKS and (why := wrong(name, address)):
                raise HubError(f"{address!r} is no address for {name}: {why}")
            page = _page(name, address, language, await hub_now(conn))
        receipt = await in_time(channels[name], page)
    print(f"{receipt.outcome}: {receipt.detail}")
    if advice := next_step(settings, name, receipt):
        print(f"  {advice}")
    return 0 if receipt.outcome in ("delivered", "sent") else 1


def _page(name: str, address: str, language: str, now: datetime) -> OutboundPage:
    """Page 0 of case 0: it belongs to nobody, and whatever comes back about it is not believed."""
    purpose = "notice" if name == "device" else "alarm"
    text = TEXT[language]
    body = {
        "v": 1, "page": 0, "key": f"test.{name}", "incident": 0, "purpose": purpose, "role": "operator",
        "kind": "system", "severity": 5, "test": True, "text": text, "resident": None, "answer_url": "",
    }  # fmt: skip
    return OutboundPage(
        page_id=0, incident_id=0, key=f"test.{name}", attempt=1, channel=name,
        address="" if name in BY_PERSON else address, person_id=int(address) if name in BY_PERSON else 0,
        role="operator", purpose=purpose, language=language, now=now, text=text, body=body,
    )  # fmt: skip
