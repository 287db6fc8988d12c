"""What a button of the installer's page does: reads the form, takes the step. Only here is a device changed."""

import base64
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import segno
from starlette.datastructures import FormData

from hub.device_life import Action, Check, RefusedError, State
from hub.store import contacts, device_life, devices, install_find, install_trials, installs, telephony
from hub.store.device_life import Held
from hub.store.installs import By, Install
from hub.store.pool import Connection
from hub.telephony.telephone import dialable
from hub.web import install_view, words
from hub.web.auth import Seat
from hub.web.frame import FormFaultError, number, text

LONGEST_MODEL, LONGEST_ROOM, LONGEST_SIM = 60, 60, 40
UNDER_WAY = (State.BOUND, State.TESTED)


@dataclass(frozen=True, kw_only=True)
class Doing:
    """One press of a button, the device held until it is done."""

    conn: Connection
    device: Held
    who: Seat
    by: By
    form: FormData

    @property
    def actor(self) -> str:
        return self.by.actor

    async def look(self) -> Install:
        it = await installs.look(self.conn, self.device.id, self.by)
        assert it is not None
        return it

    @property
    def resident(self) -> int:
        """Whose it is. Raises FormFaultError where it is being installed for nobody."""
        if self.device.state not in UNDER_WAY or self.device.resident_id is None:
            raise FormFaultError("install.refused")
        return self.device.resident_id


Act: TypeAlias = Callable[[Doing], Awaitable[str]]  # returns where the page goes on, below the device


def actor_of(who: Seat) -> str:
    """Return as whom somebody stands in a device's history."""
    return f"person:{who.person_id}"


async def _claim(doing: Doing) -> str:
    if doing.device.state in (State.SEEN, State.RETIRED):  # said twice, it is said once
        await device_life.claim(doing.conn, doing.device, doing.actor, model=text(doing.form, "model", LONGEST_MODEL))
        await doing.conn.execute(devices.Q.changed)
    return ""


async def _give(doing: Doing) -> str:
    whose = number(doing.form, "resident")
    if whose is None or await install_find.resident(doing.conn, whose, doing.by.area, doing.by.areas) is None:
        raise FormFaultError("install.resident_missing")
    given = installs.Given(
        resident_id=whose, room=text(doing.form, "room", LONGEST_ROOM),
        no_button=text(doing.form, "button", 5) == "no", plugged=text(doing.form, "plugged", 5) == "yes",
    )  # fmt: skip
    await installs.give(doing.conn, doing.device, doing.actor, given)
    return ""


async def _try(doing: Doing) -> str:
    check = _check_of(doing.form)
    if doing.device.state not in UNDER_WAY:
        raise RefusedError(Action.CHECK, doing.device.state)
    said = ""
    if check is Check.VOICE:
        said = words.speaker(await install_trials.language(doing.conn, doing.device.id))("install.say")
    room = text(doing.form, "room", LONGEST_ROOM) or doing.device.room
    await install_trials.begin(doing.conn, doing.device, doing.actor, check, words=said, room=room)
    return f"#{check}"


async def _check(doing: Doing) -> str:
    """What he saw or heard; what the hub saw of it stands beside it."""
    check, outcome = _check_of(doing.form), text(doing.form, "outcome", 10)
    if outcome not in ("ok", "failed") or (check is Check.SOS and outcome == "ok"):
        raise FormFaultError("install.refused")
    it = await doing.look()
    await device_life.check(
        doing.conn, doing.device, doing.actor, check, passed=outcome == "ok",
        note=text(doing.form, "note", device_life.LONGEST_NOTE),
        facts=next((trial.facts for trial in it.trials if trial.check is check), {}),
    )  # fmt: skip
    return f"#{check}"


async def _test(doing: Doing) -> str:
    """Test mode once more: back to the trials, or they take longer."""
    if doing.device.state in UNDER_WAY:
        await devices.test(doing.conn, doing.device.id, install_trials.TEST_MIN)
        await device_life.note(doing.conn, doing.device.id, "test", doing.actor)
    return ""


async def _leave(doing: Doing) -> str:
    if doing.device.state in UNDER_WAY:
        it = await doing.look()
        held = await device_life.hold(doing.conn, doing.device.address)  # its press may have come this moment
        await installs.leave(doing.conn, held, doing.actor, it)
    return "/end"


async def _consent(doing: Doing) -> str:
    """What was said after the text was read aloud; a no is written down like a yes, and the last word counts."""
    said_by, given = text(doing.form, "said_by", 20), text(doing.form, "given", 5)
    if given not in ("yes", "no"):
        raise FormFaultError("install.refused")
    if said_by not in contacts.SAID_BY or (given == "yes" and text(doing.form, "read", 5) != "yes"):
        raise FormFaultError("install.consent_missing")
    number = await contacts.consented(
        doing.conn, doing.resident, given=given == "yes", said_by=said_by, read_by=doing.who.person_id,
        language=words.pick(doing.who.language), family_health=text(doing.form, "family_health", 5) == "yes",
    )  # fmt: skip
    await device_life.note(
        doing.conn, doing.device.id, "consent", doing.actor, facts={"consent": number, "given": given == "yes"}
    )
    return "#consent"


async def _ask(doing: Doing) -> str:
    return await _contact(doing, "ask", contacts.ask)


async def _vouch(doing: Doing) -> str:
    return await _contact(doing, "vouch", contacts.vouch)


async def _contact(doing: Doing, action: str, done: Callable[..., Awaitable[bool]]) -> str:
    person = number(doing.form, "person")
    if person is not None and await done(doing.conn, doing.resident, person, doing.actor):
        await device_life.note(doing.conn, doing.device.id, action, doing.actor, facts={"person": person})
    return "#contacts"


async def _sim(doing: Doing) -> str:
    """The number that the device is called by, and calls with; empty for none."""
    said = text(doing.form, "sim", LONGEST_SIM)
    if said and dialable(said) is None:
        raise FormFaultError("install.sim_none")
    await doing.conn.execute(telephony.Q.set_sim, {"device": doing.device.id, "number": said})
    await device_life.note(doing.conn, doing.device.id, "sim", doing.actor, facts={"there": bool(said)})
    return "#sim"


ACTS: dict[str, Act] = {
    "claim": _claim, "bind": _give, "try": _try, "check": _check, "test": _test, "leave": _leave,
    "consent": _consent, "ask": _ask, "vouch": _vouch, "sim": _sim,
}  # fmt: skip


async def key(doing: Doing) -> dict[str, Any]:
    """Return a new key, shown this once; the old one stops working at once."""
    scheme, _, native = doing.device.address.partition(":")
    if scheme != "carehub" or doing.device.state not in UNDER_WAY:
        raise FormFaultError("install.refused")
    prefix = f"carehub/{native}/"
    issued = await devices.issue_credential(doing.conn, native, "device", prefix, device_id=doing.device.id)
    await device_life.note_credential(doing.conn, doing.device.id, doing.actor)
    return {"key": issued, "device": doing.device, "code": _picture(install_view.key_text(issued))}


def _check_of(form: FormData) -> Check:
    try:
        return Check(text(form, "check", 20))
    except ValueError:
        raise FormFaultError("install.refused") from None


def _picture(content: str) -> str:
    """Return a QR code as an address that is its own content: the key lies nowhere else."""
    out = io.BytesIO()
    segno.make(content, error="m", micro=False).save(out, kind="png", scale=6, border=4)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
