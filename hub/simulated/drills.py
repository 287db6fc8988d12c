"""Drills: a story played in real time against a training hub of its own, for operators to work. One at once.

A drill is `carehub simulate --drill` as a process of its own, in a folder of its own with a database of its own. What
is known of it stands in its folder, so that it outlives the console that started it.
"""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub import clock
from hub.errors import HubError

WORD_FILE, MARKS_FILE, REPORT_FILE, LOG_FILE = "drill.json", "marks.json", "report.html", "simulate.log"
KEPT = 20  # drills whose reports stay; their databases go when they end
SPEEDS = (1, 2, 5, 10)
LARGEST_BYTES = 64_000  # of a story that is uploaded
NAMED = re.compile(r"[a-z0-9_]{1,60}")
STORIES = Path(__file__).parents[2] / "simulator" / "scenarios"


class DrillError(HubError):
    """A drill cannot be started; `word` names the sentence that says why."""

    def __init__(self, word: str) -> None:
        super().__init__(f"no drill: {word}")
        self.word = word


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One drill, running or over."""

    folder: Path
    story: str
    seed: int
    speed: float
    begun_by: str
    begun_at: datetime
    pid: int
    ended: bool
    stopped: bool = False
    word: dict[str, Any] = field(default_factory=dict)  # console_url, accounts; empty until it is ready
    marks: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def report(self) -> Path | None:
        path = self.folder / REPORT_FILE
        return path if path.is_file() else None

    @property
    def said(self) -> str:
        """The last it said, for whoever wonders why it ended."""
        try:
            return (self.folder / LOG_FILE).read_text(encoding="utf-8", errors="replace").strip()[-600:]
        except OSError:
            return ""


class Drills:
    """The drills of one installation."""

    def __init__(self, run_dir: Path) -> None:
        self.folder = run_dir.resolve() / "drills"
        self._children: dict[int, subprocess.Popen[bytes]] = {}  # nobody else would bury them

    def all(self) -> list[Drill]:
        """Return them, the last first."""
        found = (self._read(path) for path in sorted(self.folder.glob("*/start.json"), reverse=True))
        return [drill for drill in found if drill is not None]

    def running(self) -> Drill | None:
        return next((drill for drill in self.all() if not drill.ended), None)

    def named(self, name: str) -> Drill | None:
        return next((drill for drill in self.all() if drill.name == name), None)

    def start(self, story: str, *, body: bytes = b"", seed: int, speed: int, by: str) -> None:
        """Start a drill.

        Args:
            story: a name of simulator/scenarios; with a body, only what it is called.
            body: a story that was uploaded.

        Raises:
            DrillError: One is running, or this is none that could be played.
        """
        if self.running():
            raise DrillError("drills.one_at_once")
        if speed not in SPEEDS or len(body) > LARGEST_BYTES or (not body and story not in stories()):
            raise DrillError("drills.no_story")
        at = clock.now()
        folder = self.folder / f"{at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        folder.mkdir(parents=True, mode=0o755)
        file = story
        if body:
            file = str(folder / "story.toml")
            Path(file).write_bytes(body)
        with (folder / LOG_FILE).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "hub", "simulate", file, "--seed", str(seed), "--speed", str(speed), "--drill",
                 "--keep", str(folder / "run"), "--report", str(folder / REPORT_FILE)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={name: value for name, value in os.environ.items() if not name.startswith("CAREHUB_")},
            )  # fmt: skip
        self._children[process.pid] = process
        said = {"story": story, "seed": seed, "speed": speed, "by": by, "at": at.isoformat(), "pid": process.pid}
        (folder / "start.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
        self._sweep()

    def stop(self, name: str) -> bool:
        """End a drill; its marks are made of what happened till then. False: it is over."""
        drill = self.named(name)
        if drill is None or drill.ended:
            return False
        (drill.folder / "stopped").touch()
        os.kill(drill.pid, signal.SIGTERM)
        return True

    def _read(self, path: Path) -> Drill | None:
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            folder = path.parent
            return Drill(
                folder=folder, story=said["story"], seed=said["seed"], speed=said["speed"], begun_by=said["by"],
                begun_at=datetime.fromisoformat(said["at"]).astimezone(UTC), pid=said["pid"],
                ended=not self._alive(said["pid"], folder), stopped=(folder / "stopped").exists(),
                word=_json(folder / "run" / WORD_FILE) or {}, marks=_json(folder / "run" / MARKS_FILE),
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _alive(self, pid: int, folder: Path) -> bool:
        """Whether this drill's process runs: its number may be somebody else's by now."""
        child = self._children.get(pid)
        if child is not None and child.poll() is None:
            return True
        self._children.pop(pid, None)
        try:
            return str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def _sweep(self) -> None:
        for drill in self.all()[KEPT:]:
            shutil.rmtree(drill.folder, ignore_errors=True)


def stories() -> dict[str, str]:
    """Return the stories that are shipped: name and title."""
    found = {}
    for path in sorted(STORIES.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        title = re.search(r'^title\s*=\s*"([^"]+)"', text, re.MULTILINE)
        if NAMED.fullmatch(path.stem) and title and re.search(r"^\[town\]", text, re.MULTILINE):
            found[path.stem] = title[1]
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
