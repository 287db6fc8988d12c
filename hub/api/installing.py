"""Devices from the box to service and out again: the installer's steps, and what a device is told to do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Security
from pydantic import Field, StringConstraints

from hub.api.caller import Caller, caller
from hub.api.models import Asked, Device, Shown
from hub.api.once import Once
from hub.api.paging import Id as Number
from hub.api.problems import ProblemError
from hub.api.registry import DEVICES, Id, seen_device, seen_resident
from hub.api.residents import fault
from hub.device_life import Check, RefusedError, State
from hub.errors import HubError
from hub.refusals import Refused
from hub.store import device_commands, device_life, devices, install_find, installs
from hub.store.device_life import Held
from hub.store.pool import Connection, hub_now
from hub.web.device_orders import ORDERS

router = APIRouter(tags=["devices"], route_class=Once)
WRITES = Annotated[Caller, Security(caller, scopes=["devices:write"])]
TELLS = Annotated[Caller, Security(caller, scopes=["devices:tell"])]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=device_life.LONGEST_NOTE)]


class NewDevice(Asked):
    address: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)] = Field(
        description="as its label names it: carehub:w-6, watch3g:8800000015 …"
    )
    model: Short = ""


class Claim(Asked):
    model: Short = ""


class Bind(Asked):
    resident_id: Number
    room: Short = ""
    no_button: bool = Field(False, description="its first message is its test: it has nothing to press")
    plugged: bool = False


class Tried(Asked):
    check: Literal["sos", "voice", "location", "power"]
    passed: bool
    note: Note = ""


class Why(Asked):
    why: Note = ""


class Step(Shown):
    """One line of a device's history."""

    at: datetime
    action: str
    state: str
    actor: str
    note: str
    facts: dict[str, Any]


class Effect(Shown):
    """Whether a press of it would call people now (已生效), and what is against it."""

    in_effect: bool
    reasons: list[str]


@router.post("/devices", status_code=201)
async def enrol(who: WRITES, said: NewDevice) -> Device:
    """Make a device known that has not spoken yet; one that is known is returned as it stands."""
    _centre(who)
    async with who.connection() as conn, conn.transaction():
        try:
            made = await install_find.enrol(conn, said.address, said.model, who.as_whom)
        except install_find.StrangeAddressError as no:
            raise fault("body/address", str(no)) from None
        return Device.of(await seen_device(conn, who, made))


@router.post("/devices/{device_id}/claim")
async def claim(device_id: Id, who: WRITES, said: Claim) -> Device:
    """It was heard, or comes back, and is ours; said again it is said once."""
    async with _holding(who, device_id) as (conn, held):
        if held.state in (State.SEEN, State.RETIRED):
            await device_life.claim(conn, held, who.as_whom, model=said.model)
            await conn.execute(devices.Q.changed)
        return Device.of(await seen_device(conn, who, device_id))


@router.post("/devices/{device_id}/bind")
async def bind(device_id: Id, who: WRITES, said: Bind) -> Device:
    """Give it to a resident, or move it to another of her rooms."""
    async with _holding(who, device_id) as (conn, held):
        await seen_resident(conn, who, said.resident_id)
        given = installs.Given(
            resident_id=said.resident_id, room=said.room, no_button=said.no_button, plugged=said.plugged
        )  # fmt: skip
        await installs.give(conn, held, who.as_whom, given)
        return Device.of(await seen_device(conn, who, device_id))


@router.post("/devices/{device_id}/check")
async def check(device_id: Id, who: WRITES, said: Tried) -> Device:
    """What a trial showed. That a press arrives is seen by the hub itself, never said."""
    async with _holding(who, device_id) as (conn, held):
        await device_life.check(conn, held, who.as_whom, Check(said.check), passed=said.passed, note=said.note)
        return Device.of(await seen_device(conn, who, device_id))


