"""What a button does: reads the form, calls the desk. The only place where the console changes an incident."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from starlette.datastructures import FormData

from alerts.model import Disposition, Service
from alerts.scripts import Said
from hub import callers, desk, retries, scripts
from hub.refusals import Refused
from hub.store import access
from hub.store.pool import Connection, hub_now
from hub.web import glass
from hub.web.auth import Doorman, Seat
from hub.web.device_orders import ORDERS
from hub.web.frame import FormFaultError, number, text

HOLD_MINUTES = (5, 10, 15, 30)
HOW = ("voice", "scene")


@dataclass(frozen=True, kw_only=True)
class Doing:
    """One press of a button."""

    conn: Connection
    incident_id: int
    who: Seat
    form: FormData
    doorman: Doorman
    address: str
    state: str
    severity: int
    desk_phone: str = ""
    resident_id: int | None = None

    def nonce(self, part: str = "") -> str | None:
        """Return what makes a second press of the same button on the same page harmless; scripts need not send it."""
        given = text(self.form, "nonce", 80)
        return f"{given}{part}" if given else None


Action: TypeAlias = Callable[[Doing], Awaitable[None]]


async def take(it: Doing) -> None:
    await desk.take(it.conn, it.incident_id, it.who.person_id, nonce=it.nonce())


async def dispatch(it: Doing) -> None:
    """Send somebody, or the policy's next step; with `no_speech` what goes out says so, hence one transaction."""
    async with it.conn.transaction():
        if text(it.form, "no_speech"):
            await no_speech(it)
        await desk.dispatch(it.conn, it.incident_id, it.who.person_id, number(it.form, "person"), nonce=it.nonce())
    if text(it.form, "no_speech"):
        await retry(it)  # after the others are called: a device that cannot dial must keep nobody at home


async def no_speech(it: Doing) -> None:
    await desk.no_speech(it.conn, it.incident_id, it.who.person_id, nonce=it.nonce("-no-speech"))


async def silent(it: Doing) -> None:
    """She does not answer, and somebody is on the way already: those are told, and her device is tried."""
    await no_speech(it)
    await retry(it)


async def retry(it: Doing) -> None:
    """Have the device that called dial the desk, once more; the other tries follow by themselves."""
    await retries.first(it.conn, it.incident_id, it.desk_phone, f"person:{it.who.person_id}")


async def step(it: Doing) -> None:
    """What came of a step of the script."""
    try:
        said = Said(text(it.form, "said", 10))
    except ValueError:
        raise FormFaultError("required", "script") from None
    await scripts.tick(it.conn, it.incident_id, it.who.person_id, _needed(it.form, "step", "script"), said)


async def hold(it: Doing) -> None:
    minutes = number(it.form, "minutes")
    if minutes not in HOLD_MINUTES:
        raise FormFaultError("required", "hold_minutes")
    until = await hub_now(it.conn) + timedelta(minutes=minutes)
    reason = _needed(it.form, "reason", "hold_why")
    await desk.hold(it.conn, it.incident_id, it.who.person_id, reason, until, nonce=it.nonce())


async def release(it: Doing) -> None:
    await desk.release(it.conn, it.incident_id, it.who.person_id, nonce=it.nonce())


async def hand_over(it: Doing) -> None:
    to = _needed(it.form, "to", "closing_with")
    await desk.hand_over(it.conn, it.incident_id, it.who.person_id, to, nonce=it.nonce())


async def resolve(it: Doing) -> None:
    how = text(it.form, "how")
    if how not in HOW:
        raise FormFaultError("required", "resolve_how")
    await desk.resolve(it.conn, it.incident_id, it.who.person_id, how, nonce=it.nonce("-resolve"))


async def cancel(it: Doing) -> None:
    await desk.cancel(it.conn, it.incident_id, it.who.person_id, nonce=it.nonce())


async def call(it: Doing) -> None:
    """120, 119 or 110 is on the line."""
    try:
        service = Service(text(it.form, "service", 10))
    except ValueError:
        raise FormFaultError("required", "services") from None
    reference = text(it.form, "reference", desk.REFERENCE_LENGTH)
    await desk.call(it.conn, it.incident_id, it.who.person_id, service, reference, nonce=it.nonce(f"-{service}"))


