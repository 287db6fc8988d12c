"""The report's plots: intervals beside aims, delays, errors, and what a miss and a false alarm looked like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from alerts.detectors import baseline
from alerts.detectors.minutes import ACTIVE_MIN
from alerts.detectors.vitals import RECOVERY_BPM
from hub.evaluate.falls import Outcome
from hub.evaluate.plots import NAMELESS, TOP, Plot, Words
from hub.evaluate.streams import Findings
from hub.evaluate.vitals import RISES_BPM, Trial, asked, first_in, loud

EXAMPLES = 4  # of each kind
BEFORE_S, AFTER_S = 5.0, 7.0  # of a trace, around the impact
ALARM_AFTER_S = 2.0  # where nothing was labelled: an alarm speaks of what was so long before
BEFORE_MIN, AFTER_MIN = 240, 240
ROW_PX, MARK_PX = 28, 17
NAMES_PX = 145  # beside the rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One share with its interval; `look` is a class of the style sheet."""

    name: Words
    share: float
    between: tuple[float, float] | None
    look: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A picture with its caption."""

    caption: Words
    picture: Markup


def shares(
    title: Words, rows: Sequence[Row], marks: Sequence[tuple[float, str, Words]], top: float | None = None
) -> Markup:
    """Return shares side by side with their intervals and, upright, what they are held against.

    With `top` the axis runs from 0 to it, or to the greatest share; without, to 1 from a round value below all.
    """
    ends = [row.share for row in rows] + [end for row in rows for end in row.between or ()]
    low = 0.0 if top else min(0.9, floor(10 * min(ends, default=0.9) + 1e-9) / 10)
    high = max(top, *ends, 0.0) if top else 1.0
    plot = Plot(
        title=title, x=(low, high), y=(-0.5, len(rows) - 0.5 + len(marks) * 0.6), left=NAMES_PX, y_ticks=False,
        height=TOP + NAMELESS + ROW_PX * len(rows) + MARK_PX * len(marks),
    )  # fmt: skip
    for row_of, (at, look, label) in enumerate(marks):
        plot.upright(at, look, label, row_of)
    for number, row in enumerate(reversed(rows)):
        plot.row_name(number, row.name)
        if row.between:
            plot.whisker(row.between, number, row.look)
        plot.dot(row.share, number, row.look)
    return plot.draw()


def spread(title: Words, values: Sequence[float], x: tuple[float, float], bins: int, x_name: Words) -> Markup:
    """Return a histogram; what lies outside is counted in the last bar of its side."""
    count, edges = np.histogram(np.clip(values, *x), bins=bins, range=x)
    top = max(1, int(count.max(initial=0)))
    plot = Plot(title=title, x=x, y=(0, top), x_name=x_name, height=200)
    for height, low, high in zip(count.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if height:
            plot.bar((low, high), (0, height), "fill ours")
    return plot.draw()


def errors(rows: Sequence[Mapping[str, Any]], title: Words) -> Markup:
    """Return of each activity the share of recordings in which the answer was wrong, with the counts; "" of none."""
    if not rows:
        return Markup("")
    plot = Plot(
        title=title,
        x=(0, 1),
        y=(-0.5, len(rows) - 0.5),
        height=TOP + NAMELESS + ROW_PX * len(rows),
        left=NAMES_PX,
        y_ticks=False,
    )
    for number, row in enumerate(reversed(rows)):
        name = f"{row['dataset']} {row['activity'].replace('_', ' ')}"
        plot.row_name(number, (name, name))
        plot.bar(
            (0, row["wrong"] / row["recordings"]),
            (number - 0.3, number + 0.3),
            "fill bad" if row["fall"] else "fill strong",
        )
        told = f"{row['wrong']}/{row['recordings']}"
        plot.text(plot.at_x(row["wrong"] / row["recordings"]) + 6, plot.at_y(number) + 4, (told, told), "name")
    return plot.draw()


def reached(title: Words, rises: Mapping[str, Mapping[str, Any]]) -> Markup:
    """Return the share of rises found by so many minutes after their beginning, a line a rise."""
    plot = Plot(
        title=title, x=(0, 180), y=(0, 1.08), y_name=("share found", "已发现比例"),
        x_name=("minutes since the rise began (60: it is fully up)", "升高开始后的分钟数（60：升到最高）"),
    )  # fmt: skip
    plot.upright(60, "mark", ("ramp ends", "爬升结束"))
    for number, (bpm, rise) in enumerate(rises.items()):
        if not rise["windows"]:
            continue
        points = [(0.0, 0.0)]
        points += [(float(at), k / rise["windows"]) for k, at in enumerate(rise["delays_min"], 1)]
        points.append((180.0, points[-1][1]))
        look = ("mild", "ours", "strong")[number % 3]
        plot.steps(points, look)
        plot.text(
            plot.at_x(178),
            plot.at_y(points[-1][1]) + (-6 if number == len(rises) - 1 else 15),
            (f"+{bpm}", f"+{bpm}"),
            f"{look} label",
            "end",
        )
    return plot.draw()


def fall_examples(judged: Sequence[Outcome], missed: bool) -> list[Example]:
    """Draw a few falls that were missed, or daily recordings that alarmed; different activities first."""
    wrong = [
        o
        for o in judged
        if (o.recording.fall and o.found_at_s is None if missed else not o.recording.fall and o.alarms)
    ]
    return [Example(caption=_fall_caption(o), picture=_fall_trace(o)) for o in _varied(wrong)]


def _varied(wrong: Sequence[Outcome]) -> list[Outcome]:
    seen: dict[tuple[str, str], int] = {}
    turn = []
    for outcome in wrong:
        key = (outcome.recording.dataset, outcome.recording.activity)
        turn.append(seen.get(key, 0))
        seen[key] = turn[-1] + 1
    order = sorted(range(len(wrong)), key=lambda i: (turn[i], i))
    return [wrong[i] for i in order[:EXAMPLES]]


def _fall_caption(outcome: Outcome) -> Words:
    recording = outcome.recording
    name = f"{recording.dataset} {recording.activity.replace('_', ' ')} ({recording.group})"
    if recording.fall:
        return f"missed fall: {name}", f"漏报的跌倒：{name}"
    return f"false alarm: {name}", f"误报：{name}"


def _fall_trace(outcome: Outcome) -> Markup:
    recording = outcome.recording
    middle = recording.impact_s if recording.fall else outcome.alarms[0] - ALARM_AFTER_S
    accel = recording.accel.astype(np.float64) / 1000
    size = np.sqrt((accel * accel).sum(axis=1))
    at = np.arange(len(size)) / recording.rate_hz - middle
    inside = (at >= -BEFORE_S) & (at <= AFTER_S)
    plot = Plot(
        title=_fall_caption(outcome), x=(-BEFORE_S, AFTER_S), y=(0, max(3.0, float(size[inside].max(initial=0)) * 1.1)),
        x_name=("seconds", "秒"), y_name=("acceleration, g", "加速度 (g)"), height=200,
    )  # fmt: skip
    plot.line(zip(at[inside].tolist(), size[inside].tolist(), strict=True), "trace")
    if recording.fall:
        plot.upright(0, "mark", ("impact", "撞击"))
    for number, alarm in enumerate(outcome.alarms):
        if -BEFORE_S <= alarm - middle <= AFTER_S:
            plot.upright(alarm - middle, "bad", ("alarm", "报警") if number == 0 else ("", ""), 1)
    return plot.draw()


def vital_examples(
    made: Trial, found: Findings, limits: Mapping[str, NDArray[np.uint8]]
) -> tuple[list[Example], list[Example]]:
    """Draw false alerts of untouched wearers, different wearers first, and rises of 40 that were missed."""
    alerts = [(number, w.name, at, f.rule) for w in made.wearers for number, (at, f) in enumerate(loud(found, w.name))]
    false = []
    for _, name, at, rule in sorted(alerts)[:EXAMPLES]:
        caption = (f"false alert: {rule}, wearer {name}", f"误报：{rule}，佩戴者 {name}")
        false.append(Example(caption=caption, picture=_pulse(made, limits, name, caption, at, alert=at)))
    bpm = sorted(RISES_BPM)[len(RISES_BPM) // 2]
    missed: list[Example] = []
    for rise in asked(made, found):
        if first_in(found, rise.risen[bpm], rise.begin, rise.end) is None and len(missed) < EXAMPLES:
            caption = (f"missed rise of {bpm}: wearer {rise.wearer}", f"漏报的 +{bpm} 升高：佩戴者 {rise.wearer}")
            picture = _pulse(made, limits, rise.risen[bpm], caption, rise.begin + 60, rise=(rise.begin, rise.end))
            missed.append(Example(caption=caption, picture=picture))
    return false, missed


def _pulse(
    made: Trial, limits: Mapping[str, NDArray[np.uint8]], name: str, title: Words, middle: int, *,
    alert: int | None = None, rise: tuple[int, int] | None = None,
) -> Markup:  # fmt: skip
    stream = made.streams[name]
    start, end = max(0, middle - BEFORE_MIN), min(len(stream.hr), middle + AFTER_MIN)
    plot = Plot(
        title=title, x=(-BEFORE_MIN / 60, AFTER_MIN / 60), y=(40, 180), height=220,
        x_name=("hours", "小时"), y_name=("heart rate, bpm", "心率 (bpm)"),
    )  # fmt: skip
    if rise:
        plot.band(((rise[0] - middle) / 60, (rise[1] - middle) / 60), "shade")
    for minute in np.flatnonzero(stream.steps[start:end] > 0).tolist():
        at = (start + minute - middle) / 60
        plot.bar((at, at + 1 / 60), (40, 45), "fill steps")
    for run in _runs(limits[name][start:end] < baseline.UNKNOWN):
        plot.steps([((start + m - middle) / 60, _limit(limits[name], stream.steps, start + m)) for m in run], "limit")
    for run in _runs(stream.hr[start:end] > 0):
        plot.line([((start + m - middle) / 60, float(stream.hr[start + m])) for m in run], "trace")
    if alert is not None:
        plot.upright((alert - middle) / 60, "bad", ("alert", "报警"))
    return plot.draw()


def _limit(limit: NDArray[np.uint8], steps: NDArray[Any], minute: int) -> float:
    """V1's limit in one minute: what is usual, lifted by the walking before."""
    walked = int((steps[max(0, minute - ACTIVE_MIN + 1) : minute + 1] > 0).sum())
    return float(limit[minute]) + RECOVERY_BPM * walked


def _runs(known: NDArray[np.bool_]) -> list[range]:
    """Return the stretches in which something is known without a break."""
    padded = np.concatenate([[False], known, [False]]).astype(np.int8)
    turns = np.flatnonzero(np.diff(padded))
    return [range(int(a), int(b)) for a, b in zip(turns[::2], turns[1::2], strict=True)]
