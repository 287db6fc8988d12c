"""carehub bench detect: live wrists, vital messages and signs of homes on one core, beside plain numpy in the same run.

CPU seconds of this process; every figure is the least, the middle and the greatest of several runs.
"""

import argparse
import json
import sys
from typing import Any

from hub.bench import detect
from hub.bench.restart import restart

PARTS = ("falls", "vitals", "homes")
WORDS = {"mix": "of the mix " + ", ".join(f"{100 * share:.0f} % {kind}" for kind, share in detect.MIX.items())}


def main(argv: list[str]) -> int:
    """Measure and print; the last line is one JSON object with --json."""
    options = arguments(argv)
    figures: dict[str, Any] = {}
    for part in options.only:
        say(part)
        figures[part] = measure(part, options)
    say("state")
    figures["state"] = detect.state_bytes() | {"per_live_stream": detect.stream_bytes()}
    figures["whole"] = detect.whole(options.residents)
    print(table(figures))
    if options.restart:
        figures["restart"] = told = restart(options.residents)
        print(
            f"restart with {told['residents']:,} watches: {told['bytes'] / 1e6:.0f} MB in {told['blocks']} blocks,"
            f" made in {told['checkpoint_s']:.1f} s, restored in {told['restore_s']:.1f} s of CPU"
            f" after {told['table_s']:.1f} s for the table"
        )
    if options.json:
        print(json.dumps(figures))
    return 0


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read what is asked."""
    parser = argparse.ArgumentParser(prog="carehub bench detect", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--streams", type=int, default=1_000, help="wrists that stream at 50 Hz in bursts of 25")
    parser.add_argument("--seconds", type=int, default=10, help="of each stream")
    parser.add_argument("--devices", type=int, default=20_480, help="watches with a message a minute")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--homes", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=20, help="half-minutes of the homes' signs")
    parser.add_argument("--residents", type=int, default=detect.RESIDENTS, help="whose state is made once")
    parser.add_argument("--restart", action="store_true", help="checkpoint and restore the state of --residents")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args(argv)


def measure(part: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one part."""
    if part == "falls":
        return detect.falls(options.streams, options.seconds, options.repeats)
    if part == "vitals":
        return detect.vitals(options.devices, options.minutes, options.repeats)
    return detect.homes(options.homes, options.rounds, options.repeats)


def table(figures: dict[str, Any]) -> str:
    """Return the figures for people."""
    lines = [f"{'':<34}{'min':>12}{'median':>12}{'max':>12}"]
    for name, told in figures.get("falls", {}).items():
        share = f"{100 * told['seconds_with_impact']:.0f} % of seconds with an impact"
        lines.append(f"50 Hz streams, {WORDS.get(name, f'everybody: {name}')} ({share}, {told['alarms']} alarms)")
        lines += [_row("  streams one core sustains", told["streams_per_core"], 0)]
        lines += [_row("  CPU us a stream-second", told["us_per_stream_second"], 1)]
        lines += [_row("  magnitude and limit in numpy", told["floor_us_per_stream_second"], 1, told["ratio_to_floor"])]
    for part, what in (("vitals", "message"), ("homes", "sign")):
        if told := figures.get(part):
            lines.append(f"vital messages, {', '.join(told['detectors'])}" if part == "vitals" else "signs of homes")
            lines += [_row(f"  {what}s a second on one core", told[f"{what}s_per_s"], 0)]
            lines += [_row(f"  CPU us a {what}", told[f"us_per_{what}"], 2)]
            if through := told.get("through_hub_us_per_message"):
                lines += [_row("  … with repeats, clocks and owners", told["through_hub_messages_per_s"], 0)]
                lines += [_row("  … CPU us a message", through, 2)]
            lines += [_row("  a limit in numpy", told[f"floor_us_per_{what}"], 2, told["ratio_to_floor"])]
            if loop := told.get("one_rule_in_a_loop_us_per_message"):
                lines += [_row("  one rule in a Python loop", loop, 2, told["ratio_to_loop"])]
    state = figures["state"]
    lines.append(
        f"state: {state['per_device']} bytes a device, {state['per_home']} a home, {state['per_live_stream']} a live "
        f"stream; {state['residents']:,} watches {state['mb_watches']:.0f} MB, with a home each "
        f"{state['mb_watches_and_homes']:.0f} MB"
    )
    whole = figures["whole"]
    lines.append(
        f"{whole['residents']:,} residents with a watch and a home, made once: {whole['mb']:.0f} MB "
        f"({whole['mb_resident']:.0f} as the system counts), {whole['bytes_each']:.0f} bytes each"
    )
    return "\n".join(lines)


def _row(name: str, told: dict[str, float], digits: int, ratio: float | None = None) -> str:
    shown = "".join(f"{told[which]:>12,.{digits}f}" for which in ("min", "median", "max"))
    return f"{name:<34}{shown}" + ("" if ratio is None else f"   ({ratio:.1f} times that)")


def say(part: str) -> None:
    """Tell where it is, on standard error."""
    print(f"{part} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
