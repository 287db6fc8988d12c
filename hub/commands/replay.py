"""carehub replay: sends recordings to a running hub, as the devices that made them would have sent them."""

import argparse
import asyncio
import os
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hub.errors import HubError
from hub.replay import devices, falls
from hub.replay.target import find, parse

T = TypeVar("T")


def main(argv: list[str]) -> int:
    """Return 0 when everything sent was acknowledged."""
    options = _options(argv)
    return _falls(options) if options.what == "falls" else _devices(options)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="carehub replay", description=__doc__)
    parser.add_argument(
        "--run-dir", type=Path, default=Path(os.environ.get("CAREHUB_RUN_DIR", ".carehub")),
        help="where the demo runs from (default: %(default)s)",
    )  # fmt: skip
    kinds = parser.add_subparsers(dest="what", required=True)
    wrist = kinds.add_parser("falls", help="wrist recordings (npz), burst by burst, each as a watch of its own")
    wrist.add_argument("file", type=Path)
    wrist.add_argument("--speed", type=float, default=1.0, help="1: as it was; 0: as fast as acknowledged")
    wrist.add_argument("--limit", type=int, help="only the first so many recordings")
    wrist.add_argument("--recordings", help="only these, with commas between")
    wrist.add_argument("--to", help="mqtt://user:password@host:port instead of the running demo")
    captured = kinds.add_parser("devices", help="captured payloads (JSON lines) of many makes")
    captured.add_argument("files", type=Path, nargs="+")
    for kind in (wrist, captured):
        kind.add_argument("--run-dir", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _falls(options: argparse.Namespace) -> int:
    wanted = options.recordings.split(",") if options.recordings else ()
    recordings = falls.read(options.file, wanted, options.limit)
    begun = time.monotonic()
    if options.to:
        sent = asyncio.run(_unwrapped(falls.to_listener(parse(options.to), recordings, options.speed)))
    else:
        sent = asyncio.run(_unwrapped(falls.to_demo(find(options.run_dir), recordings, options.speed)))
    asked = not options.to
    for each in sent:
        numbers = ", ".join(map(str, each.falls))
        fell = (f"fall: incident {numbers}" if numbers else "no fall") if asked else "not asked: no database"
        print(f"{each.recording:<28} bursts {each.bursts:>4}  acknowledged {each.acknowledged:>4}  {fell}")
    bursts, saved = sum(each.bursts for each in sent), sum(each.acknowledged for each in sent)
    opened = sum(bool(each.falls) for each in sent)
    took = time.monotonic() - begun
    fell = f"; {opened} with a fall" if asked else ""
    print(f"{len(sent)} recordings: {bursts} bursts sent, {saved} acknowledged in {took:.1f} s{fell}")
    return 0 if bursts == saved else 1


async def _unwrapped(work: Coroutine[Any, Any, T]) -> T:
    """Tasks side by side fail in groups; the person at the terminal wants the one reason."""
    try:
        return await work
    except* HubError as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        reason = first
    raise reason


def _devices(options: argparse.Namespace) -> int:
    captures = devices.read(options.files)
    tally = asyncio.run(_unwrapped(devices.to_demo(find(options.run_dir), captures)))
    for way in ("mqtt", "tcp"):
        print(f"{way:<6} sent {tally.sent[way]:>4}  acknowledged {tally.acknowledged[way]:>4}{NOTES[way]}")
    for kind, count in sorted(tally.no_way_in.items()):
        print(f"no way in for {kind}: {count}")
    print(f"kept unreadable: {tally.unreadable}")
    opened = ", ".join(f"{kind} {count}" for kind, count in tally.opened.items())
    print(f"incidents opened: {sum(tally.opened.values())}" + (f" ({opened})" if opened else ""))
    return 0 if tally.sent["mqtt"] == tally.acknowledged["mqtt"] else 1


NOTES: dict[str, str] = {"mqtt": "", "tcp": "  (the protocol answers LK, AL, TKQ and INIT only)"}
