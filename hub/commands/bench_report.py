"""carehub bench report: play every bench, and write one report of them: report.md, report.html and results.json."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.bench import report
from hub.bench.machine import machine
from hub.errors import HubError

FULL: Mapping[str, Sequence[str]] = {
    "ingest": ("--seconds", "60"),
    "latency": (),
    "town": (),
    "hour": ("--rate", "2000", "--seconds", "3600", "--growth"),
    "peers": ("--install",),
    "detect": (),
    "console": (),
    "escalation": (),
    "connections": (),
}
QUICK: Mapping[str, Sequence[str]] = {
    "ingest": ("--seconds", "8", "--rate", "4000", "--connections", "200"),
    "latency": ("--presses", "60", "--rate", "2000", "--connections", "100"),
    "town": ("--residents", "60000", "--seconds", "30", "--presses", "20", "--growth", "6000", "--growth-seconds", "9"),
    "hour": ("--residents", "60000", "--rate", "500", "--seconds", "60", "--presses", "20", "--growth"),
    "peers": ("--rates", "1000", "4000", "--seconds", "6", "--devices", "5000"),
    "detect": ("--repeats", "2", "--residents", "100000", "--devices", "4096", "--homes", "4000", "--streams", "200"),
    "console": ("--consoles", "20", "--changes", "20"),
    "escalation": ("--alerts", "60", "--timers", "60", "--pending", "2000", "--burst", "500", "--killed", "20",
                   "--presses", "1000"),
    "connections": ("--connections", "500", "--back-at-once", "100", "--seconds", "10"),
}  # fmt: skip
BENCH = {"hour": "town"}  # the same town, longer and slower


def main(argv: list[str]) -> int:
    """Play what is asked for and write the report; 1 if a bench failed."""
    parser = argparse.ArgumentParser(prog="carehub bench report", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short forms: minutes instead of an hour, rougher figures")
    parser.add_argument("--only", nargs="+", choices=tuple(FULL), default=tuple(FULL))
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of the report")
    parser.add_argument("--again", action="store_true", help="play nothing: write the report of the results there")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    results, failed = {}, {}
    if not options.again:
        before = machine()
        for name in options.only:
            figures, why = played(name, QUICK[name] if options.quick else FULL[name])
            if why:
                failed[name] = why
            else:
                results[name] = figures
            keep(options.out, before, results, failed, quick=options.quick)
    return write(options.out)


def played(name: str, words: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Play one bench in a process of its own; returns its figures, or why there are none."""
    bench = BENCH.get(name, name)
    command = [sys.executable, "-m", "hub", "bench", bench, *words, "--json"]
    print(f"carehub bench {bench} {' '.join(words)}", file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    last = done.stdout.splitlines()[-1:] or [""]
    print("\n".join(done.stdout.splitlines()[:-1]), flush=True)
    if done.returncode or not last[0].startswith("{"):
        return {}, f"carehub bench {bench} {' '.join(words)} ended with {done.returncode}"
    figures: dict[str, Any] = json.loads(last[0])
    return figures, ""


def keep(
    out: Path, before: Mapping[str, Any], results: Mapping[str, Any], failed: Mapping[str, str], *, quick: bool
) -> None:
    """Keep the figures after each bench: an hour must not be lost to the last minute."""
    body = {
        "machine": before, "load_after": os.getloadavg(), "quick": quick, "results": results, "failed": failed,
        "at": time.strftime("%Y-%m-%d %H:%MZ", time.gmtime()),
    }  # fmt: skip
    (out / "results.json").write_text(json.dumps(body, indent=1, ensure_ascii=False), encoding="utf-8")


def write(out: Path) -> int:
    """Write both forms of the report of what was kept.

    Raises:
        HubError: Nothing was.
    """
    path = out / "results.json"
    if not path.exists():
        raise HubError(f"there are no results in {out}: run `carehub bench report` without --again")
    kept = json.loads(path.read_text(encoding="utf-8"))
    before, failed = kept["machine"], kept["failed"]
    about = [
        f"{before['cpu']}, {before['cores']} cores, Python {before['python']}; load {before['load'][0]} before and"
        f" {kept['load_after'][0]:.2f} after, generators included; {kept['at']}."
        + (" Short forms: rough figures." if kept["quick"] else ""),
        "Every figure stands beside a floor or a peer that was measured in the same run, where there is one.",
    ]
    parts = report.sections(kept["results"], failed)
    title = "carehub: what was measured"
    (out / "report.md").write_text(report.markdown(title, about, parts), encoding="utf-8")
    (out / "report.html").write_text(report.webpage(title, about, parts), encoding="utf-8")
    print(f"report: {out / 'report.html'} and {out / 'report.md'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
