"""Events of cases in one order, who is told of them, and what became of each telling."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hub import sealed
from hub.errors import HubError
from hub.store.console import Row, row, rows
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("events")
LOCK = 0x0CA31
SUBSCRIPTIONS_MOST = 100
OVERLAP = timedelta(minutes=2)  # where only the time tells how far the chains were read
AT_ONCE = 2_000  # entries of one turn; those of the last transaction are not torn apart
SECRET, OLD_SECRET = "api_subscription.secret", "api_subscription.old_secret"
SWEPT_AT_ONCE = 5_000
DAYS = 30
LEASE = timedelta(seconds=60)
SHOWN = 200


class SubscriptionError(HubError):
    """A subscription that cannot be made, or that is not there."""


async def add(
    conn: Connection, *, name: str, url: str, kinds: list[str], areas: list[str], organisation: int | None,
    health: bool, secret: str, by: str,
) -> int:  # fmt: skip
    """Write down who is told of what, from now on, and the key that signs it, sealed.

    Raises:
        SubscriptionError: There are too many already.
    """
    async with conn.transaction():
        count = await row(conn, Q.count)
        if count is not None and count["count"] >= SUBSCRIPTIONS_MOST:
            raise SubscriptionError(f"there are {SUBSCRIPTIONS_MOST} subscriptions already: remove one")
        made = await row(
            conn, Q.add, name=name, url=url, kinds=kinds, areas=areas, organisation=organisation, health=health,
            by=by,
        )  # fmt: skip
        assert made is not None
        number = int(made["id"])
        await conn.execute(Q.keep_secret, {"id": number, "secret": sealed.seal(SECRET, number, secret), "old": ""})
    return number


async def rotate(
    conn: Connection, number: int, secret: str, *, derived: Callable[[str], str], organisation: int | None = None
) -> str:  # fmt: skip
    """Give a subscription another key and return its name; the one before it signs beside it for a day.

    Args:
        derived: makes the key of a subscription from before keys were its own out of its salt.

    Raises:
        SubscriptionError: There is none of this number.
    """
    async with conn.transaction():
        held = await row(conn, Q.secret, id=number, organisation=organisation)
        if held is None:
            raise SubscriptionError(f"there is no subscription {number}: see `carehub api events list`")
        old = sealed.opened(SECRET, number, held["secret"]) if held["secret"] else derived(held["salt"])
        values = {"secret": sealed.seal(SECRET, number, secret), "old": sealed.seal(OLD_SECRET, number, old)}
        await conn.execute(Q.keep_secret, {"id": number, **values})
    return str(held["name"])


def keys(one: Row, derived: Callable[[str], str]) -> list[str]:
    """Return what signs a message of a claimed delivery: its subscription's key, for a day the one before it too.

    Raises:
        SealError: The key that sealed it is not here.
    """
    number = one["subscription_id"]
    current = sealed.opened(SECRET, number, one["secret"]) if one["secret"] else derived(one["salt"])
    old = sealed.opened(OLD_SECRET, number, one["old_secret"])
    return [key for key in (current, old or (derived(one["old_salt"]) if one["old_salt"] else "")) if key]


async def subscriptions(
    conn: Connection, *, number: int | None = None, after: int = 0, organisation: int | None = None, limit: int = SHOWN
) -> list[Row]:
    return await rows(conn, Q.subscriptions, id=number, after=after, organisation=organisation, limit=limit)


async def named(conn: Connection, query: bytes, number: int, **values: Any) -> str:
    """Change the subscription of this number and return its name.

    Raises:
        SubscriptionError: There is none.
    """
    found = await row(conn, query, id=number, **values)
    if found is None:
        raise SubscriptionError(f"there is no subscription {number}: see `carehub api events list`")
    return str(found["name"])


async def gather(conn: Connection, days: int = DAYS, at_once: int = AT_ONCE) -> tuple[int, bool]:
    """Make events of what became visible in the chains since the last look; returns how many, and whether more waits.

    Args:
        days: what is older becomes none: it would not be kept.
    """
    async with conn.transaction():
        alone = await row(conn, Q.gather_lock, lock=LOCK)
        if alone is None or not alone["pg_try_advisory_xact_lock"]:
            return 0, False
        found = await row(conn, Q.gather, overlap=OVERLAP, at_once=at_once, days=days)
    assert found is not None
    return int(found["fresh"]), bool(found["more"])


async def claim(conn: Connection, limit: int) -> list[Row]:
    return await rows(conn, Q.claim, limit=limit, lease=LEASE)


async def delivered(conn: Connection, one: Row, answer: str) -> None:
    values = {"subscription": one["subscription_id"], "number": one["number"], "answer": answer}
    await conn.execute(Q.delivered, values)


async def missed(conn: Connection, one: Row, answer: str, again: timedelta, patience: timedelta) -> bool:
    """Write down that it was not taken; True when it has been so for too long."""
    found = await row(
        conn, Q.missed, subscription=one["subscription_id"], number=one["number"], answer=answer, again=again,
        patience=patience,
    )  # fmt: skip
    return found is not None and bool(found["over"])


async def disable(conn: Connection, subscription: int, why: str) -> bool:
    return await row(conn, Q.disable, subscription=subscription, why=why) is not None


async def replay(conn: Connection, number: int, *, event: int | None = None, since: datetime | None = None) -> int:
    """Have everything from an event or a moment on told again; returns how much."""
    found = await row(conn, Q.replay, id=number, number=event, since=since)
    return int(found["count"]) if found else 0


async def sweep(conn: Connection, days: int) -> None:
    await conn.execute(Q.sweep, {"days": days, "limit": SWEPT_AT_ONCE})
