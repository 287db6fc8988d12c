"""Every look at what is sealed, and every table of people that leaves, stands in the access log."""

import pytest

from hub.web.access import TABLE, Holder, Way
from tests.integration.web.test_matrix import PART, WHO, Town, town

__all__ = ["town"]
# Lines whose answer is sensitive, each with the parts it is asked with.
SEALED = [
    ("POST /incidents/{incident_id}/door_code", {}),
    ("POST /registry/residents/{resident_id}/show/{field}", {"field": "health_notes"}),
    ("POST /registry/residents/{resident_id}/show/{field}", {"field": "door_code"}),
    ("GET /subsidies/residents/{resident}", {}),
    ("GET /reports/month", {}),
]
NOBODYS = frozenset({"GET /rosters/export"})  # who is on duty: people of the centre, and no resident
NEEDS = frozenset({"GET /reviews/{draw}/export/{form}"})  # a draw of the month's calls, in its own tests


def leaving() -> list[str]:
    """Every address that answers with a table."""
    return [
        name
        for name in TABLE
        if name.startswith("GET")
        and name not in NOBODYS | NEEDS
        and ("export" in name or name.endswith("{form}"))
        and not name.startswith("GET /registry/templates")
    ]


def asked(town: Town, name: str, parts: dict[str, str]) -> tuple[int, int]:
    """Ask as somebody who may; return the answer's code and how many looks were written down."""
    before = town.world.sql("select count(*) from access_log")[0][0]
    line = TABLE[name]
    who = next(h for h in (Holder.SUPERVISOR, *WHO) if h in Way(method="", path=name, line=line).everybody)
    her = str(town.world.residents["wang"])
    all_parts = {"resident_id": her, "resident": her, "incident_id": str(town.cases["own"]), **parts}
    path = PART.sub(lambda m: all_parts[m[1]], name.split(" ")[1])
    town.seat(WHO[who])
    token, key = town.sessions[WHO[who]]
    town.client.cookies.clear()
    headers = {"cookie": f"carehub_session={token}", "x-csrf-token": key}
    answer = town.client.request(name.split(" ", maxsplit=1)[0], path, headers=headers)
    return answer.status_code, town.world.sql("select count(*) from access_log")[0][0] - before


@pytest.mark.parametrize(("name", "parts"), SEALED)
def test_look_at_what_is_sealed_is_written_down(town: Town, name: str, parts: dict[str, str]) -> None:
    assert asked(town, name, parts) == (200, 1)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_every_table_that_leaves_is_written_down(town: Town, form: str) -> None:
    assert leaving()
    told = {name: asked(town, name, {"form": form}) for name in leaving()}
    assert {name: found for name, found in told.items() if found != (200, 1)} == {}


def test_log_of_looks_that_leaves_is_a_look_itself(town: Town) -> None:
    town.seat("ma")
    token, key = town.sessions["ma"]
    headers = {"cookie": f"carehub_session={token}", "x-csrf-token": key}
    for _ in range(2):
        answer = town.client.post("/access-log", data={"as": "csv"}, headers=headers)
    assert "export: access log" in answer.text


def test_nothing_else_has_learnt_to_write_tables(town: Town) -> None:
    """A page of tomorrow that gives a table away stands in one of the lists above, or its name says so."""
    exports = {name for name in TABLE if "export" in name or "{form}" in name}
    assert exports - set(leaving()) - NOBODYS - NEEDS <= {"GET /registry/templates/{kind}.{form}"}
