"""Everything the report tells, measured from the recordings and the shipped detectors."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.errors import HubError
from hub.evaluate import falls, held_out, news2_cases, news2_grid, published, vitals, vitals_settings
from hub.evaluate.falls import Outcome
from hub.evaluate.settings import settings
from hub.evaluate.streams import Findings, watch
from hub.evaluate.vitals import Trial
from hub.models import fall_model

Say = Callable[[str], None]
VITALS = ("vitals/fitbit_minute_dev.npz", "vitals/fitbit_subjects_dev.csv")
CASES = "vitals/news2_cases.csv"


class DataError(HubError):
    """What is to be evaluated is not there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The report's figures, and what its pictures are drawn from."""

    figures: dict[str, Any]
    outcomes: list[Outcome]  # of the shipped model
    unseen: list[Outcome]  # of models that had not met the person, empty if they were not made now
    trial: Trial
    found: Findings
    limits: dict[str, NDArray[np.uint8]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """How much is measured. QUICK shows that the way works; its figures are worth little."""

    windows: int = vitals.WINDOWS  # rises a wearer
    days: int | None = None  # of a wearer's record
    recordings: int = 1_000_000  # of falls and daily life, spread evenly
    grid_step: int = 1  # every so many-th row of NEWS2's grid


WHOLE, QUICK = Effort(), Effort(windows=2, days=18, recordings=350, grid_step=20)


def measure(data: Path, date: str, say: Say, effort: Effort = WHOLE, alarms: Path | None = None) -> Measured:
    """Measure everything.

    Args:
        data: folder with falls/ and vitals/.
        date: what the report is dated.
        say: takes a line about how far it is.
        effort: WHOLE or QUICK.
        alarms: a file of alarms of models that had not met the person (`carehub train falls --heldout`).

    Raises:
        DataError: The folder does not hold the recordings.
    """
    missing = [name for name in ("falls", *VITALS, CASES) if not (data / name).exists()]
    if missing:
        raise DataError(f"{data} lacks {', '.join(missing)}: set CAREHUB_DATA or --data to the folder of recordings")
    used = settings(date, data) | {"quick": effort != WHOLE, "windows_per_wearer": effort.windows}
    outcomes, unseen, fall_figures = _falls(data / "falls", say, effort.recordings, alarms)
    made, found, limits = _vitals(data, say, effort)
    figures = {
        "settings": used,
        "falls": fall_figures,
        "vitals": vitals.score(made, found)
        | {"held_out": vitals_settings.card(), "anchors": published.anchors("vitals")},
        "news2": _news2(data / CASES, say, effort.grid_step),
        "limits": published.limits(),
    }
    return Measured(figures=figures, outcomes=outcomes, unseen=unseen, trial=made, found=found, limits=limits)


def _falls(
    folder: Path, say: Say, most: int, alarms: Path | None
) -> tuple[list[Outcome], list[Outcome], dict[str, Any]]:
    recordings = falls.load(folder)
    recordings = recordings[:: max(1, len(recordings) // most)]
    if not recordings:
        raise DataError(f"no recordings in {folder}: it should hold {falls.PATTERN}")
    done = 0

    def told() -> None:
        nonlocal done
        done += 1
        if done % 400 == 0:
            say(f"falls: {done} of {len(recordings)} recordings")

    say(f"falls: {len(recordings)} recordings")
    heard = falls.listen(recordings, fall_model(), told)
    judged = falls.outcomes(recordings, heard)
    unseen = falls.outcomes(recordings, held_out.alarms(alarms)) if alarms else []
    figures = {
        "in_sample": falls.tables(judged),
        "held_out": held_out.told(),
        "otherwise": held_out.otherwise(),
        "found_at_specificity": held_out.found_at_specificity(),
        "causal": falls.causal(recordings, heard, fall_model()),
        "anchors": published.anchors("falls"),
        "impacts_per_s": falls.impacts_per_s(recordings),
    }
    return judged, unseen, figures


def _vitals(data: Path, say: Say, effort: Effort) -> tuple[Trial, Findings, dict[str, NDArray[np.uint8]]]:
    wearers = vitals.load(*(data / name for name in VITALS))
    if effort.days:
        wearers = [w.until(effort.days * vitals.DAY) for w in wearers]
    made = vitals.trial(wearers, effort.windows)
    limits: dict[str, NDArray[np.uint8]] = {}
    say(f"heart rate: {len(made.wearers)} wearers, {len(made.streams)} streams")

    def told(minute: int, of: int) -> None:
        if minute % (10 * vitals.DAY) == 0:
            say(f"heart rate: day {minute // vitals.DAY} of {of // vitals.DAY}")

    return made, watch(made.streams, told, limits), limits


def _news2(cases: Path, say: Say, step: int) -> dict[str, Any]:
    def told(done: int, of: int) -> None:
        if done % 200 == 0:
            say(f"NEWS2: {done} of {of} rows of the grid")

    return {
        "cases": news2_cases.cases(cases, news2_cases.score_cases(cases)),
        "grid": news2_grid.grid(told, step),
        "missing": news2_grid.missing(),
    }
