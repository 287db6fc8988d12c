"""What is done to a device, in one transaction each: the step the rules allow, and a line of its history."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import supervision
from hub import device_life
from hub.device_life import Action, Check, Known, State
from hub.errors import HubError
from hub.store import device_log
from hub.store.devices import Q as DEVICES
from hub.store.devices import UnknownResidentError
from hub.store.pool import Connection
from hub.store.sql import as_number, queries

Q = queries("device_life")
HISTORY = 50  # lines of it that are shown
LONGEST_NOTE = 500
# What has no button to press, by what its model or its name says: the alarm that is its test.
DETECTORS: Mapping[str, str] = {
    "smoke": "smoke|heat.?alarm|fire|HS[123]SA|烟",
    "gas": r"gas|carbon|\mCO\M|HS[123]CG|燃气|一氧化碳",
    "water": "water|leak|flood|R718WA|HS[123]WL|水浸|漏水",
    "fall": "radar|vayyar|C1001|R60A|MR60|HS2FD|雷达|跌倒",
}


@dataclass(frozen=True, kw_only=True)
class Held:
    """A device, held until the transaction ends."""

    id: int
    address: str
    state: State
    resident_id: int | None
    model: str
    room: str
    no_button: bool
    deadline_s: int | None  # its own; None: that of its class


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a device's history. `actor`: person:3, device, command:<account>."""

    at: datetime
    action: str
    state: str
    actor: str
    note: str
    facts: Mapping[str, Any]


async def hold(conn: Connection, said: str) -> Held:
    """Return the device of this number or address, held until commit.

    Raises:
        HubError: There is none.
    """
    row = await (await conn.execute(Q.hold, {"id": as_number(said), "address": said})).fetchone()
    if row is None:
        raise HubError(f"there is no device {said!r}: see `carehub devices list`")
    names = ("id", "address", "state", "resident_id", "model", "room", "no_button", "deadline_s")
    return Held(**{**dict(zip(names, row, strict=True)), "state": State(row[2])})


async def claim(conn: Connection, device: Held, actor: str, *, model: str = "") -> None:
    """A device that was heard, or that comes back, is ours."""
    state = device_life.after(Action.CLAIM, device.state)
    await conn.execute(Q.claim, {"id": device.id, "state": state, "model": model})
    await _note(conn, device.id, Action.CLAIM, actor, facts={"model": model or device.model})


