"""What an installer's page reads, and what the hub itself writes down of a trial: who saw what, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.nearness import distance_km
from devices.adapter import Command, Say
from devices.orders import Locate
from hub import adapters, device_trials
from hub.device_life import Check, Effect, Known, State, effect
from hub.device_trials import POWER_CUT, Tried, trials
from hub.errors import HubError
from hub.store import device_life, devices
from hub.store.console import Row, row, rows
from hub.store.device_life import Held
from hub.store.pool import Connection, hub_now
from hub.store.sql import queries

Q = queries("installs")
TEST_MIN = 30  # how long an installation calls nobody; it may be started again
SHIFT_HOURS = 12  # what somebody did in this shift is his to go on with
LOOKED_AT, CANDIDATES = 300, 12
FOUND = 8
SHORTEST = 4  # letters of the end of a number
SHORTEST_NAME = 1
HEARD_WITHIN = timedelta(days=1)
CODES_OF, CODES_LOOKED_AT = timedelta(days=30), 500
NEAR_M = 300.0  # a fix through a window is that good, and the resident's door is known as well as that
SAYS_FOR_S = 120


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial of a device. `passed` is None until it has been made; `seen` is what the hub saw of it."""

    check: Check
    passed: bool | None = None
    began_at: datetime | None = None
    note: str = ""
    by_hub: bool = False
    seen: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Install:
    """A device under installation, as of `now`."""

    device: Row
    known: Known
    trials: tuple[Trial, ...]
    codes: frozenset[str]
    now: datetime

    @property
    def state(self) -> State:
        return self.known.state

    @property
    def testing(self) -> bool:
        return self.known.test_until is not None and self.known.test_until > self.now

    @property
    def tried(self) -> Tried:
        """What the guesses about it stand on."""
        return Tried(address=self.device["address"], codes=self.codes)

    def effect(self) -> Effect:
        return effect(self.known, self.now)

    def rest(self) -> Effect:
        """Whether it would be in effect if the installer left now, and test mode ended with him."""
        state = State.LIVE if self.state is State.TESTED else self.state
        return effect(replace(self.known, state=state, test_until=None), self.now)


@dataclass(frozen=True, kw_only=True)
class Given:
    """Whose a device becomes, and what is there to try."""

    resident_id: int
    room: str
    no_button: bool
    plugged: bool


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Who acts, for which area, on a page made when the device's history ended with `mark`."""

    actor: str
    area: str
    mark: int


class StrangeAddressError(HubError):
    """No grammar of ours speaks to such an address."""


class ElsewhereError(HubError):
    """It is in use: whoever holds it must ask the office. `area` is all that is said of whose it is."""

    def __init__(self, area: str) -> None:
        super().__init__("the device is in use elsewhere")
        self.area = area


class OvertakenError(HubError):
    """Somebody else was at it since the page was made."""

    def __init__(self, name: str, action: str, at: datetime) -> None:
        super().__init__("somebody else changed this device meanwhile")
        self.name, self.action, self.at = name, action, at


async def area_of(conn: Connection, person_id: int) -> str:
    """Return whose residents somebody installs for; empty: everybody's."""
    found = await row(conn, Q.area, person=person_id)
    return str(found["area"]) if found else ""


async def candidates(conn: Connection) -> list[Row]:
    """Return devices nobody has claimed, the last heard first: id, address, model, pressed_at, heard_at."""
    since = await hub_now(conn) - HEARD_WITHIN
    return await rows(conn, Q.candidates, since=since, looked_at=LOOKED_AT, limit=CANDIDATES)


async def find(conn: Connection, word: str) -> list[Row]:
    """Return the devices meant by an address, IMEI, devEUI or serial number: id, address, model, state."""
    return await rows(conn, Q.find, word=word, shortest=SHORTEST, limit=FOUND)


async def residents(conn: Connection, word: str, area: str) -> list[Row]:
    """Return whom a name, an address or a number may mean: id, name, area, address."""
    number = int(word) if word.isdecimal() and len(word) <= device_life.LONGEST_NUMBER else None
    if len(word) < SHORTEST_NAME:
        return []
    return await rows(conn, Q.residents, word=word, number=number, area=area, limit=FOUND)


async def resident(conn: Connection, resident_id: int, area: str) -> Row | None:
    """Return a resident whom somebody of this area may install for."""
    return await row(conn, Q.resident, resident=resident_id, area=area)


async def last_given(conn: Connection, actor: str, area: str) -> Row | None:
    """Return the resident to whom he gave a device last in this shift."""
    found = await row(conn, Q.last_given, actor=actor, hours=SHIFT_HOURS)
    return await resident(conn, found["resident"], area) if found else None


