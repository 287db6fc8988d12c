"""Who may what: every endpoint of the console with those it is for, and the only place that says so.

A line is a method and a path template as the router has it, and its holders: roles that sign in, holders of a link that
is itself the key, a provider whose call back is signed, scopes of API tokens (`api:…`), or anyone. Where the last part
of a path names what is done, a line may tell its names apart; `*` are all others.

`hub.web.frame.seat` enforces what is said of roles; `declared`, when the app is made, refuses a route without a line, a
line without a route, and a route whose guard is missing. To add one: your route, its line here, and the matrix of
tests/integration/web/test_matrix.py asks it of every role.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Mount

from hub.errors import HubError


class Holder(StrEnum):
    """Whom a line may name, besides scopes of the API."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    DISPATCHER = "dispatcher"  # of an organisation: its own cases only, by the database's row-level security
    INSTALLER = "installer"
    ADMINISTRATOR = "administrator"  # people, organisations, settings; no case, nobody's health
    AUDITOR = "auditor"  # reads everything, changes nothing
    CANARY = "canary"  # an operator whose secret lies in a file: only what its round needs, on its own cases
    RESPONDER = "responder"
    FAMILY = "family"
    PROVIDER = "provider"
    ANYONE = "anyone"


H = Holder
Holders: TypeAlias = frozenset[str]
Line: TypeAlias = Holders | Mapping[str, Holders]

SIGN_IN: Final[Holders] = frozenset(
    {H.OPERATOR, H.SUPERVISOR, H.DISPATCHER, H.INSTALLER, H.ADMINISTRATOR, H.AUDITOR}
)  # fmt: skip
SEATS: Final[Holders] = SIGN_IN | {H.CANARY}
HOME: Final[Mapping[str, str]] = {H.INSTALLER: "/install", H.ADMINISTRATOR: "/people"}  # whose first page is not /

ANYONE: Final[Holders] = frozenset({H.ANYONE})
LINK: Final[Holders] = frozenset({H.RESPONDER, H.FAMILY})
FAMILY: Final[Holders] = frozenset({H.FAMILY})
PROVIDER: Final[Holders] = frozenset({H.PROVIDER})
DESK: Final[Holders] = frozenset({H.OPERATOR, H.SUPERVISOR})
SUPERVISOR: Final[Holders] = frozenset({H.SUPERVISOR})
OVERSEES: Final[Holders] = SUPERVISOR | {H.AUDITOR}
READS: Final[Holders] = DESK | {H.AUDITOR}  # pages with cases
SHOWN: Final[Holders] = READS | {H.DISPATCHER}  # the same, and to a dispatcher his own of it
SENDS: Final[Holders] = DESK | {H.DISPATCHER}
OFFICE: Final[Holders] = READS | {H.ADMINISTRATOR}  # pages without
ADMINISTRATOR: Final[Holders] = frozenset({H.ADMINISTRATOR})
REGISTER: Final[Holders] = frozenset({H.SUPERVISOR, H.ADMINISTRATOR})  # who keeps the register
ACCOUNTS: Final[Holders] = frozenset({H.SUPERVISOR, H.ADMINISTRATOR})
WATCHES: Final[Holders] = frozenset({H.SUPERVISOR, H.AUDITOR})
INSTALLS: Final[Holders] = DESK | {H.INSTALLER}

