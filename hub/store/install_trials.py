"""The trials of a device under installation: how each stands, what the hub saw of it, how one is begun."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerts.nearness import distance_km
from devices.adapter import Command, Say
from devices.orders import Locate
from hub import adapters
from hub.device_life import Check, Known
from hub.device_trials import POWER_CUT
from hub.store import device_life, devices
from hub.store.console import Row, row, rows
from hub.store.device_life import Held
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("installs")
TEST_MIN = 30  # how long an installation calls nobody; it may be started again
CODES_OF, CODES_LOOKED_AT = timedelta(days=30), 500
NEAR_M = 300.0  # a fix through a window is that good, and the resident's door is known as well as that
SAYS_FOR_S = 120
PRESSES_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Press:
    """One press tried in one room. `at` is None until it arrives; `failed`: he said that it does not."""

    room: str
    began_at: datetime
    at: datetime | None = None
    failed: bool = False

    @property
    def took_s(self) -> float | None:
        return None if self.at is None else (self.at - self.began_at).total_seconds()


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial of a device. `passed` is None until it has been made; `seen` is what the hub saw of it."""

    check: Check
    passed: bool | None = None
    began_at: datetime | None = None
    note: str = ""
    by_hub: bool = False
    seen: Mapping[str, Any] = field(default_factory=dict)
    presses: tuple[Press, ...] = ()  # of SOS: room after room, the last first

    @property
    def proved(self) -> bool:
        """Whether what the hub has seen is the trial passed, whatever anybody says."""
        if self.check is Check.LOCATION:
            far = self.seen.get("distance_m")
            return far is not None and far <= NEAR_M
        return self.check is Check.POWER and "at" in self.seen

    @property
    def facts(self) -> dict[str, object]:
        """What the hub saw of it, as the device's history keeps it: how far, never where."""
        told = {name: value for name, value in self.seen.items() if value is not None}
        return {
            name: value.isoformat()
            if isinstance(value, datetime)
            else round(value)
            if isinstance(value, float)
            else value
            for name, value in told.items()
        }


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the hub is asked about one trial."""

    conn: Connection
    device: Row
    known: Known
    bound_at: datetime
    began: Row | None
    presses: tuple[Press, ...]

    @property
    def since(self) -> datetime:
        return self.began["at"] if self.began else self.bound_at


async def codes(conn: Connection, device_id: int, now: datetime) -> frozenset[str]:
    """Return what a device has told of lately."""
    found = await rows(conn, Q.codes, id=device_id, since=now - CODES_OF, limit=CODES_LOOKED_AT)
    return frozenset(r["code"] for r in found)


async def made(conn: Connection, device: Row, known: Known, checks: tuple[Check, ...]) -> tuple[Trial, ...]:
    """Return how each of these trials stands since the device was bound."""
    bound_at = known.bound_at
    if bound_at is None:
        return ()
    about = {"id": device["id"], "since": bound_at}
    begun = {r["what"]: r for r in await rows(conn, Q.begun, **about)}
    checked = {r["what"]: r for r in await rows(conn, Q.checked, **about)}
    presses = tuple(Press(**r) for r in await rows(conn, Q.presses, **about, limit=PRESSES_SHOWN))
    return tuple([
        await _trial(
            _Asked(conn=conn, device=device, known=known, bound_at=bound_at, began=begun.get(check), presses=presses),
            check, checked.get(check),
        )
        for check in checks
    ])  # fmt: skip


async def _trial(asked: _Asked, check: Check, last: Row | None) -> Trial:
    sos, passed = check is Check.SOS, asked.known.checks.get(check)
    if sos and passed is None and asked.known.pressed_at is not None:
        passed = True
    return Trial(
        check=check, passed=passed, began_at=asked.began["at"] if asked.began else None,
        note=last["note"] if last else "", by_hub=sos or bool(last and last["actor"] == "device"),
        seen=await _SEEN[check](asked), presses=asked.presses if sos else (),
    )  # fmt: skip


async def _pressed(asked: _Asked) -> dict[str, Any]:
    """The last press that was tried for; else the first since it was bound."""
    arrived = next((press for press in asked.presses if press.at is not None), None)
    if arrived is not None:
        return {"at": arrived.at, "took_s": arrived.took_s}
    press = await row(asked.conn, Q.pressed, id=asked.device["id"], since=asked.bound_at)
    return {"at": press["at"], "took_s": None} if press else {}


async def _said(asked: _Asked) -> dict[str, Any]:
    if asked.began is None or asked.began["downlink"] is None:
        return {}
    said = await row(asked.conn, Q.said, downlink=asked.began["downlink"])
    return {"said_at": said["created_at"], "heard_at": said["delivered_at"]} if said else {}


async def _placed(asked: _Asked) -> dict[str, Any]:
    place = await row(asked.conn, Q.place, id=asked.device["id"], since=asked.bound_at)
    if place is None:
        return {}
    home = (asked.device["lat"], asked.device["lon"])
    far = None if None in home else 1000.0 * float(distance_km(place["lat"], place["lon"], *home))
    return {"at": place["at"], "distance_m": far}


async def _cut(asked: _Asked) -> dict[str, Any]:
    values = {"since": asked.since, "bound_at": asked.bound_at, "cut": sorted(POWER_CUT)}
    cut = await row(asked.conn, Q.power, id=asked.device["id"], **values)
    return {"at": cut["at"], "code": cut["code"]} if cut else {}


_SEEN = {Check.SOS: _pressed, Check.VOICE: _said, Check.LOCATION: _placed, Check.POWER: _cut}


async def begin(
    conn: Connection, device: Held, actor: str, check: Check, *, words: str = "", room: str = ""
) -> None:  # fmt: skip
    """A trial begins: from now on what arrives counts, and test mode holds. Call inside a transaction.

    The device is told `words` to try its voice, and to say where it is to try that, where it takes such an order; a
    press is tried in a `room`.
    """
    facts: dict[str, object] = {"check": check}
    if check is Check.SOS:
        facts["room"] = room
    elif check is Check.VOICE:
        facts["downlink"] = await _tell(conn, device, Command(device=device.address, say=Say.MESSAGE, text=words))
    elif check is Check.LOCATION:
        facts["downlink"] = await _tell(conn, device, Command(device=device.address, order=Locate()))
    await devices.test(conn, device.id, TEST_MIN)
    await device_life.note(conn, device.id, "try", actor, facts=facts)


async def language(conn: Connection, device_id: int) -> str:
    """Return what the one who wears a device speaks."""
    found = await row(conn, Q.device, id=device_id)
    return str(found["language"]) if found else "zh-CN"


async def _tell(conn: Connection, device: Held, command: Command) -> int | None:
    adapter = adapters.of(device.address)
    downlink = None if adapter is None else adapter.encode(command)
    if downlink is None:
        return None
    values = {"topic": downlink.topic, "payload": downlink.payload, "retain": False, "id": device.id}
    told = await row(conn, Q.say, **values, lasts_s=SAYS_FOR_S)
    return int(told["id"]) if told else None
