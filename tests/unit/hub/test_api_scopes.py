"""An operation that says no scope of a token would be open to every token: the console does not start with one."""

import pytest
from fastapi import APIRouter, Security

from hub.api.app import ROUTERS, scoped
from hub.api.caller import caller
from hub.errors import HubError


def router(*scopes: str, secured: bool = True) -> APIRouter:
    made = APIRouter()
    made.get("/beds", dependencies=[Security(caller, scopes=scopes)] if secured else [])(lambda: None)
    return made


WRONG = {"open": router(secured=False), "unnamed": router(), "unknown": router("incidents:read", "beds:read")}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_operation_without_a_scope_we_know_is_refused(wrong: APIRouter) -> None:
    with pytest.raises(HubError, match="GET /beds names no scope"):
        scoped((*ROUTERS, wrong))


def test_every_operation_of_ours_names_its_scopes() -> None:
    scoped(ROUTERS)
