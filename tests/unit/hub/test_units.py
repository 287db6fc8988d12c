"""The systemd units: systemd itself reads them, and what they set are settings there are."""

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from hub.__main__ import COMMANDS
from hub.config import NOT_SETTINGS, load
from tests.conftest import need

UNITS = sorted(Path(str(resources.files("hub") / "deploy")).glob("carehub*.[st][ei][rm]*"))
PROGRAM = "/opt/carehub/.venv/bin/carehub"


def test_units_are_there() -> None:
    assert [unit.name for unit in UNITS] == [
        "carehub-backup.service", "carehub-backup.timer", "carehub-doctor.service", "carehub-doctor.timer",
        "carehub.service",
    ]  # fmt: skip


def test_systemd_finds_no_fault_in_them(tmp_path: Path) -> None:
    verify = need("systemd-analyze", "systemd")
    for unit in UNITS:  # the program is installed elsewhere here
        (tmp_path / unit.name).write_text(unit.read_text(encoding="utf-8").replace(PROGRAM, sys.executable))
    done = subprocess.run(
        [verify, "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "carehub" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_name_settings_and_commands_that_exist(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    given = dict(re.findall(r"^Environment=(CAREHUB_\w+)=(.*)$", text, re.MULTILINE))
    load(None, {name: value for name, value in given.items() if name not in NOT_SETTINGS})
    for command in re.findall(rf"^ExecStart={PROGRAM} (\w+)", text, re.MULTILINE):
        assert command in COMMANDS
