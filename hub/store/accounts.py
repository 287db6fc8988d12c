"""Accounts of those who sign in: where they are signed in, their second factor, and what happened to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub.errors import HubError
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("accounts")
LISTED = 500
HISTORY = 200
HALF_S = 300  # between the password and the code
TRIES = 5  # codes for one password
DESK = frozenset({"operator", "supervisor"})  # told at the console


@dataclass(frozen=True, kw_only=True)
class Factor:
    """A person's authenticator app as it is stored."""

    secret: str  # sealed
    confirmed: bool
    last_step: int


async def note(conn: Connection, person: int, what: str, *, actor: int | None = None, detail: str = "") -> None:
    """Write down what happened to an account, in the transaction in which it happens."""
    await conn.execute(Q.noted, {"person": person, "actor": actor, "what": what, "detail": detail[:500]})


async def history(conn: Connection, person: int | None = None) -> list[Row]:
    return await rows(conn, Q.history, person=person, limit=HISTORY)


# ---- sessions ----


async def sessions(conn: Connection, person: int, *, idle_minutes: int) -> list[Row]:
    return await rows(conn, Q.sessions, person=person, idle_minutes=idle_minutes)


async def end_one(conn: Connection, person: int, number: int) -> list[bytes]:
    """End one of his sessions; return what it was known by, empty when there is none."""
    return [bytes(r["token_sha256"]) for r in await rows(conn, Q.end_one, person=person, number=number)]


async def end_all(conn: Connection, person: int, *, but: bytes = b"") -> list[bytes]:
    return [bytes(r["token_sha256"]) for r in await rows(conn, Q.end_all, person=person, but=but)]


# ---- accounts ----


async def accounts(
    conn: Connection, roles: Sequence[str], *, idle_minutes: int, person: int | None = None
) -> list[Row]:
    return await rows(
        conn, Q.accounts, roles=list(roles), idle_minutes=idle_minutes, person=person, limit=LISTED
    )  # fmt: skip


async def organisations(conn: Connection) -> list[Row]:
    return await rows(conn, Q.organisations)


async def add(conn: Connection, *, actor: int, **values: Any) -> int:
    """Add somebody who signs in, with name, role, phone, login, hash, organisation and language."""
    found = await row(conn, Q.add, **values)
    assert found is not None
    number = int(found["id"])
    if values["role"] in DESK:
        await conn.execute(Q.at_the_console, {"person": number})
    await note(conn, number, "created", actor=actor, detail=str(values["role"]))
    return number


async def set_role(conn: Connection, person: int, role: str, organisation: int | None, *, actor: int | None) -> None:
    """Give somebody another role; he signs in anew, so that no page goes on with the old one."""
    await conn.execute(Q.set_role, {"person": person, "role": role, "organisation": organisation})
    if role in DESK:
        await conn.execute(Q.at_the_console, {"person": person})
    await end_all(conn, person)
    await note(conn, person, "role", actor=actor, detail=role if organisation is None else f"{role} @{organisation}")


async def join(conn: Connection, person: int, name: str) -> None:
    """Have somebody belong to an organisation.

    Raises:
        HubError: There is none of this name.
    """
    if await row(conn, Q.join, person=person, name=name) is None:
        known = ", ".join(one["name"] for one in await organisations(conn)) or "none yet: make one at /registry"
        raise HubError(f"no organisation is called {name!r}; there are: {known}")


async def set_active(conn: Connection, person: int, active: bool, *, actor: int) -> None:
    await conn.execute(Q.set_active, {"person": person, "active": active})
    await end_all(conn, person)
    await note(conn, person, "activated" if active else "deactivated", actor=actor)


async def set_password(conn: Connection, person: int, hashed: str, *, actor: int, but: bytes = b"") -> None:
    """Change a password; every session but this one ends."""
    await conn.execute(Q.set_password, {"person": person, "hash": hashed})
    await conn.execute(Q.drop_halves, {"person": person})
    await end_all(conn, person, but=but)
    await note(conn, person, "password", actor=actor)


async def password(conn: Connection, person: int) -> str | None:
    found = await row(conn, Q.password, person=person)
    return found["password_hash"] if found else None


# ---- the second factor ----


async def factor(conn: Connection, person: int) -> Factor | None:
    found = await row(conn, Q.factor, person=person)
    if found is None:
        return None
    return Factor(
        secret=found["secret"], confirmed=found["confirmed_at"] is not None, last_step=found["last_step"]
    )  # fmt: skip


async def offer_factor(conn: Connection, person: int, sealed: str) -> None:
    await conn.execute(Q.offer_factor, {"person": person, "secret": sealed})


async def use_step(conn: Connection, person: int, step: int) -> bool:
    """Use a code of this time up; False when it, or a later one, was used before."""
    return await row(conn, Q.use_step, person=person, step=step) is not None


async def confirm_factor(conn: Connection, person: int, codes: Sequence[bytes]) -> bool:
    """From now on a code is asked for; these recovery codes, hashed, replace any older."""
    if await row(conn, Q.confirm_factor, person=person) is None:
        return False
    await conn.execute(Q.drop_codes, {"person": person})
    for code in codes:
        await conn.execute(Q.add_code, {"person": person, "code": code})
    await note(conn, person, "second_factor_on", actor=person)
    return True


async def drop_factor(conn: Connection, person: int, *, actor: int | None) -> bool:
    await conn.execute(Q.drop_codes, {"person": person})
    if await row(conn, Q.drop_factor, person=person) is None:
        return False
    await note(conn, person, "second_factor_off", actor=actor)
    return True


async def use_code(conn: Connection, person: int, code: bytes) -> bool:
    """Use a recovery code up."""
    return await row(conn, Q.use_code, person=person, code=code) is not None


async def codes_left(conn: Connection, person: int) -> int:
    found = await row(conn, Q.codes_left, person=person)
    return int(found["count"]) if found else 0


async def begin_half(conn: Connection, token_sha256: bytes, person: int) -> None:
    await conn.execute(Q.forget_halves)
    await conn.execute(Q.begin_half, {"token": token_sha256, "person": person, "seconds": HALF_S})


async def half(conn: Connection, token_sha256: bytes) -> int | None:
    """Return whose sign-in waits for a code, and count this as a try."""
    found = await row(conn, Q.half, token=token_sha256, tries=TRIES)
    return int(found["person_id"]) if found else None


async def end_half(conn: Connection, token_sha256: bytes) -> None:
    await conn.execute(Q.end_half, {"token": token_sha256})


# ---- tries ----


async def take_try(conn: Connection, key: bytes, *, free: int, longest_s: float) -> bool:
    """Count one more failure; False when it is too early for a try."""
    return await row(conn, Q.take_try, key=key, free=free, longest_s=longest_s) is not None


async def wait_s(conn: Connection, keys: Sequence[bytes]) -> float:
    """Return how many seconds must pass before the next try of any of these; never nothing."""
    found = await row(conn, Q.try_wait, keys=list(keys))
    return max(0.001, float(found["wait_s"] or 0.0)) if found else 0.001


async def right_try(conn: Connection, account: bytes, address: bytes) -> None:
    async with conn.transaction():
        for query, about in sorted(((Q.right_account, {"account": account}), (Q.right_address, {"address": address})),
                                   key=lambda one: next(iter(one[1].values()))):  # fmt: skip
            await conn.execute(query, about)


async def forget_tries(conn: Connection, kept: int) -> None:
    await conn.execute(Q.forget_tries, {"kept": kept})