async def bind(
    conn: Connection, device: Held, actor: str, *, resident_id: int, room: str = "", no_button: bool | None = None,
    facts: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    """Give a device to a resident, or move it to another of his rooms.

    `no_button`: its first message is its test; None: as before, where it is only moved. `facts` are written down too.
    """
    more = facts or {}
    if device.resident_id == resident_id and device.state in (State.BOUND, State.TESTED, State.LIVE):
        device_life.after(Action.MOVE, device.state)
        await conn.execute(Q.move, {"id": device.id, "room": room or device.room, "no_button": no_button})
        await _note(conn, device.id, Action.MOVE, actor, facts={"room": room, **more})
        return
    state = device_life.after(Action.BIND, device.state)
    if await (await conn.execute(DEVICES.resident_exists, {"resident_id": resident_id})).fetchone() is None:
        raise UnknownResidentError(resident_id)
    values = {"id": device.id, "state": state, "resident_id": resident_id, "room": room, "no_button": bool(no_button)}
    await conn.execute(Q.bind, values)
    told = {"resident": resident_id, "room": room, "before": device.resident_id, **more}
    await _note(conn, device.id, Action.BIND, actor, facts=told)


async def check(
    conn: Connection, device: Held, actor: str, what: Check, *, passed: bool, note: str = "",
    facts: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    """Write down what a trial showed, and the `facts` that the hub itself saw of it.

    That a press arrives is seen by the hub itself, never said by hand.
    """
    if what is Check.SOS and passed:
        raise HubError("a press counts when it arrives: press the device, then look with `carehub devices show`")
    state = device_life.after(Action.CHECK, device.state)
    await conn.execute(Q.put, {"id": device.id, "state": state})
    told = {"check": what, "passed": passed, **(facts or {})}
    await _note(conn, device.id, Action.CHECK, actor, note=note, facts=told)


async def live(
    conn: Connection, device: Held, actor: str, now: datetime, wanted: frozenset[Check] = frozenset(), *,
    facts: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    """The installer has finished. `wanted` are the trials that must have been made; `facts` are written down too.

    Raises:
        RefusedError: It was not tested.
        HubError: Something else keeps it from working.
    """
    state = device_life.after(Action.LIVE, device.state)
    found = replace(await known(conn, device.id), wanted=wanted)
    rest = [text for reason, text in _against(found, now) if reason is not device_life.Reason.NOT_LIVE]
    if rest:
        raise HubError(f"not in effect: {'; '.join(rest)}")
    await conn.execute(Q.put, {"id": device.id, "state": state})
    await _note(conn, device.id, Action.LIVE, actor, facts=facts)


def _against(found: Known, now: datetime) -> list[tuple[device_life.Reason, str]]:
    told = device_life.effect(found, now)
    return [(reason, words) for (reason, _), words in zip(told.reasons, told.words(), strict=False)]


async def retire(conn: Connection, device: Held, actor: str, *, why: str = "") -> None:
    """It is nobody's any more and signs in no more. Its history and what it said stay."""
    device_life.after(Action.RETIRE, device.state)
    await conn.execute(Q.retire, {"id": device.id})
    await conn.execute(Q.dismiss, {"id": device.id})
    await _note(conn, device.id, Action.RETIRE, actor, note=why, facts={"resident": device.resident_id})


async def note(
    conn: Connection, device_id: int, action: str, actor: str, *, facts: Mapping[str, object] | None = None
) -> None:
    """Write a line of history that changes nothing: a trial begins, the installer leaves."""
    await _note(conn, device_id, action, actor, facts=facts)


async def note_credential(conn: Connection, device_id: int, actor: str) -> None:
    """Write down that a new key was issued; never the key."""
    await _note(conn, device_id, "credential", actor)


async def note_registered(conn: Connection, device_id: int, actor: str) -> None:
    """Write down that somebody made it known, or registered it anew."""
    await _note(conn, device_id, "registered", actor)


async def settle(conn: Connection) -> list[int]:
    """Let the first press since a device was bound count as its test; returns the devices that are tested by it.

    The press rang as every press does: whoever presses an untested button may be in need. It costs a press nothing,
    because this looks afterwards.
    """
    rows = await (await conn.execute(Q.settle, {"detectors": json.dumps(DETECTORS)})).fetchall()
    return [int(row[0]) for row in rows]


async def known(conn: Connection, device_id: int) -> Known:
    """Return what tells whether a device is in effect.

    Raises:
        HubError: There is no such device.
    """
    row = await (await conn.execute(Q.known, {"id": device_id})).fetchone()
    if row is None:
        raise HubError(f"there is no device {device_id}: see `carehub devices list`")
    state, bound_at, heard_at, own_s, pressed_at, no_button, test_until, battery, needs, has, circle, *more = row
    checks, *what = more
    deadline_s = supervision.deadline_s(*what, own=own_s)
    return Known(
        state=State(state), bound_at=bound_at, heard_at=heard_at, pressed_at=pressed_at, no_button=no_button,
        deadline=timedelta(seconds=deadline_s) if deadline_s else None, test_until=test_until, battery_pct=battery,
        needs_key=needs, has_key=has, circle=circle, checks={Check(name): passed for name, passed in checks.items()},
    )  # fmt: skip


async def history(conn: Connection, device_id: int) -> list[Line]:
    """Return what was done to a device, the last first."""
    rows = await (await conn.execute(Q.history, {"id": device_id, "limit": HISTORY})).fetchall()
    names = ("at", "action", "state", "actor", "note", "facts")
    return [Line(**dict(zip(names, row, strict=True))) for row in rows]


async def _note(
    conn: Connection, device_id: int, action: str, actor: str, *, note: str = "",
    facts: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    await device_log.note(conn, device_id, action, actor, facts, note=note[:LONGEST_NOTE])
    await conn.execute(DEVICES.changed)
