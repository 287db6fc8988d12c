"""The watch over a whole hub: a canary comes through and wakes nobody; what stands still is named and sounds."""

import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from alerts.model import Disposition
from hub import desk
from hub.embedded import EmbeddedPostgres
from hub.store.pool import Connection
from tests.acceptance.watched import EVERY_S, LIMIT_S, Elsewhere, Hub
from tests.conftest import create, drop
from tests.integration.web.world import World, neighbourhood

pytestmark = pytest.mark.usefixtures("hub")
STAGES = {"console", "connect", "puback", "received", "page", "shown", "closed"}
NAMED = {"ingest": "connect", "dispatch": "page", "console": "console"}  # where the way ends when a role stands
SOON_S = 20.0  # a round's pause, the auditor's second, and what a busy machine adds to a stage's limit


@pytest.fixture(scope="module")
def world(postgres: EmbeddedPostgres) -> Iterator[World]:
    yield neighbourhood(create(postgres, "watched"))
    drop(postgres, "watched")


@pytest.fixture(scope="module")
def hub(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    elsewhere = Elsewhere()
    running = Hub(world.dsn, tmp_path_factory.mktemp("watched"), elsewhere)
    try:
        running.start()
        running.until(running.rounds)
        yield running
    finally:
        ended = running.stop()
        elsewhere.close()
    assert ended == dict.fromkeys(ended, 0), running.told()


@pytest.fixture(autouse=True)
def all_is_well(hub: Hub) -> None:
    """Every story begins with a hub nobody has a fault to find with."""
    hub.until(lambda: not hub.wrong())
    beats = hub.elsewhere.beats()
    hub.until(lambda: hub.elsewhere.beats() > beats)


def test_canary_comes_through_and_every_stage_is_timed(hub: Hub) -> None:
    rounds = hub.rounds()
    hub.until(lambda: hub.rounds() >= rounds + 2)
    [(seconds,)] = hub.sql("select seconds from canary_round where lost is null order by id desc limit 1")
    assert set(seconds) == STAGES
    text = hub.page("audit", "metrics")[1]
    for stage in STAGES:
        assert f'carehub_canary_seconds_count{{stage="{stage}"}}' in text
    assert "carehub_canary_last_success_timestamp_seconds 1." in text


def test_canary_wakes_nobody_and_nobody_wakes_the_canary(hub: Hub, world: World) -> None:
    incident = world.alert("watch-wang")  # somebody real presses meanwhile
    rounds = hub.rounds()
    hub.until(lambda: hub.rounds() >= rounds + 2)
    [(canary,)] = hub.sql("select id from person where canary")
    called = hub.sql(
        "select i.policy_name, array_agg(distinct p.person_id) from page p join incident i on i.id = p.incident_id"
        " left join resident r on r.id = i.resident_id where r.canary group by 1"
    )
    assert called == [("~canary", [canary])]
    people = {row[0] for row in hub.sql("select person_id from page where incident_id = %(i)s", i=incident)}
    assert people, "she is called for"
    assert canary not in people
    hub.sql("update timer set due_at = hub_now() + interval '1 day' where incident_id = %(i)s", i=incident)
    _end(world, incident)


def test_canaries_are_closed_as_tests_one_after_the_other(hub: Hub) -> None:
    rounds = hub.rounds()
    hub.until(lambda: hub.rounds() >= rounds + 2)
    kept = hub.sql(
        "select i.state, i.disposition, i.presses from incident i join resident r on r.id = i.resident_id"
        " where r.canary and i.closed_at is not null order by i.id desc limit 2"
    )
    assert kept == [("closed", "test", 1)] * 2


@pytest.mark.parametrize("role", ["ingest", "dispatch", "console"])
def test_role_that_stands_is_named_sounds_and_ends_the_heartbeat(hub: Hub, role: str) -> None:
    stage = NAMED[role]
    hub.send(role, signal.SIGSTOP)
    began = time.monotonic()
    try:
        # The round under way may lose another stage of the same role first; the next one ends at its door.
        hub.until(lambda: any(rule == "canary_lost" for rule, _ in hub.wrong()))
        first_s = time.monotonic() - began
        hub.until(lambda: ("canary_lost", stage) in hub.wrong())
        hub.until(lambda: any("canary_lost" in line for line in hub.sounded()))
        hub.until(hub.elsewhere.failed)
        beats, runs = hub.elsewhere.beats(), len(hub.sounded())
        hub.until(lambda: len(hub.sounded()) >= runs + 3)  # it goes on …
        assert hub.elsewhere.beats() == beats  # … and the heartbeat stays away
    finally:
        hub.send(role, signal.SIGCONT)
    assert first_s < EVERY_S + LIMIT_S + SOON_S, "within its limit, a round's pause and the auditor's second"
    rounds = hub.rounds()
    hub.until(lambda: hub.rounds() > rounds)
    hub.until(lambda: not hub.wrong())
    beats = hub.elsewhere.beats()
    hub.until(lambda: hub.elsewhere.beats() > beats)
    runs = len(hub.sounded())
    rounds = hub.rounds()
    hub.until(lambda: hub.rounds() > rounds)
    assert len(hub.sounded()) == runs, "when it is over the siren is silent"


def test_siren_sounds_while_the_database_is_away(hub: Hub, postgres: EmbeddedPostgres) -> None:
    beats_before = hub.elsewhere.beats()
    postgres.stop()
    try:
        hub.until(lambda: any("database_away" in line for line in hub.sounded()))
        beats = hub.elsewhere.beats()
        runs = len(hub.sounded())
        hub.until(lambda: len(hub.sounded()) >= runs + 3)
        assert hub.elsewhere.beats() == beats >= beats_before
        (hub.folder / "siren.quiet").write_text("")  # somebody here acknowledges, and no database is needed for it
        runs = len(hub.sounded()) + 1  # one may be under way
        time.sleep(1.0)  # silence is the thing to be shown
        assert len(hub.sounded()) <= runs
    finally:
        postgres.start()
        (hub.folder / "siren.quiet").unlink(missing_ok=True)
    rounds = hub.until(lambda: _or_none(hub.rounds))
    hub.until(lambda: hub.rounds() > rounds)
    hub.until(lambda: not hub.wrong())


def test_canary_keeps_its_secrets_to_itself(hub: Hub) -> None:
    path = hub.folder / "canary.json"
    assert path.stat().st_mode & 0o777 == 0o600
    kept = path.read_text()
    for role in ("ingest", "dispatch", "console", "audit"):
        log = (hub.folder / f"{role}.log").read_text()
        assert "a-secret" not in log
        for secret in kept.split('"')[3::4]:
            assert secret not in log


def _or_none(ask: Callable[[], int]) -> int:
    try:
        return ask()
    except psycopg.Error:
        return 0


def _end(world: World, incident: int) -> None:
    """End the real case, so that the next story begins with nothing open."""
    li = world.people["li"]

    async def end(conn: Connection) -> None:
        await desk.take(conn, incident, li)
        await desk.resolve(conn, incident, li, "voice")
        await desk.close(
            conn, incident, li, disposition=Disposition.REASSURED, done="x", with_whom="x", called_back=True
        )

    world.run(end)
