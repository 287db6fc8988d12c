"""Days nobody thought of, over the real tables; and bugs planted in them, which must be found.

`make histories` lives more days, from seeds nobody has used, and searches for the planted bugs from there.
CAREHUB_SEED=… lives the days of a seed that broke a law.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import cast

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.incidents.world import World, open_world
from tests.simulation.centre import Centre, Ledger
from tests.simulation.planted import PLANTED, Planted

ASKED = int(os.environ.get("CAREHUB_DAYS", "0"))
DAYS = ASKED or 40
SEED = int(os.environ.get("CAREHUB_SEED", "0")) or (secrets.randbelow(10**9) if ASKED else 7)
STEPS = 40
PATIENCE_S = 120.0 if ASKED else 60.0  # to find a planted bug, once its seed has lost it
AT_ONCE = 25  # days lived from one seed


@pytest.fixture
def centre(dsn: str) -> Iterator[tuple[asyncio.Runner, World]]:
    with psycopg.connect(dsn, autocommit=True) as conn:  # deaths here are rollbacks: nobody pulls the plug
        conn.execute(f'alter database "{conn.info.dbname}" set synchronous_commit = off'.encode())
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        world = runner.run(stack.enter_async_context(open_world(dsn)))
        yield runner, world
        runner.run(stack.aclose())


def live(centre: tuple[asyncio.Runner, World], number: int, days: int, *phases: Phase) -> Ledger:
    """Live the days of a seed; the ledger says what became of them."""
    runner, world = centre
    ledger = Ledger()

    def factory() -> Centre:
        return Centre(runner.run, world, ledger)

    run_state_machine_as_test(
        cast("type[Centre]", seed(number)(factory)),  # a factory will do
        settings=settings(
            max_examples=days, stateful_step_count=STEPS, deadline=None, database=None, print_blob=False,
            phases=phases or tuple(Phase), suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return ledger


def test_no_day_breaks_a_law(centre: tuple[asyncio.Runner, World]) -> None:
    steps, started = 0, time.monotonic()
    for number in range(SEED, SEED + -(-DAYS // AT_ONCE)):
        print(f"CAREHUB_SEED={number}", flush=True)
        steps += live(centre, number, min(DAYS, AT_ONCE)).steps
    took_s = time.monotonic() - started
    print(f"{DAYS} days, {steps} steps in {took_s:.1f} s ({steps / took_s:.0f} steps/s)", flush=True)
    assert steps > DAYS


def test_same_seed_gives_the_same_event_log(centre: tuple[asyncio.Runner, World]) -> None:
    """Invariant 12: every event of every chain, to the last hash."""
    first, second = (live(centre, SEED, 12, Phase.generate).logs for _ in range(2))
    assert sum(len(day) for day in first) > 50
    assert first == second


def search(centre: tuple[asyncio.Runner, World], start: int) -> tuple[int, str]:
    """Live the days of one seed after another until a law is broken; returns the seed and the law."""
    deadline = time.monotonic() + PATIENCE_S
    number = start
    while time.monotonic() < deadline:
        try:
            live(centre, number, AT_ONCE, Phase.generate)
        except (AssertionError, Flaky) as broken:
            return number, str(broken).splitlines()[0]
        number += 1
    pytest.fail(f"not found from seed {start} to {number}: a simulation that cannot find it is broken")


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_planted_bug_is_found(
    centre: tuple[asyncio.Runner, World], bug: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug.plant(monkeypatch)
    if bug.inside is not None:
        runner, world = centre
        runner.run(bug.inside(world.conn))
    started = time.monotonic()
    number, law = search(centre, SEED if ASKED else bug.seed)
    print(f"{bug.name}: found by seed {number} in {time.monotonic() - started:.1f} s: {law}", flush=True)
    assert bug.says in law
    if not ASKED and number != bug.seed:
        print(f"write seed={number} beside it in planted.py", flush=True)
