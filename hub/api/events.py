"""Subscriptions to signed events: made and removed by whoever may manage them, checked before anything goes there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response, Security
from pydantic import Field

from hub.api import messages, signing
from hub.api.caller import Caller, caller
from hub.api.models import Asked, Line, Shown
from hub.api.once import Once
from hub.api.outgoing import Guard
from hub.api.paging import Cursor, Limit, Page, number, page
from hub.api.problems import Fault, ProblemError
from hub.store import events as store
from hub.store.console import Row
from hub.store.pool import Connection

router = APIRouter(tags=["events"], route_class=Once)
MANAGES = Annotated[Caller, Security(caller, scopes=["events:manage"])]
Id = Annotated[int, Path(ge=1, lt=2**63)]
MOST_KINDS, MOST_AREAS = 40, 100


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Somebody wants to be told."""

    name: str
    url: str
    kinds: Sequence[str]
    areas: Sequence[str] = ()
    organisation: int | None = None
    health: bool = False


async def subscribe(conn: Connection, wish: Wish, *, guard: Guard, by: str) -> tuple[int, str]:
    """Write a subscription down; returns its number and its key, which is shown this once.

    Raises:
        SubscriptionError: Its address leads where nothing may go, or a kind is none.
        SealError: There is nothing here to seal its key with.
    """
    if wrong := guard.wrong(wish.url):
        raise store.SubscriptionError(f"url: {wrong}")
    if unknown := [kind for kind in wish.kinds if not messages.known(kind)]:
        raise store.SubscriptionError(
            f"kinds: {unknown[0]!r} is none; write incident.*, or incident.{messages.KINDS[3]}"
        )
    secret = signing.fresh()
    made = await store.add(
        conn, name=wish.name, url=wish.url, kinds=sorted(set(wish.kinds)), areas=sorted(set(wish.areas)),
        organisation=wish.organisation, health=wish.health, secret=secret, by=by,
    )  # fmt: skip
    return made, secret


class Subscription(Shown):
    id: int
    name: str
    url: str
    kinds: list[str]
    areas: list[str]
    health: bool
    active: bool
    created_at: datetime
    ok_at: datetime | None = Field(description="when something was taken last")
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_why: str | None
    waiting: int


class NewSubscription(Asked):
    name: Line
    url: Annotated[str, Field(min_length=1, max_length=500)]
    kinds: Annotated[list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=MOST_KINDS)] = Field(
        default_factory=lambda: ["incident.*"], description=f"incident.*, or incident.<{'|'.join(messages.KINDS)}>"
    )
    areas: Annotated[list[Line], Field(max_length=MOST_AREAS)] = Field(
        default_factory=list, description="with everything inside; left out: everywhere this token sees"
    )
    health: bool = Field(False, description="also what happened to her; needs the scope events:health")


class Subscribed(Subscription):
    secret: str = Field(description="signs every message, as Standard Webhooks has it; shown this once")


@router.get("/subscriptions")
async def listed(who: MANAGES, limit: Limit = 50, cursor: Cursor = None) -> Page[Subscription]:
    """Who is told of events."""
    async with who.unbound() as conn:
        found = await store.subscriptions(
            conn, after=number(cursor) or 0, organisation=who.organisation_id, limit=limit + 1
        )
    return page(Subscription.of, found, limit)


@router.get("/subscriptions/{subscription_id}")
async def one(subscription_id: Id, who: MANAGES) -> Subscription:
    async with who.unbound() as conn:
        return Subscription.of(await _seen(conn, who, subscription_id))


@router.post("/subscriptions", status_code=201)
async def add(request: Request, who: MANAGES, said: NewSubscription) -> Subscribed:
    """Be told from now on. Messages are signed (webhook-id, webhook-timestamp, webhook-signature)."""
    if said.health and "events:health" not in who.scopes:
        raise ProblemError(403, "scope_missing", "this token does not hold events:health")
    wish = Wish(
        name=said.name, url=said.url, kinds=said.kinds, areas=said.areas, organisation=who.organisation_id,
        health=said.health,
    )  # fmt: skip
    guard: Guard = request.app.state.guard
    async with who.connection() as conn:
        try:
            made, secret = await subscribe(conn, wish, guard=guard, by=who.as_whom)
        except store.SubscriptionError as no:
            raise ProblemError(422, "invalid", faults=[Fault(where="body", what=str(no))]) from None
        return Subscribed(**Subscription.of(await _seen(conn, who, made)).model_dump(), secret=secret)


@router.post("/subscriptions/{subscription_id}/rotate")
async def rotate(subscription_id: Id, who: MANAGES) -> Subscribed:
    """A new key, shown this once; the one before it signs beside it for a day."""
    secret, key = signing.fresh(), who.parts.link_key
    async with who.connection() as conn:
        await _seen(conn, who, subscription_id)
        await store.rotate(
            conn, subscription_id, secret, organisation=who.organisation_id,
            derived=lambda salt: signing.secret(key, "subscription", salt),
        )  # fmt: skip
        return Subscribed(**Subscription.of(await _seen(conn, who, subscription_id)).model_dump(), secret=secret)


@router.delete("/subscriptions/{subscription_id}", status_code=204)
async def remove(subscription_id: Id, who: MANAGES) -> Response:
    """Be told no more; what waits is dropped."""
    async with who.connection() as conn:
        await _seen(conn, who, subscription_id)
        await store.named(conn, store.Q.remove, subscription_id, organisation=who.organisation_id)
    return Response(status_code=204)


async def _seen(conn: Connection, who: Caller, subscription_id: int) -> Row:
    found = await store.subscriptions(conn, number=subscription_id, organisation=who.organisation_id)
    if not found:
        raise ProblemError(404, "no_such_subscription")
    return found[0]