async def mine(conn: Connection, actor: str) -> list[Row]:
    """Return what he was at in this shift, the last first."""
    return await rows(conn, Q.mine, actor=actor, hours=SHIFT_HOURS, limit=CANDIDATES)


async def look(conn: Connection, device_id: int, actor: str, area: str) -> Install | None:
    """Return a device as an installer may see it, after what the hub has seen of it was written down; None: none.

    Raises:
        ElsewhereError: It is in use, and not by his doing of this shift.
    """
    await device_life.settle(conn)
    found = await row(conn, Q.device, id=device_id)
    if found is None:
        return None
    now = await hub_now(conn)
    _allow(found, actor, area, now)
    it = await _install(conn, found, now)
    if await _witness(conn, it):
        it = await _install(conn, found, now)
    return it


def _allow(device: Row, actor: str, area: str, now: datetime) -> None:
    if device["resident_id"] is None:
        return
    given_at = device["given_at"]
    his = device["bound_by"] == actor and given_at is not None and now - given_at < timedelta(hours=SHIFT_HOURS)
    strange = device["canary"] or (area != "" and device["area"] != area)
    if strange or (device["state"] == State.LIVE and not his):
        raise ElsewhereError("" if device["canary"] else device["area"])


async def hold(conn: Connection, device_id: int, by: Seen) -> Held:
    """Return the device, held until commit, if nobody else has changed it since the page was made.

    Raises:
        ElsewhereError: It is in use elsewhere.
        OvertakenError: Somebody else was at it.
        HubError: There is none.
    """
    found = await row(conn, Q.device, id=device_id)
    if found is None:
        raise HubError(f"there is no device {device_id}")
    held = await device_life.hold(conn, found["address"])
    found = await row(conn, Q.device, id=device_id)
    assert found is not None
    _allow(found, by.actor, by.area, await hub_now(conn))
    other = await row(conn, Q.others, id=device_id, mark=by.mark, actor=by.actor)
    if other is not None:
        raise OvertakenError(other["name"], other["action"], other["at"])
    return held


async def _install(conn: Connection, device: Row, now: datetime) -> Install:
    known = await device_life.known(conn, device["id"])
    since = now - CODES_OF
    codes = frozenset(r["code"] for r in await rows(conn, Q.codes, id=device["id"], since=since, limit=CODES_LOOKED_AT))
    it = Install(device=device, known=known, trials=(), codes=codes, now=now)
    if known.bound_at is None:
        return it
    applies = trials(replace(it.tried, no_button=known.no_button, plugged=device["plugged"]))
    about = {"id": device["id"], "since": known.bound_at}
    begun = {r["what"]: r for r in await rows(conn, Q.begun, **about)}
    checked = {r["what"]: r for r in await rows(conn, Q.checked, **about)}
    made = [await _trial(conn, it, check, begun.get(check), checked.get(check)) for check in applies]
    return replace(it, trials=tuple(made), known=replace(known, wanted=frozenset(applies)))


async def _trial(conn: Connection, it: Install, check: Check, began: Row | None, last: Row | None) -> Trial:
    passed = it.known.checks.get(check)
    if check is Check.SOS and passed is None and it.known.pressed_at is not None:
        passed = True
    return Trial(
        check=check, passed=passed, began_at=began["at"] if began else None, note=last["note"] if last else "",
        by_hub=check is Check.SOS or bool(last and last["actor"] == "device"), seen=await _seen(conn, it, check, began),
    )  # fmt: skip


async def _seen(conn: Connection, it: Install, check: Check, began: Row | None) -> dict[str, Any]:
    """Return what the hub knows of one trial by itself."""
    bound_at = it.known.bound_at
    about: dict[str, Any] = {"id": it.device["id"], "since": began["at"] if began else bound_at}
    if check is Check.SOS:
        return await _pressed(conn, it, began)
    if check is Check.VOICE:
        said = await row(conn, Q.said, downlink=began["downlink"]) if began and began["downlink"] else None
        return {"said_at": said["created_at"], "heard_at": said["delivered_at"]} if said else {}
    if check is Check.LOCATION:
        place = await row(conn, Q.place, **{**about, "since": bound_at})
        return _place(place, it.device, it.now) if place else {}
    cut = await row(conn, Q.power, **about, cut=sorted(POWER_CUT), bound_at=bound_at)
    return {"at": cut["at"], "code": cut["code"]} if cut else {}


async def _pressed(conn: Connection, it: Install, began: Row | None) -> dict[str, Any]:
    """The first press since the trial began, or since it was bound; and how long it took."""
    about = {"id": it.device["id"]}
    press = await row(conn, Q.pressed, **about, since=began["at"]) if began else None
    took_s = (press["at"] - began["at"]).total_seconds() if press and began else None
    press = press or await row(conn, Q.pressed, **about, since=it.known.bound_at)
    return {"at": press["at"], "took_s": took_s} if press else {}


