"""Devices and their credentials, as an installer registers them."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.errors import HubError
from hub.store.pool import Connection
from hub.store.sql import queries

LONGEST_TEST_MIN = 120  # an installer works on one device no longer; a forgotten test mode hides a real press
SECRET_BYTES = 24  # 192 random bits: a plain SHA-256 of it needs no salt and no stretching
Q = queries("devices")


class UnknownResidentError(HubError):
    """A device was to be bound to somebody who is not registered."""

    def __init__(self, resident_id: int) -> None:
        super().__init__(f"there is no resident {resident_id}; register the resident first, or leave --resident out")
        self.resident_id = resident_id


class NameTakenError(HubError):
    """A key was to be made under a name by which something of another kind signs in: that would be shut out."""

    def __init__(self, username: str, kind: str) -> None:
        super().__init__(f"{username!r} cannot be the name of a {kind}: something else signs in by it; choose another")
        self.username = username


class TestModeError(HubError):
    """A device was to be put into test mode that is not there, or for too long."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a device signs in with. The secret is shown once and kept only as its hash."""

    username: str
    secret: str
    topic_prefix: str


async def register(
    conn: Connection,
    address: str,
    *,
    resident_id: int | None = None,
    room: str = "",
    model: str = "",
    deadline_s: int | None = None,
    adapter: str = "",
    live: bool = False,
) -> int:
    """Make a device known, or bind it anew, and return its number.

    Args:
        conn: a connection; in a transaction, whoever holds devices in memory is told when it commits.
        address: scheme:native, as in Telemetry.device.
        resident_id: who wears it.
        room: where it hangs.
        model: the maker's name for it.
        deadline_s: silent for longer, and a technical alert is raised; None: not supervised.
        adapter: name/version of what decodes it, where that is known before it spoke.
        live: it need not be tested first.

    Raises:
        UnknownResidentError: Nobody has that number.
    """
    if (
        resident_id is not None
        and await (await conn.execute(Q.resident_exists, {"resident_id": resident_id})).fetchone() is None
    ):
        raise UnknownResidentError(resident_id)
    values = {"address": address, "model": model, "resident_id": resident_id, "room": room, "deadline_s": deadline_s,
              "adapter": adapter, "live": live}  # fmt: skip
    row = await (await conn.execute(Q.register, values)).fetchone()
    assert row is not None
    await conn.execute(Q.changed)
    return int(row[0])


async def issue_credential(
    conn: Connection,
    username: str,
    kind: str,
    topic_prefix: str,
    *,
    device_id: int | None = None,
    person_id: int | None = None,
    secret: str | None = None,
) -> Credential:
    """Make (or replace) the secret of one device, one gateway or one responder's terminal.

    `secret` is one it already knows, of 128 random bits or more; without it a new one is made.

    Raises:
        NameTakenError: Something of another kind signs in by that name.
    """
    secret = secret or secrets.token_urlsafe(SECRET_BYTES)
    values = {
        "username": username, "digest": hashlib.sha256(secret.encode()).digest(), "kind": kind, "prefix": topic_prefix,
        "device_id": device_id, "person_id": person_id,
    }  # fmt: skip
    if await (await conn.execute(Q.set_credential, values)).fetchone() is None:
        raise NameTakenError(username, kind)
    await conn.execute(Q.changed)
    return Credential(username=username, secret=secret, topic_prefix=topic_prefix)


async def test(conn: Connection, device_id: int, minutes: int) -> tuple[str, datetime]:
    """Put a device into test mode, or end it with 0 minutes; returns its address and when test mode ends by itself.

    Raises:
        TestModeError: No such device, or too long.
    """
    if not 0 <= minutes <= LONGEST_TEST_MIN:
        raise TestModeError(f"test mode lasts 0 to {LONGEST_TEST_MIN} minutes, not {minutes}; start it again if needed")
    row = await (await conn.execute(Q.test, {"id": device_id, "minutes": minutes})).fetchone()
    if row is None:
        raise TestModeError(f"there is no device {device_id} in use: see `carehub devices list`")
    await conn.execute(Q.changed)
    return str(row[0]), row[1]


async def dismiss(conn: Connection, usernames: Sequence[str]) -> None:
    """Let these sign in no more."""
    await conn.execute(Q.dismiss, {"usernames": list(usernames)})
    await conn.execute(Q.changed)


async def known(conn: Connection, addresses: Sequence[str]) -> set[str]:
    """Return which of these addresses are devices already."""
    return {str(row[0]) for row in await (await conn.execute(Q.known, {"addresses": list(addresses)})).fetchall()}


async def exported(conn: Connection) -> list[tuple[Any, ...]]:
    """Return (address, model, resident_id, room, deadline_s) of every device in use."""
    return await (await conn.execute(Q.export)).fetchall()


async def residents(conn: Connection) -> dict[str, list[int]]:
    """Return everybody's number, by number and by name; several of one name have several."""
    found: dict[str, list[int]] = {}
    for number, name in await (await conn.execute(Q.names)).fetchall():
        for word in {str(number), str(name)}:
            found.setdefault(word, []).append(int(number))
    return found


async def rights(conn: Connection) -> list[tuple[str, str, bool]]:
    """Return (username, topic prefix, whether it is in force) of every key."""
    return [(str(u), str(p), bool(a)) for u, p, a in await (await conn.execute(Q.rights)).fetchall()]


async def said(conn: Connection, device_id: int, limit: int) -> list[tuple[datetime, bytes]]:
    """Return the raw batches of a device's last messages (received_at, body), the last first; others' are in them."""
    rows = await (await conn.execute(Q.said, {"id": device_id, "limit": limit})).fetchall()
    return [(row[0], bytes(row[2])) for row in rows]
