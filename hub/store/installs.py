"""A device under installation: who may see it, how far it is, what stands against it; given away, and left."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub import device_trials
from hub.device_life import Effect, Known, State, effect
from hub.device_trials import Tried
from hub.errors import HubError
from hub.store import contacts, device_life, devices, install_trials
from hub.store.console import Row, row
from hub.store.contacts import Consent, Contact
from hub.store.device_life import Held
from hub.store.install_find import SHIFT_HOURS
from hub.store.install_trials import TEST_MIN, Trial
from hub.store.pool import Connection, hub_now
from hub.store.sql import queries

Q = queries("installs")


@dataclass(frozen=True, kw_only=True)
class By:
    """Who installs, for whose residents (empty: everybody's), and how many contacts must have confirmed."""

    actor: str
    area: str
    areas: frozenset[str] | None = None  # that his organisation serves; None: he is the centre's
    contacts_min: int = 0


@dataclass(frozen=True, kw_only=True)
class Install:
    """A device under installation, as of `now`."""

    device: Row
    known: Known
    now: datetime
    codes: frozenset[str] = frozenset()
    trials: tuple[Trial, ...] = ()
    consent: Consent | None = None  # the last word of hers, or of whoever speaks for her
    contacts: tuple[Contact, ...] = ()
    signed: Row | None = None  # name, at: who finished it last

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

    def guesses(self) -> tuple[bool, bool]:
        """Return whether it has a button and a plug, as it was said, or as it seems: where the questions start from."""
        button, plug = device_trials.has_button(self.tried), device_trials.has_plug(self.tried)
        if self.state not in (State.BOUND, State.TESTED, State.LIVE):
            return button, plug
        return not self.known.no_button, plug if self.device["plugged"] is None else bool(self.device["plugged"])


@dataclass(frozen=True, kw_only=True)
class Given:
    """Whose a device becomes, and what is there to try."""

    resident_id: int
    room: str
    no_button: bool
    plugged: bool


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


async def look(conn: Connection, device_id: int, by: By, *, in_use: bool = False) -> Install | None:
    """Return a device as an installer may see it, after what the hub has seen of it was written down; None: none.

    Args:
        conn: a connection.
        device_id: the device.
        by: who looks.
        in_use: also one that is in use, by whomever it was put in: for whoever reads and puts in nothing.

    Raises:
        ElsewhereError: It is in use, and not by his doing of this shift.
    """
    await device_life.settle(conn)
    found = await row(conn, Q.device, id=device_id)
    if found is None:
        return None
    now = await hub_now(conn)
    if not in_use:
        _allow(found, by, now)
    it = await _install(conn, found, now, by)
    return await _install(conn, found, now, by) if await _witness(conn, it) else it


def _allow(device: Row, by: By, now: datetime) -> None:
    if device["resident_id"] is None:
        return
    given_at = device["given_at"]
    his = device["bound_by"] == by.actor and given_at is not None and now - given_at < timedelta(hours=SHIFT_HOURS)
    strange = device["canary"] or (by.area != "" and device["area"] != by.area)
    strange |= by.areas is not None and device["area"] not in by.areas
    if strange or (device["state"] == State.LIVE and not his):
        raise ElsewhereError("" if device["canary"] else device["area"])


async def hold(conn: Connection, device_id: int, by: By, mark: int) -> Held:
    """Return the device, held until commit, if nobody else has changed it since its history ended with `mark`.

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
    _allow(found, by, await hub_now(conn))
    other = await row(conn, Q.others, id=device_id, mark=mark, actor=by.actor)
    if other is not None:
        raise OvertakenError(other["name"], other["action"], other["at"])
    return held


async def _install(conn: Connection, device: Row, now: datetime, by: By) -> Install:
    known = await device_life.known(conn, device["id"])
    it = Install(device=device, known=known, now=now, codes=await install_trials.codes(conn, device["id"], now))
    if known.bound_at is None or device["resident_id"] is None:
        return it
    checks = device_trials.trials(replace(it.tried, no_button=known.no_button, plugged=device["plugged"]))
    made = await install_trials.made(conn, device, known, checks)
    consent = await contacts.consent(conn, device["resident_id"])
    people = await contacts.of(conn, device["resident_id"])
    back = known.state is State.LIVE and consent is not None and not consent.given
    known = replace(
        known, wanted=frozenset(checks), unheard=_unheard(made), consented=back or bool(consent and consent.given),
        consent_back=back, confirmed=sum(one.confirmed is True for one in people), contacts_min=by.contacts_min,
    )  # fmt: skip
    signed = await row(conn, Q.signed, id=device["id"], since=known.bound_at)
    return replace(it, known=known, trials=made, consent=consent, contacts=people, signed=signed)


def _unheard(made: tuple[Trial, ...]) -> tuple[str, ...]:
    """Return the rooms where, the last time it was tried there, the press did not arrive by his word."""
    last = {press.room: press for trial in made for press in reversed(trial.presses)}
    return tuple(sorted(room for room, press in last.items() if room and press.failed and press.at is None))


async def _witness(conn: Connection, it: Install) -> bool:
    """Write down, once, what the hub has seen of trials that nobody has spoken about. True when it wrote."""
    proved = [trial for trial in it.trials if trial.passed is None and trial.proved]
    if not proved or it.state not in (State.BOUND, State.TESTED):
        return False
    async with conn.transaction():
        if await row(conn, Q.hold_quietly, id=it.device["id"]) is None:
            return False
        held = await device_life.hold(conn, it.device["address"])
        known = await device_life.known(conn, held.id)
        fresh = [trial for trial in proved if trial.check not in known.checks]
        for trial in fresh if known.bound_at == it.known.bound_at else ():
            await device_life.check(conn, held, "device", trial.check, passed=True, facts=trial.facts)
    return True


async def give(conn: Connection, device: Held, actor: str, given: Given) -> None:
    """Bind it, and begin test mode: what is pressed from now on is for the operators only. Inside a transaction."""
    await device_life.bind(
        conn, device, actor, resident_id=given.resident_id, room=given.room, no_button=given.no_button,
        facts={"plugged": given.plugged},
    )  # fmt: skip
    await devices.test(conn, device.id, TEST_MIN)


async def leave(conn: Connection, device: Held, actor: str, before: Install) -> Effect:
    """The installer signs and leaves: test mode ends, and it is live if nothing stands against it. In a transaction.

    `before` is how it stood a moment ago; his line of the history says what he signed.
    """
    await devices.test(conn, device.id, 0)
    now, seen = await hub_now(conn), before.known
    known = replace(
        await device_life.known(conn, device.id), wanted=seen.wanted, unheard=seen.unheard, consented=seen.consented,
        confirmed=seen.confirmed, contacts_min=seen.contacts_min,
    )  # fmt: skip
    alive = replace(known, state=State.LIVE)
    signed: dict[str, object] = {
        "doubts": [str(doubt) for doubt in effect(alive, now).doubts], "confirmed": seen.confirmed,
        "consent": before.consent.id if before.consent else None,
    }  # fmt: skip
    if known.state is State.TESTED and effect(alive, now).in_effect:
        await device_life.live(conn, device, actor, now, seen.wanted, facts=signed)
        return effect(alive, now)
    told = effect(known, now)
    against = [f"{reason}:{what}" if what else str(reason) for reason, what in told.reasons]
    await device_life.note(conn, device.id, "left", actor, facts={"against": against, **signed})
    return told
