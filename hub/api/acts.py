"""What a program does to a case: the same functions of hub.desk as the console's buttons, nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Header, Request, Response, Security
from pydantic import Field, StringConstraints

from alerts.model import Disposition, Service
from hub import desk
from hub.api.caller import Caller, caller
from hub.api.cases import IncidentId, incident, tag
from hub.api.models import Asked, Incident, Line, Words
from hub.api.once import Once
from hub.api.paging import Id
from hub.api.problems import Fault, ProblemError
from hub.refusals import Refused
from hub.store import access
from hub.store import api as store
from hub.store.pool import Connection, hub_now
from hub.web.actions import HOLD_MINUTES
from hub.web.device_orders import ORDERS

router = APIRouter(tags=["incidents"], route_class=Once)
Acts = Annotated[Caller, Security(caller, scopes=["incidents:act"])]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=70, pattern=r"^[!-~]+$",
        description="of your own making, one an act: the same again changes nothing and is answered again",
    ),
]  # fmt: skip
Match = Annotated[
    str | None,
    Header(alias="If-Match", pattern=r'^"[0-9]{1,18}"$', description="the ETag the act is based on; left out: any"),
]


class Nothing(Asked):
    """An act that needs no words."""


class Dispatch(Asked):
    person_id: Id | None = Field(None, description="left out: whom the policy's next step names")
    no_speech: bool = Field(False, description="she was called back and did not answer")


class Words_(Asked):  # noqa: N801 - Words is the field's own type
    text: Words


class Call(Asked):
    service: Service
    reference: Annotated[str, StringConstraints(max_length=desk.REFERENCE_LENGTH)] = ""


class Link(Asked):
    other: Id


class Identify(Asked):
    resident_id: Id


class Hold(Asked):
    minutes: Literal[5, 10, 15, 30]
    reason: Line


class HandOver(Asked):
    to: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Resolve(Asked):
    how: Literal["voice", "scene"]


class Close(Asked):
    """Severity 1 needs `called_back`, or a colleague's login and password."""

    disposition: Disposition
    done: Words
    with_whom: Line
    called_back: bool = False
    duplicate_of: Id | None = None
    second_login: Annotated[str, StringConstraints(max_length=200)] = ""
    second_password: Annotated[str, StringConstraints(max_length=1000)] = ""


class TellDevice(Asked):
    device_id: Id
    order: Annotated[str, Field(json_schema_extra={"enum": sorted(ORDERS)})]


@dataclass(frozen=True, kw_only=True)
class Doing:
    """One request: on which case, as whom, under which key."""

    conn: Connection
    incident_id: int
    who: Caller
    key: str
    address: str
    said: Any

    @property
    def base(self) -> tuple[Connection, int, int]:
        return self.conn, self.incident_id, self.who.person_id


assert HOLD_MINUTES == (5, 10, 15, 30)  # what `Hold` declares


async def _take(it: Doing) -> None:
    await desk.take(*it.base, nonce=it.key)


async def _release(it: Doing) -> None:
    await desk.release(*it.base, nonce=it.key)


async def _dispatch(it: Doing) -> None:
    async with it.conn.transaction():
        if it.said.no_speech:
            await desk.no_speech(*it.base, nonce=f"{it.key}-no-speech")
        await desk.dispatch(*it.base, it.said.person_id, nonce=it.key)


async def _no_speech(it: Doing) -> None:
    await desk.no_speech(*it.base, nonce=it.key)


async def _note(it: Doing) -> None:
    await desk.note(*it.base, it.said.text, nonce=it.key)


async def _call(it: Doing) -> None:
    await desk.call(*it.base, it.said.service, it.said.reference, nonce=it.key)


async def _link(it: Doing) -> None:
    await incident(it.conn, it.who, it.said.other)
    await desk.link(it.conn, it.incident_id, it.said.other, it.who.person_id)


async def _identify(it: Doing) -> None:
    if it.who.role != "supervisor" and await access.shut_to(it.conn, it.who.person_id, [it.said.resident_id]):
        raise Refused("record_locked")
    await desk.identify(*it.base, it.said.resident_id, nonce=it.key)


async def _hold(it: Doing) -> None:
    until = await hub_now(it.conn) + timedelta(minutes=it.said.minutes)
    await desk.hold(*it.base, it.said.reason, until, nonce=it.key)


async def _hand_over(it: Doing) -> None:
    await desk.hand_over(*it.base, it.said.to, nonce=it.key)


async def _resolve(it: Doing) -> None:
    await desk.resolve(*it.base, it.said.how, nonce=it.key)


async def _cancel(it: Doing) -> None:
    await desk.cancel(*it.base, nonce=it.key)


