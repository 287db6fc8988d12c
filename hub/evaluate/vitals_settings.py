"""Settings of V1 and V2 chosen on all wearers but one and judged on that one: what choosing them on few wearers costs.

For every wearer in turn the setting is taken that does best on the others: most added rises of 40 bpm found while there
are no more than MOST_ALERTS medium and high alerts a wearer-day, then the shortest median delay, then the fewest
alerts; where no setting is so quiet, the quietest. The figures of those left out, each under the setting chosen without
him, are added up by `vitals.score`. Only the numbers of SETTINGS are chosen so: the shape of the rules was found
looking at all wearers.

What a detector has learnt of a wearer does not depend on these settings. So everybody's past is fed once, and for every
setting only pieces of the record, which begin a day earlier than they count: limits and latches are then as they would
be. The counts are package data, `vitals_card.json`, written by `carehub evaluate vitals-settings`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np

from alerts.detectors import baseline, minutes, vitals
from alerts.detectors.detector import Columnar, Finding, new_state
from hub.errors import HubError
from hub.evaluate.streams import Findings, SideBySide, Stream
from hub.evaluate.vitals import DAY, RISES_BPM, Trial, Wearer, score, trial

CARD = "vitals_card.json"
MOST_ALERTS = 0.05  # a wearer-day
LEAD_MIN = DAY  # a piece begins so long before it counts
PIECE_MIN = 2 * DAY  # of untouched record
PLACES = (
    (baseline, "RISE_BPM"), (baseline, "SPREADS"), (baseline, "ABOVE_P99_BPM"), (baseline, "LEAST_BPM"),
    (vitals, "RECOVERY_BPM"), (minutes, "TRUST_MIN"),
)  # fmt: skip
Told = Callable[[str], None]


class CardError(HubError):
    """The card of the settings is not what the report needs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """The numbers of V1 and V2 that were chosen by looking at wearers, under the names they have in the detectors."""

    rise_bpm: float
    spreads: float
    above_p99_bpm: float
    least_bpm: float
    recovery_bpm: int
    trust_min: int
    v1_times: int
    v1_window: int


def shipped() -> Setting:
    """Return the setting that the detectors have."""
    numbers = {name.lower(): getattr(module, name) for module, name in PLACES}
    return Setting(**numbers, v1_times=vitals.V1.times, v1_window=vitals.V1.window)


@contextmanager
def using(setting: Setting) -> Iterator[None]:
    """Let the detectors of this process have a setting for a while. Nothing that serves residents does this."""
    before = [(module, name, getattr(module, name)) for module, name in PLACES]
    before += [(vitals, name, getattr(vitals, name)) for name in ("V1", "RULES")]
    rule = replace(vitals.V1, times=setting.v1_times, window=setting.v1_window)
    try:
        for module, name in PLACES:
            setattr(module, name, getattr(setting, name.lower()))
        vitals.RULES = tuple(rule if one is vitals.V1 else one for one in vitals.RULES)  # type: ignore[assignment]
        vitals.V1 = rule
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


# One number at a time, then some together.
CHANGES: Sequence[Mapping[str, float]] = (
    {}, {"rise_bpm": 22.0}, {"rise_bpm": 30.0}, {"spreads": 2.5}, {"spreads": 3.5},
    {"above_p99_bpm": 2.0}, {"above_p99_bpm": 8.0}, {"least_bpm": 80.0}, {"least_bpm": 90.0},
    {"recovery_bpm": 1}, {"recovery_bpm": 3}, {"trust_min": 60}, {"trust_min": 120},
    {"v1_times": 7, "v1_window": 10}, {"v1_times": 13, "v1_window": 18},
    {"rise_bpm": 22.0, "trust_min": 120}, {"rise_bpm": 22.0, "recovery_bpm": 3}, {"rise_bpm": 22.0, "least_bpm": 90.0},
    {"rise_bpm": 30.0, "trust_min": 60}, {"rise_bpm": 30.0, "recovery_bpm": 1}, {"least_bpm": 80.0, "trust_min": 120},
    {"rise_bpm": 22.0, "v1_times": 13, "v1_window": 18}, {"rise_bpm": 30.0, "v1_times": 7, "v1_window": 10},
    {"above_p99_bpm": 2.0, "recovery_bpm": 3, "trust_min": 120},
)  # fmt: skip