async def make_real(it: Doing) -> None:
    await desk.make_real(it.conn, it.incident_id, it.who.person_id, nonce=it.nonce())


async def link(it: Doing) -> None:
    other = number(it.form, "other")
    if other is None:
        raise FormFaultError("required", "link_other")
    await desk.link(it.conn, it.incident_id, other, it.who.person_id)


async def identify(it: Doing) -> None:
    """Whose case this is, of those `/incidents/…/whose` found; a locked record is opened with a reason first."""
    resident = number(it.form, "resident")
    if resident is None:
        raise FormFaultError("required", "resident")
    if it.who.role not in glass.SEE_LOCKED and await access.shut_to(it.conn, it.who.person_id, [resident]):
        raise Refused("record_locked")
    await desk.identify(it.conn, it.incident_id, it.who.person_id, resident, nonce=it.nonce())


async def note(it: Doing) -> None:
    await desk.note(it.conn, it.incident_id, it.who.person_id, _needed(it.form, "text", "note"))


async def tell_device(it: Doing) -> None:
    """Two presses within seconds are one by themselves; a nonce would swallow a later press of the same button."""
    device, order = number(it.form, "device"), ORDERS.get(text(it.form, "order", 20))
    if device is None or order is None:
        raise FormFaultError("required", "devices")
    await desk.tell_device(it.conn, it.incident_id, it.who.person_id, device, order)


async def close(it: Doing) -> None:
    """Write how it ended. A case that nobody has called safe yet is called safe first."""
    try:
        disposition = Disposition(text(it.form, "disposition"))
    except ValueError:
        raise FormFaultError("required", "closing_disposition") from None
    done = _needed(it.form, "done", "closing_done")
    with_whom = _needed(it.form, "with_whom", "closing_with")
    called_back = text(it.form, "called_back") != ""
    _same_as(it, disposition)
    second = await _second_person(it)
    if it.severity == 1 and second is None and not called_back:
        raise FormFaultError("second_needed")
    if it.state != "resolved":
        await resolve(it)
    await desk.close(
        it.conn, it.incident_id, it.who.person_id, disposition=disposition, done=done, with_whom=with_whom,
        second_person_id=second, called_back=called_back, duplicate_of=_same_as(it, disposition), nonce=it.nonce(),
    )  # fmt: skip
    await callers.book(it.conn, it.incident_id, it.resident_id)


def _same_as(it: Doing, disposition: Disposition) -> int | None:
    """The case a duplicate is the same as; asked for before anything is written."""
    if disposition is not Disposition.DUPLICATE:
        return None
    other = number(it.form, "duplicate_of")
    if other is None or other == it.incident_id:
        raise FormFaultError("required", "duplicate_of")
    return other


async def _second_person(it: Doing) -> int | None:
    """Return who agrees: a colleague who gave her own password, not a name that anybody could pick."""
    login = text(it.form, "second_login", 200)
    if not login:
        return None
    password = it.form.get("second_password")
    account = await it.doorman.check(login, password if isinstance(password, str) else "", it.address)
    if account is None:
        raise FormFaultError("second_wrong")
    if account.person_id == it.who.person_id:
        raise FormFaultError("second_self")
    return account.person_id


def _needed(form: FormData, name: str, word: str) -> str:
    value = text(form, name)
    if not value:
        raise FormFaultError("required", word)
    return value


ACTIONS: dict[str, Action] = {
    "take": take, "dispatch": dispatch, "hold": hold, "release": release, "hand_over": hand_over,
    "resolve": resolve, "cancel": cancel, "note": note, "close": close, "call": call, "make_real": make_real,
    "link": link, "no_speech": silent, "tell_device": tell_device, "step": step, "retry": retry,
    "identify": identify,
}  # fmt: skip
CALLS = {f"call_{service}": service for service in Service}  # a window for each number
SHEETS = ("dispatch", "hold", "hand_over", "resolve", "close", "release", "make_real", "link", "identify", *CALLS)
