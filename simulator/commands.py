"""plan, live, judge: what `carehub simulate` starts one after the other, each useful by itself.

Exit codes: 0 all is well; 1 the judge found something lost or invented, or the living broke off; 2 it could not begin.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import httpx
import msgspec

from simulator import oracle, report, scenario, story, story_file, town, town_file
from simulator.live import Living
from simulator.lockstep import StepError
from simulator.makers import NoEncoderError
from simulator.town_file import Account, Joined, Town, Truth

COMMANDS = ("plan", "live", "judge")


def main(words: list[str]) -> int:
    """Run one of the three and return its exit code."""
    options = _options(words)
    try:
        match options.command:
            case "plan":
                return _plan(options)
            case "live":
                return _live(options)
            case _:
                return _judge(options)
    except (OSError, msgspec.MsgspecError, scenario.ScenarioError, NoEncoderError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # whoever started it says so


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    plan = commands.add_parser("plan", help="invent the town of a story")
    live = commands.add_parser("live", help="live it against a hub that stands at its beginning")
    judge = commands.add_parser("judge", help="hold the hub's account against the truth")
    for each in (plan, live):
        each.add_argument("file", help="a story: a name in simulator/scenarios, or a file")
        each.add_argument("--seed", type=int, default=1)
    plan.add_argument("--out", type=Path, required=True)
    live.add_argument("--town", type=Path, required=True)
    live.add_argument("--joined", type=Path, required=True)
    live.add_argument("--truth", type=Path, required=True)
    live.add_argument(
        "--speed", type=float, help="at most so many times as fast as real time; without: as fast as it goes"
    )
    judge.add_argument("--truth", type=Path, required=True)
    judge.add_argument("--account", type=Path, required=True)
    judge.add_argument("--report", type=Path, help="HTML, whole in one file")
    judge.add_argument("--json", type=Path)
    judge.add_argument("--drill", action="store_true", help="say in the report that people sat at the desk")
    return parser.parse_args(words)


def _story(name: str) -> story.Story:
    path = scenario.find(name)
    text = path.read_text(encoding="utf-8")
    if not story_file.is_story(text):
        raise scenario.ScenarioError(path.name, 1, "it has no [town]: it is a play for `carehub up --demo`")
    return story_file.read(text, path.name)


def _plan(options: argparse.Namespace) -> int:
    made = town.plan(_story(options.file), options.seed)
    town_file.write(options.out, made)
    devices = sum(len(resident.devices) for resident in made.residents)
    print(f"{made.title}: {len(made.residents)} residents, {devices} devices, {len(made.people)} people to call")
    return 0


def _live(options: argparse.Namespace) -> int:
    made = town_file.read(options.town, Town)
    joined = town_file.read(options.joined, Joined)
    living = Living(_story(options.file), made, joined, seed=options.seed, speed=options.speed)
    broke_off = ""
    try:
        asyncio.run(living.run())
    except (StepError, TimeoutError, httpx.HTTPError) as error:
        broke_off = f"the living broke off: {error!r}"
        living.chronicle.fault(broke_off)
        print(f"simulator: {broke_off}", file=sys.stderr)
    town_file.write(options.truth, living.chronicle.truth)
    return 1 if broke_off else 0


def _judge(options: argparse.Namespace) -> int:
    truth = town_file.read(options.truth, Truth)
    verdict = oracle.judge(truth, town_file.read(options.account, Account))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(verdict), indent=1))
    if options.report:
        options.report.write_text(report.page(truth, verdict, drill=options.drill), encoding="utf-8")
    for line in verdict.words():
        print(line)
    return 0 if verdict.passed else 1
