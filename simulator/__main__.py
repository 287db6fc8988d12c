"""python -m simulator: plays a neighbourhood against a running hub, over the wire and nothing else.

`python -m simulator plan|live|judge` invents, lives and judges a whole town in lock-step: see simulator/commands.py.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import msgspec

from simulator import commands, neighbourhood, scenario
from simulator.ledger import Ledger
from simulator.play import Play

WRITE_EVERY_S = 5.0  # an evening without an end writes its report while it goes on


def main() -> int:
    """Return 0 when the play came to its end without a fault."""
    if len(sys.argv) > 1 and sys.argv[1] in commands.COMMANDS:
        return commands.main(sys.argv[1:])
    options = _options()
    try:
        place = neighbourhood.read(options.neighbourhood)
        path = scenario.find(options.scenario or ("one_night" if options.headless else "quiet_evening"))
        names = [resident.name for resident in place.residents]
        play = scenario.read(path.read_text(encoding="utf-8"), path.name, names)
    except (OSError, msgspec.MsgspecError, scenario.ScenarioError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    if options.headless and play.operator is not scenario.Plays.SIMULATED:
        print(f'simulator: {path.name} has no end without a browser: write operator = "simulated"', file=sys.stderr)
        return 2
    ledger = Ledger(scenario=play.title, seed=options.seed)
    asyncio.run(_run(Play(place, play.at_speed(options.speed), ledger, options.seed), options.report))
    for fault in ledger.faults:
        print(f"fault: {fault}", file=sys.stderr)
    return 1 if ledger.faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--neighbourhood", type=Path, required=True, help="the file that `carehub up --demo` writes")
    parser.add_argument("--scenario", help="a name in simulator/scenarios, or a file")
    parser.add_argument("--headless", action="store_true", help="play to the end and leave")
    parser.add_argument("--speed", type=float, default=1.0, help="how much quicker people are")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same people")
    parser.add_argument("--report", type=Path, help="where the account goes (JSON)")
    return parser.parse_args()


async def _run(play: Play, report: Path | None) -> None:
    task = asyncio.create_task(play.run(), name="play")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=WRITE_EVERY_S)
            if report:
                play.ledger.write(report)
        with contextlib.suppress(asyncio.CancelledError):
            await task
    except Exception as error:
        play.ledger.fault(f"the play broke off: {error!r}")
    finally:
        if report:
            play.ledger.write(report)


if __name__ == "__main__":
    sys.exit(main())
