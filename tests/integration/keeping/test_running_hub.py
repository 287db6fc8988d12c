"""A whole hub: the doctor finds it well, its machine burns down, and it starts on what was restored."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import place
from tests.patience import PATIENCE_S
from tests.ports import own_ports


def environ(run_dir: Path, shelf: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CAREHUB_")}
    places = {"CAREHUB_RUN_DIR": str(run_dir), "CAREHUB_BACKUP_TO": str(shelf)}
    return plain | places | own_ports()


@contextmanager
def running(given: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A demo, from its first word to the end of its last process."""
    run_dir = Path(given["CAREHUB_RUN_DIR"])
    log = run_dir.with_suffix(".log")
    with log.open("wb") as out:
        up = subprocess.Popen([sys.executable, "-m", "hub", "up", "--demo"], env=given, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 2 * PATIENCE_S
        while not (run_dir / "running.json").exists():
            assert up.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield up
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(PATIENCE_S)


def well(given: dict[str, str]) -> dict[str, str]:
    """Wait until the doctor finds nothing wrong; returns what it says."""
    deadline = time.monotonic() + 2 * PATIENCE_S
    while True:
        done = carehub(given, "doctor", "--json")
        if done.returncode == 0:
            return {line["name"]: line["state"] for line in json.loads(done.stdout)}
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.5)


def carehub(given: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub", *words], env=given, capture_output=True, text=True, check=False,
        timeout=2 * PATIENCE_S,
    )  # fmt: skip


def test_hub_is_found_well_burns_and_starts_on_what_was_restored() -> None:
    base = place() / f"carehub-test-burns-{os.getpid()}"
    base.mkdir()
    shelf = base / "shelf"
    try:
        given = environ(base / "run", shelf)
        with running(given):
            states = well(given)
            assert {states[name] for name in ("roles", "listener", "trackers", "console", "schema", "secrets")} == {
                "ok"
            }
            assert states["backup"] in ("ok", "doubt")  # doubt: here it lies on the same disk
            kept = (base / "run" / "secrets.json").read_text()
        shutil.rmtree(base / "run")

        done = carehub(given, "restore", "--from", str(shelf), "--into", str(base / "again"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "every chain of events holds" in done.stdout

        again = environ(base / "again", shelf)
        with running(again):
            assert well(again)["roles"] == "ok"
            assert (base / "again" / "secrets.json").read_text() == kept  # links that were sent stay good
    finally:
        shutil.rmtree(base, ignore_errors=True)
