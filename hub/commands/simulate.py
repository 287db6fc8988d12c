"""carehub simulate: a town lives against a hub of its own, in lock-step; an oracle compares the two accounts."""

import argparse
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from hub import logs
from hub.errors import HubError
from hub.simulated import TOWN
from hub.simulated.run import CANNOT_BEGIN, INTERRUPTED, Run

EPILOG = (
    "exit codes: 0 nothing lost, invented or late, all cases ended, and it came as the story expects; 1 not so; "
    "2 it could not begin; 130 interrupted"
)
EXPECT = re.compile(r"^\[expect\].*?(?=^\[|\Z)", re.MULTILINE | re.DOTALL)


def main(argv: list[str]) -> int:
    """Simulate one story."""
    options = _options(argv)
    logs.configure("simulate", "warning", sys.stderr)
    folder = options.keep.resolve() if options.keep else Path(tempfile.mkdtemp(prefix="carehub-simulate-"))
    if options.keep and folder.exists() and any(folder.iterdir()):
        print(f"carehub simulate: {folder} is not empty: --keep takes a folder of its own", file=sys.stderr)
        return CANNOT_BEGIN
    try:
        for path in (options.report, options.json):
            _writable(path)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # the database's account, which has no rights, must be able to enter
        run = Run(
            story=_story(options, folder), seed=options.seed, folder=folder, speed=options.speed,
            drill=options.drill, report=options.report and options.report.resolve(),
            verdict=options.json and options.json.resolve(),
        )  # fmt: skip
        return run.play()
    except HubError as err:
        print(f"carehub simulate: {err}", file=sys.stderr)
        return CANNOT_BEGIN
    except KeyboardInterrupt:
        print("carehub simulate: interrupted; nothing goes on", file=sys.stderr)
        return INTERRUPTED
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="carehub simulate", description=__doc__, epilog=EPILOG)
    parser.add_argument("file", help="a story: one of simulator/scenarios by name, or a file")
    parser.add_argument("--seed", type=int, default=1, help="what happens by chance: the same seed, the same town")
    parser.add_argument(
        "--speed", type=_positive, help="so many times as fast as real time; without it: as fast as it goes"
    )
    parser.add_argument("--report", type=Path, help="write the oracle's report (HTML)")
    parser.add_argument("--json", type=Path, help="write the oracle's figures")
    parser.add_argument("--keep", type=Path, help="keep the database and all files in this folder")
    parser.add_argument("--drill", action="store_true", help="people work the desk, in real time: see /drills")
    parser.add_argument("--residents", type=int, help="so many instead of the story's")
    parser.add_argument("--days", type=int, help="so many instead of the story's")
    return parser.parse_args(argv)


def _writable(path: Path | None) -> None:
    """Refuse at once what would be found out after the whole run."""
    if path is None:
        return
    at = path if path.exists() else path.resolve().parent
    if path.is_dir() or not at.exists() or not os.access(at, os.W_OK):
        raise HubError(f"{path} cannot be written: give a file in a folder that is there")


def _positive(word: str) -> float:
    value = float(word)
    if value <= 0:
        raise argparse.ArgumentTypeError("greater than 0")
    return value


def _story(options: argparse.Namespace, folder: Path) -> str:
    """Return the story as the simulator takes it; with other numbers, a copy beside everything else."""
    named = str(options.file)
    changes = {name: value for name, value in (("residents", options.residents), ("days", options.days)) if value}
    source = _find(named)
    if not changes:
        return str(source.resolve())
    text = source.read_text(encoding="utf-8")
    copy = folder / source.name
    copy.write_text(changed(text, changes), encoding="utf-8")
    return str(copy)


def changed(text: str, changes: dict[str, int]) -> str:
    """Return a story with other numbers in its [town]. What it expected was of its own numbers, and goes."""
    found = TOWN.search(text)
    if found is None:
        raise HubError("the story has no [town] to change: give --residents and --days with a town's story")
    end = re.search(r"^\[", text[found.end() :], re.MULTILINE)
    until = found.end() + (end.start() if end else len(text[found.end() :]))
    table = text[found.end() : until]
    for name, value in changes.items():
        line = re.compile(rf"^{name}\s*=.*$", re.MULTILINE)
        table = line.sub(f"{name} = {value}", table) if line.search(table) else f"\n{name} = {value}{table}"
    return EXPECT.sub("", text[: found.end()] + table + text[until:])


def _find(named: str) -> Path:
    if Path(named).is_file():
        return Path(named)
    shipped = Path(sys.modules["hub"].__path__[0]).parent / "simulator" / "scenarios"
    stories = {path.stem: path for path in sorted(shipped.glob("*.toml")) if TOWN.search(path.read_text("utf-8"))}
    if named not in stories:
        raise HubError(f"there is no story {named!r}: give a file, or one of {', '.join(stories)}")
    return stories[named]
