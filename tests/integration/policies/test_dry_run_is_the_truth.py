"""A dry run says what happens: its calls are those the engine pages, timer by timer, over the same database."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.model import AlertKind
from hub import policies
from hub.store import policies as store
from tests.integration.incidents.world import NOON, World

pytestmark = pytest.mark.anyio

LADDERS = ("", ', channels = ["app", "sms@4s", "mqtt@9s"]', ', channels = ["console", "webhook@3s"]')
EXTRA = (
    "",
    ", nearest = 1",
    ', order = "sequential", next_after = "4s"',
    ', via = "operator_confirm", auto_after = "5s"',
    ', via = "operator_confirm"',
)
ROLES = (
    "family", "neighbour", "operator", "community", "property", "village_doctor", "third_party", "county_centre",
    "ambulance",
)  # fmt: skip
target = st.builds(
    lambda role, ladder, extra: f'{{ role = "{role}"{ladder}{extra} }}',
    st.sampled_from(ROLES), st.sampled_from(LADDERS), st.sampled_from(EXTRA),
)  # fmt: skip
OPERATORS = '{ role = "operator" }'
EXAMPLES = 25
DAYS = 4 * EXAMPLES  # nights on duty
MOST_FIRINGS = 30
ONLY = (
    "",
    'only = { between = ["07:00", "22:00"] }\n',
    'only = { days = ["holiday"], between = ["20:00", "08:00"] }\n',
)
step = st.builds(
    lambda targets, wait, only, empty: (
        f'[[policy."p".step]]\nnotify = [ {", ".join(targets)} ]\nwait = "{wait}s"\n{only}if_empty = "{empty}"\n'
    ),
    st.lists(target, min_size=1, max_size=3), st.integers(20, 90), st.sampled_from(ONLY),
    st.sampled_from(("next_now", "wait")),
)  # fmt: skip
text = st.builds(
    lambda steps, last, repeat, countdown: (
        f'[policy."p"]\nrepeat_last = "{repeat}s"\ncountdown = "{countdown}s"\n{"".join(steps)}'
        f'[[policy."p".step]]\nnotify = [ {", ".join([*last, OPERATORS])} ]\n'
    ),
    st.lists(step, max_size=4), st.lists(target, max_size=2), st.integers(20, 90), st.sampled_from((0, 12)),
)  # fmt: skip


async def people(world: World) -> None:
    """Somebody of every role, on duty at different hours; two of some, one of them nowhere to be reached."""
    for number, role in enumerate(ROLES[1:]):
        for turn in ("day", "night"):
            name = f"{role} by {turn}"
            ways = (
                ()
                if (number, turn) == (3, "day")
                else (("mqtt", f"t/{name}"), ("sms", "1"), ("app", "2"))[: number % 3 + 1]
            )
            await world.person(name, role, *ways, on_duty=turn == "day", area="east")
            if turn == "night":
                await world.conn.execute(
                    "insert into shift (person_id, during) select %s, tstzrange(night, night + interval '12 hours')"
                    " from generate_series(%s, %s, interval '1 day') night",
                    (world.names[name], NOON + timedelta(hours=8), NOON + timedelta(days=DAYS)),
                )
    await world.person("son", "family", ("sms", "3"), ("app", "4"))


async def really_paged(world: World, kind: AlertKind, at: datetime) -> list[tuple[Any, ...]]:
    """Open the incident and fire its timer when it is due, until the last rung has repeated once."""
    await world.stop_clock(at)
    countdown = 15.0 if kind is AlertKind.FALL else 0.0
    raised = await world.raised(raised_at=at, kind=kind, countdown_s=countdown)
    assert raised.incident_id is not None
    repeated = False
    for _ in range(MOST_FIRINGS):
        due, waiting = (await world.rows("select due_at, kind from timer where incident_id = %s", raised.incident_id))[
            0
        ]
        repeated = waiting == "repeat"
        await world.stop_clock(due)
        await world.fire()
        if repeated:
            break
    assert repeated
    pages = [(p["due_at"], p["person_id"], p["role"], p["channel"]) for p in await world.pages(raised.incident_id)]
    async with world.conn.transaction():
        await world.conn.execute("delete from timer where incident_id = %s", (raised.incident_id,))
        ended = "update incident set dedup_key = null, state = 'cancelled', closed_at = hub_now() where id = %s"
        await world.conn.execute(ended, (raised.incident_id,))
    return sorted(pages)


@given(
    text=text,
    minutes=st.integers(0, 3 * 24 * 60),
    kind=st.sampled_from((AlertKind.SOS, AlertKind.FALL, AlertKind.GAS)),
)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_dry_run_calls_whom_the_engine_pages_at_the_same_moments(
    world: World, text: str, minutes: int, kind: AlertKind
) -> None:
    if "son" not in world.names:
        await people(world)
    # The hub's clock only goes forward: each story is some days after the one before.
    at = max(await world.now(), NOON) + timedelta(minutes=minutes)
    version = store.published(text)
    run, names, _ = await policies.play(world.conn, version, str(world.resident), at, kind)
    said = sorted((c.at, c.person_id, str(c.role), c.channel) for c in run.calls)
    await world.stop_clock(at)
    await store.publish(world.conn, text)
    assert said == await really_paged(world, kind, at)
    assert {c.person_id for c in run.calls} <= set(names)


async def test_dry_run_writes_nothing(world: World) -> None:
    tables = [row[0] for row in await world.rows("select relname from pg_stat_user_tables order by 1")]
    before = [await world.value(f"select count(*) from {table}") for table in tables]
    await policies.play(world.conn, None, "Wang Xiulan", None, AlertKind.SOS)
    assert [await world.value(f"select count(*) from {table}") for table in tables] == before
