"""A district's day as a file: what devices say, and what helpers and operators do, one JSON object a line.

    {"at": 8041.5, "who": 17, "what": "press", "topic": "carehub/w-17/event", "said": "{\\"seq\\":1,…"}    on the wire
    {"at": 8060.0, "who": 17, "what": "accept", "by": "son"}      a helper taps on the last page he got for her
    {"at": 8065.2, "who": 17, "what": "take", "by": "operator 2"} an operator at the desk

`make_day` invents what happens from a seed: presses at every hour and more in the morning, falls that are cancelled or
not, relatives who come or do not answer, guards who turn back, operators who are quick or slow, and cases that nobody
ends before midnight. `record` lets the simulator's watches say it in their own bytes.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from simulator.encoders import carehub

DAY_S = 86_400.0
RESIDENTS = 200
AREAS = 10
CASES = 0.6  # a resident and day; real districts have a tenth of it
LATE_S = DAY_S - 3600.0  # whose case nobody hears of after this still rings at midnight
HEARS_EVERY_S = 240.0  # an operator who has a case says so before the hub asks
HOURS = (1, 1, 1, 1, 1, 2, 4, 5, 5, 4, 3, 3, 3, 3, 3, 3, 3, 4, 4, 3, 3, 2, 2, 1)  # how likely something happens


WORN = {"press": "sos", "test": "sos", "fall": "fall", "cancel": "cancel"}  # what a watch calls it


class Entry(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One line of a day's log."""

    at: float
    who: int
    what: str
    by: str = ""
    topic: str = ""  # where a device published it …
    said: str = ""  # … and its bytes


def record(day: Iterable[Entry], midnight: datetime) -> Iterator[Entry]:
    """Let the simulator's watches say what happens to their wearers, as its neighbourhood puts it on the wire."""
    seq: Counter[int] = Counter()
    for entry in day:
        word = WORN.get(entry.what)
        if word is None:
            yield entry
            continue
        seq[entry.who] += 1
        more = {"of": "fall"} if word == "cancel" else {}
        identity = f"{entry.who}-{seq[entry.who]}"
        said = carehub.event(seq[entry.who], midnight + timedelta(seconds=entry.at), word, identity, **more)
        yield msgspec.structs.replace(entry, topic=carehub.topic(f"w-{entry.who}", "event"), said=said.decode())


def write(path: Path, day: Iterable[Entry]) -> None:
    encode = msgspec.json.Encoder().encode
    path.write_bytes(b"".join(encode(entry) + b"\n" for entry in day))


def read(path: Path) -> list[Entry]:
    decode = msgspec.json.Decoder(Entry).decode
    return [decode(line) for line in path.read_bytes().splitlines() if line]


def make_day(seed: int, residents: int = RESIDENTS) -> list[Entry]:
    """Return the day of a seed, in order."""
    dice = random.Random(seed)
    day: list[Entry] = []
    for who in range(1, residents + 1):
        at = 0.0
        for _ in range(_how_many(dice)):
            at = max(at + 1800.0, 3600.0 * dice.choices(range(24), HOURS)[0] + dice.uniform(0, 3600))
            if at < DAY_S - 60:
                day += _case(dice, who, round(at, 1))
    return sorted(e for e in day if e.at < DAY_S)


def _how_many(dice: random.Random) -> int:
    return sum(dice.random() < CASES / 3 for _ in range(3))


def _case(dice: random.Random, who: int, at: float) -> Iterator[Entry]:
    """How one case goes, as far as people have a hand in it."""
    what = dice.choices(("press", "fall", "vitals", "test"), (6, 2, 2, 1))[0]
    yield Entry(at=at, who=who, what=what)
    if what == "fall" and dice.random() < 0.4:
        yield Entry(at=at + dice.uniform(2, 12), who=who, what="cancel")
        return
    for again in range(dice.choice((0, 0, 0, 1, 2))):
        yield Entry(at=at + dice.uniform(5, 200) + 40 * again, who=who, what="press")
    if at > LATE_S and dice.random() < 0.3:
        return
    operator = f"operator {dice.randint(1, 4)}"
    yield from _desk(dice, who, at, operator)
    yield from _helper(dice, who, at)


def _desk(dice: random.Random, who: int, at: float, operator: str) -> Iterator[Entry]:
    taken = at + dice.choice((4, 9, 20, 45, 100, 400)) * dice.uniform(0.5, 1.5)
    yield Entry(at=taken, who=who, what="take", by=operator)
    if dice.random() < 0.3:
        yield Entry(at=taken + 2, who=who, what="take", by="operator 1")  # two operators at once
    if dice.random() < 0.3:
        yield Entry(at=taken + dice.uniform(5, 60), who=who, what=dice.choice(("120", "send", "hold", "release")),
                    by=operator)  # fmt: skip
    over = taken + dice.uniform(60, 1500)
    for n in range(1, int((over - taken) / HEARS_EVERY_S) + 1):
        yield Entry(at=taken + n * HEARS_EVERY_S, who=who, what="take", by=operator)
    for what, later in (("resolve", 0.0), ("close", dice.uniform(5, 300))):
        yield Entry(at=over + later, who=who, what=what, by=operator)
    yield Entry(at=over + 1200, who=who, what="resolve", by=operator)  # whatever had come between
    yield Entry(at=over + 1205, who=who, what="close", by=operator)


def _helper(dice: random.Random, who: int, at: float) -> Iterator[Entry]:
    helper = dice.choice(("daughter", "daughter", "son", "guard", "worker", ""))
    if not helper:
        return
    told = at + dice.uniform(15, 150)
    yield Entry(at=told, who=who, what=dice.choice(("accept", "accept", "cannot_go")), by=helper)
    there = told + dice.uniform(120, 1200)
    yield Entry(at=there, who=who, what="arrived", by=helper)
    yield Entry(at=there + 30, who=who, what="left", by=helper)  # refused, until she is handed over
    yield Entry(at=there + dice.uniform(60, 600), who=who, what="handed_over", by=helper)
