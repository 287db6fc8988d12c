"""Browsers that take pages as the responders' app: who has which, and which of them are gone."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from hub.channel_settings import LOCAL, PUSH_HOSTS
from hub.errors import HubError
from hub.hosts import is_address
from hub.store.pool import Connection
from hub.store.sql import queries
from hub.store.telemetry import clean

Q = queries("push")
MOST = 8  # browsers of one person
ENDPOINT_LENGTH = 1_000
USER_AGENT_LENGTH = 300
POINT_BYTES, AUTH_BYTES = 65, 16  # an uncompressed point of P-256, and the secret beside it


class PushError(HubError):
    """A subscription that cannot be used; nothing was written."""


@dataclass(frozen=True, kw_only=True)
class Phone:
    """One browser of one person."""

    id: int
    endpoint: str
    p256dh: str
    auth: str
    user_agent: str
    created_at: datetime
    ok_at: datetime | None
    failures: int


async def subscribe(
    conn: Connection, person_id: int, subscription: Mapping[str, Any], user_agent: str,
    *, hosts: Sequence[str] = PUSH_HOSTS, local: bool = False,
) -> int:  # fmt: skip
    """Keep a browser's subscription and return its number; the person can then be called through channel `app`.

    Args:
        conn: a connection outside a transaction.
        person_id: whose browser it is.
        subscription: what `PushSubscription.toJSON()` gives: endpoint and keys.
        user_agent: to tell one phone from another.
        hosts: the push services that may be sent to, `channels.push_hosts`.
        local: whether http://127.0.0.1 may, `channels.push_local`.

    Raises:
        PushError: Not a subscription, an address that is not a push service's, or too many of them.
    """
    values = _checked(subscription, hosts, local=local)
    values |= {"person": person_id, "user_agent": clean(user_agent)[:USER_AGENT_LENGTH]}
    async with conn.transaction():
        row = await (await conn.execute(Q.most, values)).fetchone()
        if row is not None and row[0] >= MOST:
            raise PushError(f"{MOST} browsers are subscribed already: switch one off first")
        new = await (await conn.execute(Q.subscribe, values)).fetchone()
        assert new is not None
        await conn.execute(Q.reachable, values)
        await conn.execute("select pg_notify('carehub_config', '')")
    return int(new[0])


async def unsubscribe(conn: Connection, endpoint: str, person_id: int | None = None) -> bool:
    """Forget a browser (of this person, where one is given); with the last one the person's channel `app` ends."""
    async with conn.transaction():
        gone = await (await conn.execute(Q.unsubscribe, {"endpoint": endpoint, "person": person_id})).fetchall()
        if gone:
            await conn.execute(Q.unreachable, {"people": [row[0] for row in gone]})
            await conn.execute("select pg_notify('carehub_config', '')")
    return bool(gone)


async def phones(conn: Connection, person_id: int) -> list[Phone]:
    """Return a person's browsers, the one last reached first."""
    rows = await (await conn.execute(Q.phones, {"person": person_id, "most": MOST})).fetchall()
    return [
        Phone(
            id=i, endpoint=e, p256dh=p, auth=a, user_agent=u, created_at=c, ok_at=o, failures=f,
        ) for i, e, p, a, u, c, o, f in rows
    ]  # fmt: skip


async def tally(conn: Connection, taken: Sequence[int], not_taken: Sequence[int]) -> None:
    """Remember which browsers' services took a message."""
    if taken:
        await conn.execute(Q.taken, {"ids": list(taken)})
    if not_taken:
        await conn.execute(Q.not_taken, {"ids": list(not_taken)})


def allowed(endpoint: str, hosts: Sequence[str] = PUSH_HOSTS, *, local: bool = False) -> bool:
    """Whether this is a push service's address: we post to it, so nobody may name a machine of ours."""
    try:
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or len(endpoint) > ENDPOINT_LENGTH or not endpoint.isascii() or not endpoint.isprintable():
        return False
    if local and parts.scheme == "http" and host in LOCAL:
        return True
    if parts.scheme != "https" or port not in (None, 443) or is_address(host):
        return False
    return any(host == known or host.endswith(f".{known}") for known in hosts)


def _checked(subscription: Mapping[str, Any], hosts: Sequence[str], *, local: bool) -> dict[str, Any]:
    endpoint, keys = subscription.get("endpoint"), subscription.get("keys")
    if not isinstance(endpoint, str) or not isinstance(keys, Mapping):
        raise PushError("this is no subscription of a browser: it needs endpoint and keys")
    if not allowed(endpoint, hosts, local=local):
        raise PushError("this browser's push service is not among channels.push_hosts")
    p256dh, auth = keys.get("p256dh"), keys.get("auth")
    if not _is_key(p256dh, POINT_BYTES) or not _is_key(auth, AUTH_BYTES):
        raise PushError("the subscription's keys are not whole: subscribe again")
    return {"endpoint": endpoint, "p256dh": p256dh, "auth": auth}


def _is_key(text: object, size: int) -> bool:
    if not isinstance(text, str) or len(text) > 2 * size:
        return False
    try:
        return (
            len(base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)) == size
        )
    except (binascii.Error, ValueError):
        return False