async def _make_real(it: Doing) -> None:
    await desk.make_real(*it.base, nonce=it.key)


async def _tell_device(it: Doing) -> None:
    order = ORDERS.get(it.said.order)
    if order is None:
        raise _fault("body/order", f"one of {', '.join(sorted(ORDERS))}")
    await desk.tell_device(*it.base, it.said.device_id, order)


async def _close(it: Doing) -> None:
    said: Close = it.said
    same_as = said.duplicate_of if said.disposition is Disposition.DUPLICATE else None
    if same_as is not None:
        await incident(it.conn, it.who, same_as)
    await desk.close(
        *it.base, disposition=said.disposition, done=said.done, with_whom=said.with_whom,
        second_person_id=await _second(it), called_back=said.called_back, duplicate_of=same_as, nonce=it.key,
    )  # fmt: skip


async def _second(it: Doing) -> int | None:
    """Return the colleague who agrees: with her own password, as at the console."""
    if not it.said.second_login:
        return None
    doorman = it.who.parts.doorman
    account = await doorman.check(it.said.second_login, it.said.second_password, it.address)
    if account is None or account.person_id == it.who.person_id:
        raise _fault("body/second_login", "nobody else with this password")
    return account.person_id


Act: TypeAlias = Callable[[Doing], Awaitable[None]]
ACTS: tuple[tuple[str, type[Asked], Act, str], ...] = (
    ("take", Nothing, _take, "An operator has it now"),
    ("release", Nothing, _release, "Back into the queue; escalation goes on"),
    ("dispatch", Dispatch, _dispatch, "Send somebody, or whom the policy's next step names"),
    ("no_speech", Nothing, _no_speech, "She was called back and did not answer"),
    ("note", Words_, _note, "Write something down"),
    ("call", Call, _call, "120, 119 or 110 is on the line"),
    ("link", Link, _link, "Two cases belong together"),
    ("identify", Identify, _identify, "Whose case it is, where nobody knew"),
    ("hold", Hold, _hold, "Put it aside for a reason and a time"),
    ("hand_over", HandOver, _hand_over, "Somebody named, or a 120 number, is with her"),
    ("resolve", Resolve, _resolve, "The danger is over, as somebody heard or saw"),
    ("close", Close, _close, "How it ended, what was done, who is with her"),
    ("cancel", Nothing, _cancel, "It was nothing, while the countdown ran"),
    ("make_real", Nothing, _make_real, "A test that is none"),
    ("tell_device", TellDevice, _tell_device, "Have a device of hers do something"),
)


async def _based_on(conn: Connection, it: Doing, verb: str, match: str | None) -> None:
    """Hold the case as the caller knew it; a repeat is answered whatever has changed since, also by itself."""
    if match is None:
        return
    about = {"incident": it.incident_id, "person": it.who.person_id, "nonce": it.key, "verb": verb}
    if (found := await store.row(conn, store.Q.answered, **about)) and found["there"]:
        return
    held = await store.row(conn, store.Q.hold_version, incident=it.incident_id)
    if held is None or f'"{held["version"]}"' != match:
        raise ProblemError(412, "changed", "read the case again: somebody has acted on it since")


def _fault(where: str, what: str) -> ProblemError:
    return ProblemError(422, "invalid", faults=[Fault(where=where, what=what)])


def _offer(verb: str, body: type[Asked], act: Act, summary: str) -> None:
    """Make an act an endpoint."""

    async def endpoint(
        *, request: Request, incident_id: IncidentId, who: Acts, key: Key, match: Match = None, said: Any,
        answer: Response,
    ) -> Incident:  # fmt: skip
        async with who.connection() as conn:
            await incident(conn, who, incident_id)
            it = Doing(
                conn=conn, incident_id=incident_id, who=who, key=f"api:{key}", said=said,
                address=request.client.host if request.client else "",
            )  # fmt: skip
            async with conn.transaction():
                await _based_on(conn, it, verb, match)
                await act(it)
            after = await incident(conn, who, incident_id)
        answer.headers["ETag"] = tag(after)
        return after

    endpoint.__annotations__["said"] = body if body is not Nothing else Nothing | None
    if body is Nothing:
        assert endpoint.__kwdefaults__ is not None
        endpoint.__kwdefaults__["said"] = None
    router.add_api_route(
        f"/incidents/{{incident_id}}/{verb}", endpoint, methods=["POST"], summary=summary, name=verb,
        operation_id=f"incident_{verb}",
    )  # fmt: skip


for _verb, _body, _act, _summary in ACTS:
    _offer(_verb, _body, _act, _summary)
