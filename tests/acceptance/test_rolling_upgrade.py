"""Two releases beside each other on the newest schema: the older hears, pages, takes and closes as it did."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.embedded import EmbeddedPostgres
from hub.store.pool import migrations
from tests.acceptance.watched import Elsewhere, Hub
from tests.conftest import create, drop
from tests.integration.web.world import LINK_KEY, World, neighbourhood, sign_in
from tests.patience import PATIENCE_S
from tests.previous import LAST_MIGRATION, unpack

BESIDE = ("dispatch", "console", "audit")
METERED = ("ingest", "dispatch", "audit")


@pytest.fixture(scope="module")
def world(postgres: EmbeddedPostgres) -> Iterator[World]:
    yield neighbourhood(create(postgres, "rolling"))
    drop(postgres, "rolling")


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(tmp_path_factory.mktemp("previous"))


class Release(Hub):
    """One release's roles, run from its own folder."""

    def __init__(self, world: World, folder: Path, code: Path, roles: tuple[str, ...]) -> None:
        super().__init__(world.dsn, folder, Elsewhere())
        self.code, self.roles = code, roles

    def start(self) -> None:
        self.begin()
        for role in self.roles:
            self.until(lambda role=role: self.page(role, "readyz")[0] == 200)  # type: ignore[misc]

    def begin(self) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CAREHUB_", "PYTHON"))}
        environ = inherited | {
            "CAREHUB_DATABASE_DSN": self.dsn, "CAREHUB_RUN_DIR": str(self.folder),
            "CAREHUB_LISTENER_PORT": str(self.ports["listener"]), "CAREHUB_CONSOLE_PORT": str(self.ports["console"]),
            "CAREHUB_SECRETS_LINK_KEY": LINK_KEY, "CAREHUB_AUDIT_CANARY_EVERY_S": "1",
            "CAREHUB_AUDIT_CANARY_LIMIT_S": "20",
            "CAREHUB_AUDIT_CANARY": str("ingest" in self.roles).lower(), "CAREHUB_AUDIT_SIREN_COMMAND": "true",
            **{f"CAREHUB_METRICS_{name.upper()}_PORT": str(self.ports[name]) for name in METERED},
        }  # fmt: skip
        for role in self.roles:
            with (self.folder / f"{role}.log").open("ab") as log:
                self.processes[role] = subprocess.Popen(
                    [sys.executable, "-m", "hub", role], env=environ, cwd=self.code, stdout=log, stderr=log
                )

    def ran_as(self) -> set[str]:
        """Return the folders that its processes really took the program from."""
        return {str(Path(f"/proc/{p.pid}/cwd").resolve()) for p in self.processes.values()}

    def told(self) -> str:
        return "\n".join((self.folder / f"{role}.log").read_text()[-1500:] for role in self.roles)


@pytest.fixture(scope="module")
def previous(world: World, older: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    yield from _running(Release(world, tmp_path_factory.mktemp("older"), older, ("ingest", *BESIDE)))


@pytest.fixture(scope="module")
def present(world: World, previous: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Started while the older release runs."""
    yield from _running(Release(world, tmp_path_factory.mktemp("newer"), Path(__file__).resolve().parents[2], BESIDE))


def _running(release: Release) -> Iterator[Release]:
    try:
        release.start()
        yield release
    finally:
        release.stop()
        release.elsewhere.close()


def test_older_release_migrates_nothing_back_and_refuses_nothing(world: World, older: Path) -> None:
    before = world.sql("select name, sha256 from schema_migration order by name")
    ran = subprocess.run(
        [sys.executable, "-m", "hub", "migrate"], cwd=older, capture_output=True, timeout=PATIENCE_S, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith(("CAREHUB_", "PYTHON"))}
        | {"CAREHUB_DATABASE_DSN": world.dsn},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert world.sql("select name, sha256 from schema_migration order by name") == before
    theirs = sorted(path.name for path in (older / "hub/store/migrations").glob("*.sql"))
    assert theirs[-1].startswith(LAST_MIGRATION)
    assert set(theirs) < set(migrations())


def test_older_release_hears_pages_takes_and_closes_on_the_newest_schema(previous: Release, older: Path) -> None:
    assert previous.ran_as() == {str(older.resolve())}
    previous.until(lambda: previous.rounds() >= 2)


def test_both_work_side_by_side_and_finish_each_others_cases(previous: Release, present: Release, world: World) -> None:
    rounds = previous.rounds()
    previous.until(lambda: previous.rounds() >= rounds + 2)
    consoles = [f"http://127.0.0.1:{one.ports['console']}" for one in (previous, present)]
    for first, second in (consoles, consoles[::-1]):
        incident = world.alert("watch-wang")
        _act(first, incident, "take")
        _act(second, incident, "resolve", how="voice")
        _act(second, incident, "close", disposition="found_well", done="无事", with_whom="本人", called_back="yes")
        assert world.sql("select state, disposition from incident where id = %(i)s", i=incident) == [
            ("closed", "found_well")
        ]


def _act(console: str, incident: int, verb: str, **form: str) -> None:
    with httpx.Client(base_url=console, trust_env=False, timeout=PATIENCE_S) as li:
        assert sign_in(li, "li").status_code == 303
        csrf = _csrf(li.get("/").text)
        answer = li.post(f"/incidents/{incident}/{verb}", data={"csrf": csrf, **form})
        assert answer.status_code == 303, answer.text


def _csrf(page: str) -> str:
    found = re.search(r'<meta name="csrf" content="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_chains_of_both_hold_and_nothing_is_silent(previous: Release, present: Release) -> None:
    wrong = "select rule, subject from audit_finding where rule in ('broken_chain', 'silent_incident', 'timer_late')"
    assert previous.sql(wrong) == []
    assert present.sql("select count(*) from incident where state = 'closed'")[0][0] >= 4


def test_newer_ingest_takes_over_when_the_older_one_ends(previous: Release, world: World, tmp_path: Path) -> None:
    """As an upgrade does it: the newer waits for the devices, and has them when the older one has let go."""
    newer = Release(world, tmp_path, Path(__file__).resolve().parents[2], ("ingest",))
    try:
        newer.begin()
        newer.until(lambda: newer.page("ingest", "readyz")[0] == 503)
        older = previous.processes.pop("ingest")
        older.terminate()
        newer.until(lambda: newer.page("ingest", "readyz")[0] == 200)
        assert older.wait(PATIENCE_S) == 0
    finally:
        newer.stop()
        newer.elsewhere.close()