def _place(place: Row, device: Row, now: datetime) -> dict[str, Any]:
    far = None
    if device["lat"] is not None and device["lon"] is not None:
        far = 1000.0 * float(distance_km(place["lat"], place["lon"], device["lat"], device["lon"]))
    return {"at": place["at"], "age_s": max(0, int((now - place["at"]).total_seconds())), "distance_m": far}


def facts_of(trial: Trial) -> dict[str, object]:
    """Return what the hub saw of a trial as its history keeps it: how far, never where."""
    told = {name: value for name, value in trial.seen.items() if name != "age_s" and value is not None}
    return {
        name: value.isoformat() if isinstance(value, datetime) else round(value) if isinstance(value, float) else value
        for name, value in told.items()
    }


def proves(trial: Trial) -> bool:
    """Whether what the hub has seen is the trial passed, whatever anybody says."""
    if trial.check is Check.LOCATION:
        far = trial.seen.get("distance_m")
        return far is not None and far <= NEAR_M
    return trial.check is Check.POWER and "at" in trial.seen


async def _witness(conn: Connection, it: Install) -> bool:
    """Write down, once, what the hub has seen of trials that nobody has spoken about. True when it wrote."""
    proved = [trial for trial in it.trials if trial.passed is None and proves(trial)]
    if not proved or it.state not in (State.BOUND, State.TESTED):
        return False
    async with conn.transaction():
        if await row(conn, Q.hold_quietly, id=it.device["id"]) is None:
            return False
        held = await device_life.hold(conn, it.device["address"])
        known = await device_life.known(conn, held.id)
        fresh = [trial for trial in proved if trial.check not in known.checks]
        for trial in fresh if known.bound_at == it.known.bound_at else ():
            await device_life.check(conn, held, "device", trial.check, passed=True, facts=facts_of(trial))
    return True


async def begin(conn: Connection, device: Held, actor: str, check: Check, *, words: str = "") -> None:
    """A trial begins: from now on what arrives counts, and test mode holds. Call inside a transaction.

    The device is told `words` to try its voice, and to say where it is to try that, where it takes such an order.
    """
    facts: dict[str, object] = {"check": check}
    if check is Check.VOICE:
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


async def give(conn: Connection, device: Held, actor: str, given: Given) -> None:
    """Bind it, and begin test mode: what is pressed from now on is for the operators only. Inside a transaction."""
    await device_life.bind(
        conn, device, actor, resident_id=given.resident_id, room=given.room, no_button=given.no_button,
        facts={"plugged": given.plugged},
    )  # fmt: skip
    await devices.test(conn, device.id, TEST_MIN)


async def leave(conn: Connection, device: Held, actor: str, wanted: frozenset[Check]) -> Effect:
    """The installer leaves: test mode ends, and it is live if nothing stands against it. Call inside a transaction."""
    await devices.test(conn, device.id, 0)
    now = await hub_now(conn)
    known = replace(await device_life.known(conn, device.id), wanted=wanted)
    would = effect(replace(known, state=State.LIVE if known.state is State.TESTED else known.state), now)
    if known.state is State.TESTED and would.in_effect:
        await device_life.live(conn, device, actor, now, wanted)
    else:
        told = effect(known, now)
        against = [f"{reason}:{what}" if what else str(reason) for reason, what in told.reasons]
        await device_life.note(conn, device.id, "left", actor, facts={"against": against})
        return told
    return effect(replace(known, state=State.LIVE), now)


async def enrol(conn: Connection, address: str, model: str, actor: str) -> int:
    """Make a device known that has not spoken yet, as its label names it; returns its number.

    Raises:
        StrangeAddressError: No grammar of ours speaks to such an address.
    """
    found = await row(conn, Q.by_address, address=address)
    if found is not None:
        return int(found["id"])
    scheme, colon, native = address.partition(":")
    if not colon or not native or adapters.of(address) is None or set(native) & set("+#\0\n"):
        raise StrangeAddressError(f"{scheme} names no kind of device we know")
    number = await devices.register(conn, address, model=model)
    await device_life.note_registered(conn, number, actor)
    return number


def guesses(it: Install) -> tuple[bool, bool]:
    """Return whether it has a button and a plug, as it was said, or as it seems: where the questions start from."""
    button, plug = device_trials.has_button(it.tried), device_trials.has_plug(it.tried)
    if it.state not in (State.BOUND, State.TESTED, State.LIVE):
        return button, plug
    return not it.known.no_button, plug if it.device["plugged"] is None else bool(it.device["plugged"])