def grid() -> list[Setting]:
    """Return the settings that are tried: the shipped one first, then those around it."""
    return [replace(shipped(), **change) for change in CHANGES]  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Minutes `start` to `end` of a stream, of which those from `counts` on are asked; `past` is fed before it."""

    stream: str
    past: str
    start: int
    counts: int
    end: int


def pieces(made: Trial) -> list[Piece]:
    """Return what has to be fed for every setting: the untouched records in parts, and the hours about each rise."""
    out = [
        Piece(stream=w.name, past=w.name, start=max(0, at - LEAD_MIN), counts=at, end=min(at + PIECE_MIN, len(w.hr)))
        for w in made.wearers
        for at in range(0, len(w.hr), PIECE_MIN)
    ]
    for rise in made.rises:
        counts = rise.begin - 60
        out += [
            Piece(stream=name, past=rise.plain, start=max(0, counts - LEAD_MIN), counts=counts, end=rise.end)
            for name in (rise.plain, *rise.risen.values())
        ]
    return out


def learn(streams: Mapping[str, Stream], wanted: Sequence[Piece], say: Told) -> Columnar:
    """Feed everybody's past once; return the state that each piece begins with, a row a piece."""
    detector = vitals.VitalsDetector()
    until: dict[str, int] = {}
    for piece in wanted:
        until[piece.past] = max(until.get(piece.past, 0), piece.start)
    beside = SideBySide({name: Stream(*(part[:end] for part in streams[name])) for name, end in until.items()})
    row_of = {name: row for row, name in enumerate(beside.names)}
    cuts: dict[int, list[int]] = {}
    for number, piece in enumerate(wanted):
        cuts.setdefault(piece.start, []).append(number)
    state, kept = new_state(detector.fields, len(beside.names)), new_state(detector.fields, len(wanted))
    for minute in range(beside.longest + 1):
        if minute % (10 * DAY) == 0:
            say(f"what is usual: day {minute // DAY} of {beside.longest // DAY}")
        if numbers := cuts.get(minute):
            those = [row_of[wanted[number].past] for number in numbers]
            for key, column in state.items():
                kept[key][numbers] = column[those]
        rows, _, batch = beside.minute(minute)
        detector.observe(state, rows, batch)
    return kept


def play(streams: Mapping[str, Stream], wanted: Sequence[Piece], kept: Columnar) -> Findings:
    """Feed the pieces under the setting that is used now; return by stream what is found and in which minute of it."""
    detector = vitals.VitalsDetector()
    beside = SideBySide(
        {str(k): Stream(*(part[p.start : p.end] for part in streams[p.stream])) for k, p in enumerate(wanted)},
        {str(k): p.start for k, p in enumerate(wanted)},
    )
    numbers = [int(name) for name in beside.names]
    state = {key: column[numbers] for key, column in kept.items()}
    found: dict[str, list[tuple[int, Finding]]] = {p.stream: [] for p in wanted}
    for minute in range(beside.longest):
        rows, _, batch = beside.minute(minute)
        for finding in detector.observe(state, rows, batch):
            piece = wanted[numbers[finding.row]]
            if piece.start + minute >= piece.counts:
                found[piece.stream].append((piece.start + minute, finding))
    return {name: sorted(several, key=lambda told: told[0]) for name, several in found.items()}


def only(made: Trial, names: set[str]) -> Trial:
    """Return the part of a trial that is about these wearers."""
    return Trial(
        wearers=[w for w in made.wearers if w.name in names],
        streams=made.streams,
        rises=[rise for rise in made.rises if rise.wearer in names],
    )