@router.post("/devices/{device_id}/live")
async def live(device_id: Id, who: WRITES) -> Device:
    """The installer has finished: its test mode ends; 409 says what keeps it from working."""
    async with _holding(who, device_id) as (conn, held):
        await devices.test(conn, device_id, 0)
        await device_life.live(conn, held, who.as_whom, await hub_now(conn))
        return Device.of(await seen_device(conn, who, device_id))


@router.post("/devices/{device_id}/retire")
async def retire(device_id: Id, who: WRITES, said: Why) -> Device:
    """It is nobody's any more and signs in no more; its history stays. Again changes nothing."""
    async with _holding(who, device_id) as (conn, held):
        if held.state is not State.RETIRED:
            await device_life.retire(conn, held, who.as_whom, why=said.why)
            await conn.execute(devices.Q.changed)
        return Device.of(await seen_device(conn, who, device_id))


@router.get("/devices/{device_id}/history")
async def history(device_id: Id, who: DEVICES) -> list[Step]:
    """What was done to it, by whom, the last first."""
    _centre(who)
    async with who.connection() as conn:
        await seen_device(conn, who, device_id)
        found = await device_life.history(conn, device_id)
    return [
        Step(at=one.at, action=one.action, state=one.state, actor=one.actor, note=one.note, facts=dict(one.facts))
        for one in found
    ]  # fmt: skip


@router.get("/devices/{device_id}/effect")
async def effect(device_id: Id, who: DEVICES) -> Effect:
    """Whether it would call people now, and if not why."""
    _centre(who)
    async with who.connection() as conn:
        await seen_device(conn, who, device_id)
        by = installs.By(actor=who.as_whom, area="", contacts_min=who.parts.contacts_min)
        it = await installs.look(conn, device_id, by, in_use=True)
        if it is None:
            raise ProblemError(404, "no_such_device")
    told = it.effect()
    return Effect(in_effect=told.in_effect, reasons=[str(reason) for reason, _ in told.reasons])


class Command(Asked):
    """One of them: an order, or words that it shows or speaks."""

    order: Annotated[str, Field(json_schema_extra={"enum": sorted(ORDERS)})] | None = None
    words: Annotated[str, StringConstraints(strip_whitespace=True, max_length=device_commands.LONGEST_WORDS)] = ""


@router.get("/devices/{device_id}/commands")
async def commands(device_id: Id, who: DEVICES) -> list[dict[str, Any]]:
    """What it was told, the last first, as it stands now."""
    _centre(who)
    async with who.connection() as conn:
        await seen_device(conn, who, device_id)
        found = await device_commands.of_device(conn, device_id)
    return [{name: getattr(one, name) for name in type(one).__dataclass_fields__} for one in found]


@router.post("/devices/{device_id}/commands", status_code=201)
async def tell(device_id: Id, who: TELLS, said: Command) -> dict[str, int]:
    """Have it do something; a device of an open case is told by `/incidents/{id}/tell_device`, which stands in it."""
    if (said.order is None) == (not said.words):
        raise fault("body/order", "an order, or words, and not both")
    order = ORDERS.get(said.order) if said.order else None
    if said.order and order is None:
        raise fault("body/order", f"one of {', '.join(sorted(ORDERS))}")
    async with who.connection() as conn, conn.transaction():
        await seen_device(conn, who, device_id)
        return {"id": await device_commands.ask(conn, str(device_id), who.as_whom, order, words=said.words)}


@asynccontextmanager
async def _holding(who: Caller, device_id: int) -> AsyncIterator[tuple[Connection, Held]]:
    """Hold a device that this token may see; what the rules refuse is 409 with what to do."""
    _centre(who)
    try:
        async with who.connection() as conn, conn.transaction():
            await seen_device(conn, who, device_id)
            yield conn, await device_life.hold(conn, str(device_id))
    except RefusedError as no:
        raise ProblemError(409, f"device_{no.state}", str(no)) from None
    except Refused:
        raise
    except HubError as no:
        raise ProblemError(409, "not_in_effect", str(no)) from None


def _centre(who: Caller) -> None:
    if who.organisation_id is not None:
        raise ProblemError(403, "whole_hub", "what is done to devices is the centre's: no organisation's token does it")
