"""Bugs that the simulation must find, each with how it is planted and the seed that found it.

Some change a query or a function of the database, as a slip of the pen would; some change a function of the hub, as a
wrong idea would. When the rules of the day change, a seed may lose its bug: then the search goes on from it, and the
test says which seed to write here.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from alerts.model import Decision, Roster
from alerts.values import replace
from hub.store import incidents as store
from hub.store import people, policies
from hub.store.pool import Connection, connect
from hub.store.sql import queries

Plant = Callable[[pytest.MonkeyPatch], None]
PlantInside = Callable[[Connection], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A bug, and a seed whose days find it."""

    name: str
    plant: Plant = lambda _: None
    inside: PlantInside | None = None  # in the database, which is the test's own
    seed: int
    says: str  # what the law that catches it says


def _query(noun: str, name: str, right: bytes, wrong: bytes) -> Plant:
    def plant(m: pytest.MonkeyPatch) -> None:
        text = getattr(queries(noun), name)
        assert right in text, f"query {noun}.{name} no longer says {right!r}: plant it anew"
        m.setattr(queries(noun), name, text.replace(right, wrong), raising=False)

    return plant


def _function(name: str, right: str, wrong: str) -> PlantInside:
    async def plant(conn: Connection) -> None:
        row = await (await conn.execute("select pg_get_functiondef(%s::regproc)", (name,))).fetchone()
        assert row is not None
        text = str(row[0])
        assert right in text, f"function {name} no longer says {right!r}: plant it anew"
        await conn.execute(text.replace(right, wrong).encode())

    return plant


def _dual_write(m: pytest.MonkeyPatch) -> None:
    """Pages are written through a connection of their own, as to a queue beside the database."""
    change = store.change

    async def changes(conn: Connection, at: Any, decision: Decision, **rest: Any) -> None:
        async with await connect(conn.info.dsn + f" password={conn.info.password}") as beside:
            for page in decision.pages:
                await beside.execute(
                    "insert into page (incident_id, round, step, person_id, role, channel, address, purpose, due_at,"
                    " created_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
                    (decision.incident.incident_id, page.round, page.step, page.person_id, page.role, page.channel,
                     page.address, page.purpose, page.due_at, at.now),
                )  # fmt: skip
        await change(conn, at, decision, **rest)

    m.setattr(store, "change", changes)


def _everybody_is_on_duty(m: pytest.MonkeyPatch) -> None:
    roster = people.roster

    def all_of_them(rows: Any) -> Roster:
        return Roster(responders=tuple(replace(r, on_duty=True) for r in roster(rows).responders))

    m.setattr(people, "roster", all_of_them)


def _policy_is_read_afresh(m: pytest.MonkeyPatch) -> None:
    version = policies.version

    async def newest(conn: Connection, _version: int) -> Any:
        row = await (await conn.execute("select id from policy_version order by active_from desc limit 1")).fetchone()
        assert row is not None
        return await version(conn, row[0])

    m.setattr(policies, "version", newest)


def _take_lasts_a_day(m: pytest.MonkeyPatch) -> None:
    """As if whoever takes it could never be silent."""
    change = store.change

    async def changes(conn: Connection, at: Any, decision: Decision, **rest: Any) -> None:
        i = decision.incident
        if i.expires_at is not None and i.timer is not None and rest["actor"] != "hub":
            late = replace(i.timer, due_at=i.timer.due_at + timedelta(days=1))
            decision = replace(decision, incident=replace(i, timer=late))
        await change(conn, at, decision, **rest)

    m.setattr(store, "change", changes)


WITHDRAWN = b"p.withdrawn_at is not null or i.dedup_key is null and p.purpose = 'alarm'"
AHEAD = b"with t as materialized (select hub_now() + interval '40 s' as now)"
NOW = b"with t as materialized (select hub_now() as now)"

PLANTED = (
    # The five of the prototype.
    Planted(name="page is sent after it was taken, by the reaper",
            plant=_query("outbox", "take_back", WITHDRAWN, b"false"),
            seed=0, says="somebody took"),
    Planted(name="taken leaves ready pages",
            plant=_query("incidents", "change", b"(select id from c where withdraw) and withdrawn_at is null",
                         b"-1"),
            seed=0, says="somebody took"),
    Planted(name="dual write", plant=_dual_write, seed=0, says="a page nobody decided"),
    Planted(name="silence after the last rung",
            plant=_query("incidents", "ticking", b"where due_at <= t.now + t.ahead",
                         b"where due_at <= t.now and kind <> 'repeat'"),
            seed=1, says="a timer is silent"),
    Planted(name="worker's clock is 40 s ahead", plant=_query("outbox", "claim", NOW, AHEAD),
            seed=0, says="a page is sent early"),
    # Ours.
    Planted(name="page that failed is sent again whoever has it",
            plant=_query("outbox", "settle_missed", WITHDRAWN, b"false"), seed=0,
            says="somebody took"),
    Planted(name="timer keeps its old time",
            plant=_query("incidents", "change", b"due_at = excluded.due_at", b"due_at = timer.due_at"), seed=0,
            says="the timer is not what its chain says"),
    Planted(name="receipt is written that never came",
            plant=_query("outbox", "take_back", b"else 'ready' end,", b"else 'delivered' end,"), seed=0,
            says="said to be delivered, and nobody heard it"),
    Planted(name="hanging worker is waited for for ever",
            plant=_query("outbox", "take_back", b"p.lease_until <= t.now", b"false"), seed=0,
            says="a page neither arrives nor is given up"),
    Planted(name="press that joins is not counted",
            plant=_query("incidents", "change", b"presses = c.presses", b"presses = greatest(i.presses, 1)"), seed=0,
            says="the incident is not what its chain says"),
    Planted(name="off-duty people are paged", plant=_everybody_is_on_duty, seed=0, says="is off duty and is paged"),
    Planted(name="policy is read afresh", plant=_policy_is_read_afresh, seed=0,
            says="a step has not the time of its own policy"),
    Planted(name="take lasts a day", plant=_take_lasts_a_day, seed=0, says="silent past his time"),
    Planted(name="timers go back with the clock",
            plant=_query("clock", "waiting", b"coalesce(set_no, 0) <= %(before_no)s or", b"false and"), seed=0,
            says="a timer went with the clock"),
    Planted(name="wait that is only touched counts as new",
            inside=_function("number_timer", "new.due_at = old.due_at", "false"), seed=1,
            says="a timer went with the clock"),
)  # fmt: skip