TABLE: Final[dict[str, Line]] = {
    # signing in, oneself
    "GET /login": ANYONE,
    "POST /login": ANYONE,
    "GET /login/code": ANYONE,
    "POST /login/code": ANYONE,
    "POST /logout": SEATS,
    "GET /me": SIGN_IN,
    "POST /me/end": SIGN_IN,
    "POST /me/password": SIGN_IN,
    "GET /second-factor": SIGN_IN,
    "POST /second-factor": SIGN_IN,
    "POST /second-factor/off": SIGN_IN,
    # accounts, and who looked at what
    "GET /people": ACCOUNTS | {H.AUDITOR},
    "POST /people": ACCOUNTS,
    "GET /people/{person_id}": ACCOUNTS | {H.AUDITOR},
    "POST /people/{person_id}/{verb}": ACCOUNTS,
    "GET /tokens": ADMINISTRATOR,
    "POST /tokens": ADMINISTRATOR,
    "POST /tokens/{token_id}/revoke": ADMINISTRATOR,
    "GET /access-log": WATCHES,
    "POST /access-log": WATCHES,  # a filter, in a form's body: names stand in no address
    "GET /glass": SENDS,
    "POST /glass": SENDS,
    "GET /glass/opened": WATCHES,
    "POST /glass/{glass_id}/seen": SUPERVISOR,
    "POST /language": SIGN_IN,
    # the desk
    "GET /": SHOWN | {H.CANARY},
    "GET /overview": SHOWN,
    "GET /queue": SHOWN | {H.CANARY},
    "GET /queue/rows": SHOWN | {H.CANARY},
    "GET /stream": SHOWN | {H.CANARY},
    "POST /seen": SENDS | {H.CANARY},
    "GET /incidents/{incident_id}": SHOWN,
    "GET /incidents/{incident_id}/case": SHOWN,
    "GET /incidents/{incident_id}/vitals": SHOWN,
    "GET /incidents/{incident_id}/map": SHOWN,
    "GET /incidents/{incident_id}/sheet/{name}": {"dispatch": SENDS, "*": DESK},
    "POST /incidents/{incident_id}/door_code": SENDS,
    "POST /incidents/{incident_id}/whose": DESK,
    "POST /incidents/{incident_id}/{verb}": {
        "take": DESK | {H.CANARY},
        "close": DESK | {H.CANARY},
        "note": SENDS,
        "dispatch": SENDS,  # his own people: hub/web/own.py
        "*": DESK,
    },
    "POST /devices/{device_id}/test": DESK,
    "POST /search": READS,
    "POST /look": SIGN_IN,
    # drills: a training hub of its own
    "GET /drills": DESK,
    "POST /drills": SUPERVISOR,
    "POST /drills/{name}/stop": SUPERVISOR,
    "GET /drills/{name}/report": DESK,
    # what is asked and done; the end of a shift
    "GET /scripts": READS,
    "GET /scripts/{number}": READS,
    "POST /scripts": SUPERVISOR,
    "GET /handover": READS,
    "POST /handover": DESK,
    "POST /handover/{handover_id}/cases/{incident_id}/{way}": DESK,
    "POST /handover/{handover_id}/call_off": DESK,
    # many at once
    "GET /surge/sheet": READS,
    "POST /surge": DESK,
    "POST /surge/{surge_id}/end": DESK,
    "GET /group/sheet": READS,
    "POST /group/{verb}": DESK,
    # the office
    "GET /policies": OFFICE,
    "POST /policies": DESK,  # an operator may try a text out; publishing is a supervisor's, by the form's own button
    "GET /policies/versions/{number}": OFFICE,
    "POST /policies/versions/{number}/rollback": SUPERVISOR,
    "GET /rosters": OFFICE,
    "GET /rosters/export": OFFICE,
    "POST /rosters/list": SUPERVISOR,
    "POST /rosters/shift": SUPERVISOR,
    "POST /rosters/shift/{shift}/drop": SUPERVISOR,
    "POST /rosters/override": SUPERVISOR,
    "POST /rosters/override/{override}/drop": SUPERVISOR,
    "POST /rosters/rotation": SUPERVISOR,
    "POST /rosters/rotation/{rotation}/end": SUPERVISOR,
    "POST /rosters/check_in": SUPERVISOR,
    "POST /rosters/import": SUPERVISOR,
    "GET /coverage": SHOWN,
    "GET /coverage/residents/{resident}": READS,
    "GET /fleet": READS,
    "POST /fleet/visits/{number}/done": DESK,
    "GET /registry": OFFICE | {H.DISPATCHER},  # his organisation's: nothing sealed, nothing to change
    "POST /registry": OFFICE | {H.DISPATCHER},
    "GET /registry/residents/new": REGISTER,
    "POST /registry/residents/new": REGISTER,
    "GET /registry/residents/{resident_id}": OFFICE | {H.DISPATCHER},
    "GET /registry/residents/{resident_id}/measured": READS,  # of health: no administrator, no organisation
    "GET /registry/residents/{resident_id}/edit": REGISTER,
    "POST /registry/residents/{resident_id}/edit": REGISTER,
    "POST /registry/residents/{resident_id}/show/{field}": DESK,  # what is sealed: every look is written down
    "POST /registry/residents/{resident_id}/{verb}": REGISTER,
    "GET /registry/residents/{resident_id}/erasure": ADMINISTRATOR,
    "POST /registry/residents/{resident_id}/erasure": ADMINISTRATOR,
    "GET /registry/homes": OFFICE,
    "POST /registry/homes": REGISTER,
    "GET /registry/areas": OFFICE,
    "POST /registry/areas": REGISTER,
    "GET /registry/landmarks": OFFICE,
    "POST /registry/landmarks": REGISTER,
    "POST /registry/landmarks/{landmark_id}/remove": REGISTER,
    "GET /registry/organisations": OFFICE,
    "GET /registry/organisations/{organisation_id}": OFFICE,
    "POST /registry/organisations": REGISTER,
    "GET /registry/people": OFFICE,
    "POST /registry/people": OFFICE,
    "GET /registry/people/{person_id}": OFFICE,
    "POST /registry/people/{person_id}": REGISTER,
    "GET /registry/import": REGISTER,
    "POST /registry/import": REGISTER,
    "GET /registry/import/{number}": REGISTER,
    "POST /registry/import/{number}/confirm": REGISTER,
    "GET /registry/templates/{kind}.{form}": REGISTER,
    "GET /registry/duplicates": REGISTER,
    "GET /registry/duplicates/{one}/{other}": REGISTER,
    "POST /registry/duplicates/{one}/{other}": REGISTER,
    "POST /registry/merges/{merge}/undo": REGISTER,
    "GET /registry/retention": OFFICE,
    "GET /ops": OFFICE,
    "POST /ops/findings/{finding_id}/acknowledge": DESK,
    # what a supervisor answers for
    "GET /supervisor": OVERSEES,
    "GET /supervisor/calls/{form}": OVERSEES,
    "GET /reviews": READS,
    "POST /reviews": SUPERVISOR,
    "GET /reviews/{draw}": READS,
    "GET /reviews/{draw}/export/{form}": OVERSEES,
    "GET /reviews/cases/{review}": READS,
    "POST /reviews/cases/{review}": DESK,  # only by whom it was drawn for
    "POST /reviews/cases/{review}/remedied": DESK,  # never by who asked for it
    "GET /work-orders": SHOWN,
    "POST /work-orders": DESK,
    "GET /work-orders/export/{form}": OVERSEES,
    "GET /work-orders/files/{file}": SHOWN,
    "GET /work-orders/{order}": SHOWN,
    "POST /work-orders/{order}/files": DESK,
    "POST /work-orders/{order}/{verb}": {"assign": SENDS, "*": DESK},
    "GET /visits": READS,
    "POST /visits": DESK,
    "POST /visits/residents": SUPERVISOR,
    "POST /visits/residents/{resident}/leave": SUPERVISOR,
    "POST /visits/book": SUPERVISOR,
    "GET /visits/export/{form}": OVERSEES,
    "GET /subsidies": OVERSEES,
    "GET /subsidies/export/{form}": OVERSEES,
    "GET /subsidies/residents/{resident}": OVERSEES,
    "POST /subsidies/residents/{resident}/facts": SUPERVISOR,
    "POST /subsidies/residents/{resident}/purchases": SUPERVISOR,
    "POST /subsidies/purchases/{purchase_id}/void": SUPERVISOR,
    "GET /reports": OVERSEES,
    "GET /reports/month": OVERSEES,
    "GET /reports/month/{form}": OVERSEES,
    # where a device is put in
    "GET /install": INSTALLS,
    "POST /install/find": INSTALLS,
    "POST /install/register": INSTALLS,
    "GET /install/devices/{device_id}": INSTALLS,
    "GET /install/devices/{device_id}/state": INSTALLS,
    "GET /install/devices/{device_id}/end": INSTALLS,
    "POST /install/devices/{device_id}/residents": INSTALLS,
    "POST /install/devices/{device_id}/{verb}": INSTALLS,
    "GET /install/orders/{order}": INSTALLS,
    "POST /install/orders/{order}": INSTALLS,  # only by whom it was given to
    # links: whoever holds one is who it was made for
    "GET /r/worker.js": ANYONE,
    "GET /r/{token}": LINK,
    "GET /r/{token}/state": LINK,
    "POST /r/{token}/answer": LINK,
    "POST /r/{token}": LINK,
    "GET /me/{token}": LINK,
    "GET /me/{token}/manifest.json": LINK,
    "POST /me/{token}/push": LINK,
    "POST /me/{token}/quiet": LINK,
    "POST /me/{token}/duty": LINK,
    "POST /me/{token}/language": LINK,
    "GET /me/{token}/orders/{order}": LINK,
    "POST /me/{token}/orders/{order}": LINK,
    "GET /me/contact/{token}": LINK,
    "POST /me/contact/{token}": LINK,
    # the telephone
    "GET /telephone/waiting": DESK,
    "POST /telephone/cases/{incident_id}/call": DESK,
    "POST /telephone/{call_id}/{verb}": DESK,
    "POST /telephony/{provider}/{secret}": PROVIDER,
    # the family's page
    "GET /f/{token}": FAMILY,
    "GET /f/{token}/state": FAMILY,
    "GET /f/{token}/{resident}/history": FAMILY,
    "GET /f/{token}/{resident}/measured": FAMILY,  # heart rate and oxygen, where her consent says so
    "GET /f/{token}/{resident}/away": FAMILY,
    "POST /f/{token}/{resident}/away": FAMILY,
    "POST /f/{token}/{resident}/back": FAMILY,
    "POST /f/{token}/{resident}/contact": FAMILY,
    "POST /f/{token}/night": FAMILY,
    "POST /f/{token}/language": FAMILY,
    # machines
    "POST /callbacks/{channel}/{provider}/{secret}": PROVIDER,
    "GET /healthz": ANYONE,
    "GET /readyz": ANYONE,
    "GET /metrics": ANYONE,
    "MOUNT /static": ANYONE,
    "MOUNT /api/v1": ANYONE,  # every operation below it names its scope: hub.api.app refuses one that does not
}  # fmt: skip

