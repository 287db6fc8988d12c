"""/api/v1: one application below the console's, described by its own OpenAPI."""

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from hub.api import (
    acts,
    cases,
    deskwork,
    duty,
    events,
    installing,
    measured,
    observations,
    once,
    oversight,
    places,
    problems,
    registry,
    residents,
    work,
)
from hub.api.caller import Meter
from hub.api.outgoing import Guard
from hub.api.scopes import SCOPES
from hub.errors import HubError

PATH = "/api/v1"
VERSION = "1.0.0"
ROUTERS = (
    cases.router, acts.router, registry.router, residents.router, places.router, installing.router, observations.router,
    measured.router,
    deskwork.router, deskwork.calling, duty.router, oversight.router, events.router, work.router,
)  # fmt: skip
ABOUT = """Everything the console does, for programs. A token stands behind every request
(`Authorization: Bearer carehub_…`) and holds scopes; what it does stands in the chain of a case as its account.

Errors are `application/problem+json` (RFC 9457); `code` is stable. Lists have `limit` and an opaque `cursor`.
An act on a case needs an `Idempotency-Key`, every other write may bring one: again it is answered again, with another
body it is refused with 422. With `If-Match` it is done only if nothing has changed since. Times are UTC."""


def create(console: FastAPI, *, private_networks: tuple[str, ...] = ()) -> FastAPI:
    """Return the application, to be mounted at PATH; it uses the console's pool and doorman."""
    api = FastAPI(
        title="carehub", version=VERSION, description=ABOUT, docs_url=None, redoc_url=None, openapi_url="/openapi.json",
        servers=[{"url": PATH}], root_path_in_servers=False, responses=problems.answers(),
    )  # fmt: skip
    api.state.console, api.state.meter = console, Meter()
    api.state.guard = Guard(private=private_networks)
    _ours_scoped()
    for router in ROUTERS:
        api.include_router(router)
    problems.install(api)
    api.openapi = lambda: _described(api)  # type: ignore[method-assign]
    return api


@cache  # once a process: describing two hundred operations takes longer than all else of a start
def _ours_scoped() -> None:
    scoped(ROUTERS)


def scoped(routers: tuple[APIRouter, ...]) -> None:
    """Refuse to start with an operation that names no scope, or one that is none."""
    routes = [route for router in routers for route in router.routes]
    described = get_openapi(title="", version="", routes=routes)["paths"]
    for path, methods in described.items():
        for method, operation in methods.items():
            named = [scope for each in operation.get("security", []) for scopes in each.values() for scope in scopes]
            if not named or not set(named) <= SCOPES.keys():
                raise HubError(f"{method.upper()} {path} names no scope of hub/api/scopes.py")


def _keyed(method: str, operation: dict[str, Any]) -> None:
    """Describe the header that every write may bring, where the operation itself does not demand it."""
    there = operation.get("parameters", [])
    if method.upper() in once.WRITES and not any(one["name"] == once.HEADER for one in there):
        shape = {"type": "string", "minLength": 1, "maxLength": once.LONGEST, "pattern": once.PATTERN}
        told = "of your own making, one a request: the same again changes nothing and is answered again for a day"
        operation["parameters"] = [
            *there, {"name": once.HEADER, "in": "header", "required": False, "schema": shape, "description": told}
        ]  # fmt: skip


def _described(api: FastAPI) -> dict[str, Any]:
    """Return the description, with the one model that only errors have."""
    if api.openapi_schema is None:
        built = get_openapi(
            title=api.title, version=api.version, description=api.description, routes=api.routes, servers=api.servers
        )
        parts = built.setdefault("components", {}).setdefault("schemas", {})
        told = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.update(told.pop("$defs", {}))
        parts["Problem"], parts["OperationOutcome"] = told, problems.OUTCOME
        for methods in built["paths"].values():
            for method, operation in methods.items():
                _keyed(method, operation)
        api.openapi_schema = built
    return api.openapi_schema
