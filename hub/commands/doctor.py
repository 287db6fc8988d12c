"""carehub doctor: what is wrong with this installation, and what to do about it. Changes nothing, shows no secret."""

import argparse
import asyncio
import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hub.commands.tables import width
from hub.config import PREFIX, SECRETS_FILE, Settings, load
from hub.keeping.checkup import CHECKS, Line, checkup
from hub.keeping.verdict import State

SIGNS = {State.OK: "ok", State.DOUBT: "doubt", State.WRONG: "WRONG", State.SKIPPED: "-"}


def main(argv: list[str]) -> int:
    """Return 0 when nothing is wrong, 1 when something is; doubts do not count."""
    parser = argparse.ArgumentParser(prog="carehub doctor", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    parser.add_argument("--json", action="store_true", help="for a machine: a list of name, state, says, advice")
    parser.add_argument("--only", metavar="NAME", action="append", choices=[c.name for c in CHECKS], help="this check")
    options = parser.parse_args(argv)
    settings = _as_up_has_them(options.config)
    wanted = [check for check in CHECKS if not options.only or check.name in options.only]
    lines = asyncio.run(checkup(settings, wanted))
    wrong = [line for line in lines if line.state is State.WRONG]
    if options.json:
        print(json.dumps([dataclasses.asdict(line) for line in lines], ensure_ascii=False, indent=1))
    else:
        for line in lines:
            print(_told(line))
        doubts = sum(line.state is State.DOUBT for line in lines)
        print(f"{len(wrong)} wrong, {doubts} in doubt, {len(lines)} looked at", file=sys.stderr)
    return 1 if wrong else 0


def _as_up_has_them(config: Path | None) -> Settings:
    """Return the settings with the secrets that `carehub up` keeps by itself, as its roles have them."""
    settings = load(config)
    try:
        kept = json.loads((settings.run_dir / SECRETS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return settings
    own: Mapping[str, str] = {n: v for n, v in kept.items() if n.startswith(PREFIX)} if isinstance(kept, dict) else {}
    return load(config, {**own, **os.environ})


def _told(line: Line) -> str:
    name = line.name + " " * (12 - width(line.name))
    advice = f"\n{'':20}→ {line.advice}" if line.advice else ""
    return f"{name} {SIGNS[line.state]:<6} {line.says}{advice}"