Endpoint: TypeAlias = Callable[..., Any]


class UndeclaredError(HubError):
    """Routes and table say different things."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One route with its line."""

    method: str
    path: str
    line: Line

    def holders(self, params: Mapping[str, Any]) -> Holders:
        """Return who may, when these are the parts of the path."""
        if isinstance(self.line, frozenset):
            return self.line
        named = _PART.findall(self.path)[-1]
        return self.line.get(str(params.get(named, "")), self.line["*"])

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def everybody(self) -> Holders:
        """All who may something here."""
        return self.line if isinstance(self.line, frozenset) else frozenset().union(*self.line.values())


_PART = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True, kw_only=True)
class Grants:
    """The table, by what serves a request."""

    ways: Mapping[tuple[Endpoint, str], Way]

    def holders(self, scope: Mapping[str, Any]) -> Holders:
        """Return who may send this request: nobody, where it is nowhere declared."""
        way = self.way(scope)
        return way.holders(scope.get("path_params", {})) if way else frozenset()

    def way(self, scope: Mapping[str, Any]) -> Way | None:
        return self.ways.get((scope["endpoint"], scope["method"]))


def declared(routes: Sequence[BaseRoute], guards: Mapping[str, Endpoint], table: Mapping[str, Line] = TABLE) -> Grants:
    """Compare an app's routes with the table and return what to enforce.

    Args:
        guards: what enforces a line, by kind: `seat` for roles, `api` for scopes.

    Raises:
        UndeclaredError: A route is not in the table, a line has no route, or a route lacks its guard.
    """
    ways: dict[tuple[Endpoint, str], Way] = {}
    faults: list[str] = []
    left = set(table)
    for name, context in _named(routes):
        left.discard(name)
        if name not in table:
            faults.append(f"{name} says nowhere who may: add its line to hub/web/access.py")
            continue
        way = Way(method=name.split(" ")[0], path=name.split(" ")[1], line=table[name])
        if way.method == "MOUNT" or context.endpoint is None:
            continue
        dependant: Dependant | None = getattr(context, "dependant", None)
        there = set(_calls(dependant)) if dependant else set()
        faults += [
            f"{name} is for {kind}s and does not depend on what checks them"
            for kind in _kinds(way.everybody)
            if guards.get(kind) not in there
        ]
        before = ways.setdefault((context.endpoint, way.method), way)
        if before.line != way.line:
            faults.append(f"{name} is served by the function of {before.path}, which is for others")
    faults += [f"{name} has a line in hub/web/access.py and no route" for name in sorted(left)]
    if faults:
        raise UndeclaredError("; ".join(faults))
    return Grants(ways=ways)


