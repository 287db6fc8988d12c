"""`make fuzz`: a million damaged inputs, what a byte costs, and what coverage leads to. Seeds are printed.

python -m tests.fuzz [--inputs 1000000] [--seed 1] [--guided 120] [--no-growth]
"""

import argparse
import importlib.util
import subprocess
import sys
import time

from tests.fuzz import corpus, growth
from tests.fuzz.campaign import BLOCK, Campaign, Tally

TOLD_EVERY = 100_000


def main(argv: list[str] | None = None) -> int:
    """Return 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1, help="the first; each block of 1,000 inputs has the next")
    parser.add_argument("--guided", type=int, default=120, help="seconds led by coverage, with atheris")
    parser.add_argument("--no-growth", action="store_true", help="leave out what a byte costs")
    options = parser.parse_args(argv)
    folder = corpus.data_folder()
    seeds = corpus.seeds(folder)
    print(f"{len(seeds)} messages to start from, {len(corpus.own())} of them the project's own")
    tally = run(Campaign(seeds), options.seed, options.inputs)
    slow = (
        [] if options.no_growth else [*growth.findings(growth.decoder_cases()), *growth.findings(growth.framer_cases())]
    )
    for line in slow:
        print(f"GROWS {line}")
    lost = guided(options.guided)
    print(
        f"{tally.total} inputs, {tally.total / tally.seconds:,.0f} a second of CPU, {tally.alarms} alarms, each with"
        f" its word, {len(tally.finds)} finds, {len(slow)} costs that grow"
    )
    return 1 if tally.finds or slow or lost else 0


def run(campaign: Campaign, first: int, inputs: int) -> Tally:
    """Judge so many inputs, seed by seed, and tell what is found at once."""
    tally, told, began = Tally(), 0, time.monotonic()
    for seed in range(first, first + -(-inputs // BLOCK)):
        known = len(tally.finds)
        campaign.block(seed, tally)
        for error in list(tally.finds.values())[known:]:
            print(f"FOUND {error}\n{error.__notes__[0]}", flush=True)
        if tally.total - told >= TOLD_EVERY:
            told = tally.total
            print(f"{told:,} inputs, to seed {seed}, {time.monotonic() - began:.0f} s", flush=True)
    print("by damage: " + ", ".join(f"{how} {count:,}" for how, count in tally.inputs.most_common()))
    print("fewest: " + ", ".join(f"{name} {count:,}" for name, count in tally.grammars.most_common()[:-6:-1]))
    for what, count in tally.times.most_common():
        print(f"{count} times: {what}")
    return tally


def guided(seconds: int) -> bool:
    """Let coverage lead for a while, in a process of its own, which it instruments; whether it found something."""
    if seconds <= 0:
        return False
    if importlib.util.find_spec("atheris") is None:
        print("coverage: atheris is not installed (pip install '.[fuzz]')")
        return False
    command = [sys.executable, "-m", "tests.fuzz.guided", f"-max_total_time={seconds}"]
    return subprocess.run(command, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main())
