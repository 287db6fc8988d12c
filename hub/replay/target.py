"""The hub a replay goes to: a running demo found by its run folder, or any listener by its address."""

import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hub.commands.up import RUNNING_FILE
from hub.demo import NEIGHBOURHOOD_FILE
from hub.errors import HubError
from hub.store import devices
from hub.store.pool import connect


class NoTargetError(HubError):
    """There is nothing to send to; says where it was looked for."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way in: an address and, for MQTT, a credential with the prefix it may publish below."""

    host: str
    port: int
    username: str = ""
    secret: str = ""
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A running demo: both its ways in, and its database to provision replayed devices in and to ask what happened."""

    mqtt: Way
    watch3g: Way
    dsn: str


def find(run_dir: Path) -> Demo:
    """Return the demo that runs from this folder.

    Raises:
        NoTargetError: None does.
    """
    try:
        word: dict[str, Any] = json.loads((run_dir / RUNNING_FILE).read_text(encoding="utf-8"))
        os.kill(int(word["pid"]), 0)
        if not (run_dir / NEIGHBOURHOOD_FILE).exists():
            raise NoTargetError(f"the hub in {run_dir} is no demo: give it a credential and use --to")
        (host, port), (gateway, gateway_port) = word["listener"], word["gateway"]
        return Demo(mqtt=Way(host=host, port=port), watch3g=Way(host=gateway, port=gateway_port), dsn=str(word["dsn"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise NoTargetError(
            f"no demo runs from {run_dir} ({error}): start one with `carehub up --demo`,"
            " or name a listener with --to mqtt://user:password@host:port"
        ) from None


def parse(url: str) -> Way:
    """Return the listener a URL names; what it may publish below is one device, called like the user.

    Raises:
        NoTargetError: It is no mqtt:// URL with user and password.
    """
    refusal = NoTargetError(f"{url.rpartition('@')[2]}: write it like mqtt://user:password@host:1883")
    try:
        parts = urlsplit(url)
        port = parts.port or 1883
    except ValueError:  # quotes what it could not read, which may be a piece of the password
        raise refusal from None
    if parts.scheme != "mqtt" or not parts.hostname or not parts.username or not parts.password:
        raise refusal
    user = unquote(parts.username)
    return Way(
        host=parts.hostname, port=port, username=user, secret=unquote(parts.password),
        prefix=f"carehub/{user}/",
    )  # fmt: skip


@asynccontextmanager
async def admitted(demo: Demo, prefixes: list[str]) -> AsyncIterator[dict[str, Way]]:
    """Give the replay a gateway's credential for each prefix, for as long as it lasts.

    Only a demo admits strangers like this; anywhere else a replay needs a credential somebody gave it.
    """
    ways = {
        prefix: Way(
            host=demo.mqtt.host, port=demo.mqtt.port, username=f"replay {prefix.strip('/')}".strip(),
            secret=secrets.token_urlsafe(16), prefix=prefix,
        )
        for prefix in prefixes
    }  # fmt: skip
    async with await connect(demo.dsn, name="carehub replay") as conn, conn.transaction():
        for way in ways.values():
            await devices.issue_credential(conn, way.username, "gateway", way.prefix, secret=way.secret)
    try:
        yield ways
    finally:
        async with await connect(demo.dsn, name="carehub replay") as conn, conn.transaction():
            await devices.dismiss(conn, [way.username for way in ways.values()])