def may(holder: str, name: str, part: str = "") -> bool:
    """Whether a page offers this to somebody: the method and template of a line, and what its last part names."""
    line = TABLE.get(name, frozenset())
    return holder in (line if isinstance(line, frozenset) else line.get(part, line["*"]))


def page(path: str) -> bool:
    """Whether this is a page for somebody signed in: where signing in may lead to."""
    return _pages().fullmatch(path) is not None


def _pages() -> re.Pattern[str]:
    lines = (Way(method="GET", path=name[4:], line=line) for name, line in TABLE.items() if name.startswith("GET "))
    templates = (way.path for way in lines if way.everybody & SIGN_IN)
    return re.compile("|".join(_PART.sub(r"[0-9A-Za-z_.-]{1,64}", t) for t in templates if t not in PARTS))


PARTS: Final = frozenset({"/queue", "/queue/rows", "/stream", "/overview"})  # pieces of a page, fetched by it
ENROLS: Final = frozenset(
    {"GET /second-factor", "POST /second-factor", "POST /logout", "POST /language"}
)  # all that is left to somebody who must set up a second factor first


def _kinds(holders: Holders) -> Iterable[str]:
    if holders & SEATS:
        yield "seat"
    if any(holder.startswith("api:") for holder in holders):
        yield "api"


def _named(routes: Sequence[BaseRoute]) -> Iterable[tuple[str, RouteContext]]:
    for context in iter_route_contexts(routes):
        if isinstance(context.original_route, Mount):
            yield f"MOUNT {context.original_route.path}", context
            continue
        for method in sorted((context.methods or {"GET"}) - {"HEAD"}):
            yield f"{method} {context.path}", context


def _calls(dependant: Dependant) -> Iterable[Endpoint]:
    for inner in dependant.dependencies:
        if inner.call is not None:
            yield inner.call
        yield from _calls(inner)
