"""The README's example of another maker's device, as printed: it passes what every adapter passes, and rings."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LONGEST = 30  # lines of adapter, entry and captures together: below that
BATTERY = (
    "tests/unit/devices/test_captures.py",
    "tests/unit/devices/test_fuzz.py",
    "tests/unit/devices/test_registry.py",
)
STORY = '''
"""A pull of the cord goes from its bytes to one incident."""

from tests.integration.ingest.conftest import Hub
from tests.integration.ingest.test_press import known


async def test_cord_that_is_pulled_rings_once_for_its_repeats(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "bellpull:b7")
    for count, pulls in ((41, 1), (41, 1), (42, 2)):
        hub.send("bellpull/b7/report", {"pulled": True, "n": count, "battery": 80})
        await hub.done()
        assert await hub.rows("select kind, presses from incident") == [("sos", pulls)]
    assert await hub.rows("select adapter from grammar where scheme = 'bellpull'") == [("bellpull/1",)]


async def test_cord_that_lay_in_the_broker_rings_nobody(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "bellpull:b7")
    hub.send("bellpull/b7/report", {"pulled": True, "n": 41}, retained=True)
    hub.send("bellpull/b7/report", {"pulled": None, "n": 41})
    await hub.done()
    assert await hub.rows("select kind from incident") == []
'''


def example() -> tuple[str, str, str]:
    """Return the README's adapter, its entry and its captures, as printed."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## To add a kind of device")[1].split("\n## ")[0]
    adapter, entry, captures = re.findall(r"^```\w+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return adapter, entry, captures


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project in which somebody has followed the README."""
    for name in ("devices", "alerts", "hub", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.png", "static"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    adapter, entry, captures = example()
    (tmp_path / "devices/adapters/bellpull.py").write_text(adapter, encoding="utf-8")
    registry = tmp_path / "devices/registry.py"
    text = registry.read_text(encoding="utf-8")
    for after, line in (("from devices.adapters import (\n", "    bellpull,\n"), ("] = (\n", entry)):
        assert text.count(after) == 1
        text = text.replace(after, after + line)
    registry.write_text(text, encoding="utf-8")
    for others in (tmp_path / "tests/captures").glob("*.jsonl"):
        others.unlink()  # so that every mutated payload is one of the example's
    (tmp_path / "tests/captures/bellpull.jsonl").write_text(captures, encoding="utf-8")
    (tmp_path / "tests/integration/ingest/test_bellpull.py").write_text(STORY, encoding="utf-8")
    return tmp_path


def test_example_is_short() -> None:
    assert sum(len(part.splitlines()) for part in example()) < LONGEST


def test_example_passes_what_every_adapter_passes_and_rings(copy: Path) -> None:
    story = "tests/integration/ingest/test_bellpull.py"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *BATTERY, story],
        cwd=copy, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    where = subprocess.run(
        [sys.executable, "-c", "from devices.registry import adapter_for as a; print(a('bellpull/b7/report').name)"],
        cwd=copy, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert where.stdout.strip() == "bellpull/1", "the copy was tested, not what is installed"