def merit(told: Mapping[str, Any]) -> tuple[float, ...]:
    """Return by what settings are compared, greater is better; `told` is what `vitals.score` says."""
    rate, rise = told["alerts"]["per_wearer_day"], told["rises"]["40"]
    if rate > MOST_ALERTS:
        return (0, -rate)
    return (1, rise["sensitivity"] or 0.0, -(rise["delay_median_min"] or np.inf), -rate)


def held_out(wearers: Sequence[Wearer], windows: int, seed: int, say: Told) -> dict[str, Any]:
    """Return the card: every setting in sample, the one chosen without each wearer, and the figures of those left out.

    Args:
        wearers: two or more.
        windows: rises a wearer.
        seed: of the windows.
        say: takes a line about how far it is.
    """
    made = trial(wearers, windows, seed)
    wanted, settings = pieces(made), grid()
    kept = learn(made.streams, wanted, say)
    found = []
    for number, setting in enumerate(settings):
        say(f"setting {number + 1} of {len(settings)}")
        with using(setting):
            found.append(play(made.streams, wanted, kept))
    return _card(made, found, seed, windows)


def _card(made: Trial, found: Sequence[Findings], seed: int, windows: int) -> dict[str, Any]:
    names = sorted(w.name for w in made.wearers)
    chosen = {name: choose(only(made, {*names} - {name}), found) for name in names}
    of = {name: name for name in names}
    of |= {name: rise.wearer for rise in made.rises for name in (rise.plain, *rise.risen.values())}
    left_out = {stream: found[chosen[name]][stream] for stream, name in of.items()}
    ways = {"held_out": left_out, "in_sample": found[0]}
    asked = only(made, {*names})
    return {
        "windows_per_wearer": windows,
        "seed": seed,
        "most_alerts": MOST_ALERTS,
        "shipped": asdict(shipped()),
        **{way: _told(score(asked, heard)) for way, heard in ways.items()},
        "by_wearer": [  # in the order of their names, which are not ours to tell
            {"chosen": dict(CHANGES[chosen[name]])}
            | {way: _brief(score(only(made, {name}), heard)) for way, heard in ways.items()}
            for name in names
        ],
        "settings": [
            {"change": dict(change), **_brief(score(asked, heard))}
            for change, heard in zip(CHANGES, found, strict=True)
        ],
    }


def choose(made: Trial, found: Sequence[Findings]) -> int:
    """Return which setting does best; of equals the first."""
    return max(range(len(found)), key=lambda k: merit(score(made, found[k])))


def _told(told: dict[str, Any]) -> dict[str, Any]:
    """What the report shows of figures."""
    rises = {bpm: {key: value for key, value in rise.items() if key != "delays_min"}
             for bpm, rise in told["rises"].items()}  # fmt: skip
    alerts = {key: told["alerts"][key] for key in ("count", "per_wearer_day", "ci95_wearers")}
    return {"wearers": told["wearers"], "wearer_days": told["wearer_days"], "alerts": alerts, "rises": rises}


def _brief(told: Mapping[str, Any]) -> dict[str, Any]:
    rises = {str(bpm): told["rises"][str(bpm)] for bpm in RISES_BPM}
    return {
        "alerts": told["alerts"]["count"],
        "wearer_days": round(told["wearer_days"], 1),
        "rises": {bpm: [rise["found"], rise["windows"]] for bpm, rise in rises.items()},
        "delay_median_min": rises["40"]["delay_median_min"],
    }


def card() -> dict[str, Any]:
    """Return the card that was written last; empty without one, or where it is about another setting than is shipped.

    Raises:
        CardError: It cannot be read.
    """
    held = files("alerts.detectors") / CARD
    if not held.is_file():
        return {}
    try:
        told = dict(json.loads(held.read_text(encoding="utf-8")))
        return told if told["shipped"] == asdict(shipped()) else {}
    except (ValueError, KeyError, TypeError) as err:
        raise CardError(
            f"{CARD} cannot be read ({err}): write it anew with `carehub evaluate vitals-settings`"
        ) from err
