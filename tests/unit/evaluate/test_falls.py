"""Fall alarms are scored by their protocol: five recordings whose alarms are known, and every edge of the rules."""

from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest

from hub.evaluate.falls import (
    Recording,
    RecordingsError,
    activities,
    causal,
    impacts_per_s,
    load,
    outcomes,
    summary,
    tables,
)
from hub.evaluate.statistics import median_p95, over_wearers, share, wilson
from hub.models import fall_model

STILL = np.tile(np.array([-1000, 0, 0], np.int16), (25 * 60, 1))
FALL = Recording(
    name="fall", dataset="a", subject="a-1", group="young", activity="F01", fall=True, scorable=True, start_s=9.0,
    impact_s=10.0, rate_hz=25.0, accel=STILL, gyro=STILL,
)  # fmt: skip
UNLABELLED = replace(FALL, name="unlabelled", start_s=nan, subject="a-2")
CUT_OFF = replace(FALL, name="cut off", scorable=False)
WALK = replace(FALL, name="walk", activity="D01", fall=False, start_s=nan, impact_s=nan)
ELDER = replace(WALK, name="elder", group="elder", subject="a-3", activity="D02")
FIVE = [FALL, UNLABELLED, CUT_OFF, WALK, ELDER]


def test_five_recordings_with_known_alarms_give_the_known_figures() -> None:
    alarms = {"fall": [11.5, 12.0], "unlabelled": [50.0], "cut off": [1.0], "elder": [5.0, 20.0, 51.0]}
    told = summary(outcomes(FIVE, alarms))
    assert told["sensitivity"] == {"hits": 1, "of": 2, "share": 0.5, "ci95": wilson(1, 2)}
    assert told["specificity"] == {"hits": 1, "of": 2, "share": 0.5, "ci95": wilson(1, 2)}
    assert (told["delay_median_s"], told["delay_p95_s"]) == (1.5, 1.5)
    assert (told["false_alarms"], told["false_alarms_in_fall_recordings"]) == (2, 1)
    assert told["people"] == 3
    assert told["false_alarms_per_recorded_hour"] == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("recording", "at_s", "found"),
    [(FALL, 8.5, True), (FALL, 8.4, False), (FALL, 30.0, True), (FALL, 30.1, False), (UNLABELLED, 8.0, True),
     (UNLABELLED, 7.9, False), (WALK, 10.0, False)],
)  # fmt: skip
def test_alarm_finds_a_fall_from_its_start_to_twenty_seconds_after(
    recording: Recording, at_s: float, found: bool
) -> None:
    assert recording.finds(at_s) is found


def test_alarms_that_follow_each_other_closely_are_one() -> None:
    chain = [0.0, 29.0, 58.0]
    assert [o.false for o in outcomes([WALK], {"walk": chain})] == [1]
    assert [o.false for o in outcomes([WALK], {"walk": [0.0, 30.0]})] == [2]
    assert [o.false for o in outcomes([WALK], {})] == [0]


def test_alarm_that_nobody_can_raise_stops_the_scoring() -> None:
    with pytest.raises(RecordingsError, match="walk: an alarm at 61"):
        outcomes([WALK], {"walk": [61.0]})


def test_errors_are_told_by_activity_with_people_and_elders() -> None:
    judged = outcomes([*FIVE, replace(ELDER, name="again")], {"elder": [3.0], "again": [4.0]})
    rows = {row["activity"]: row for row in activities(judged)}
    assert rows["F01"] == {"dataset": "a", "activity": "F01", "fall": True, "recordings": 2, "wrong": 2,
                           "people_wrong": 2, "elders_wrong": 0}  # fmt: skip
    assert (rows["D01"]["wrong"], rows["D02"]["wrong"]) == (0, 2)
    assert (rows["D02"]["people_wrong"], rows["D02"]["elders_wrong"]) == (1, 2)


def test_tables_split_by_data_set_and_by_group() -> None:
    told = tables(outcomes([*FIVE, replace(FALL, name="b", dataset="b")], {"b": [10.5], "fall": [12.0]}))
    assert told["by_dataset"]["b"]["sensitivity"]["hits"] == 1
    assert told["by_dataset"]["b"]["specificity"] == {"hits": 0, "of": 0, "share": None, "ci95": None}
    assert set(told["by_group"]) == {"a young", "a elder", "b young"}
    assert told["delays_s"] == [0.5, 2.0]


def test_alarm_that_looked_ahead_is_noticed_when_the_recording_ends_right_after_it() -> None:
    quiet = fall_model()
    assert causal([WALK], {"walk": [5.0]}, quiet) == {"cut": 1, "lost_or_moved": 1}
    assert causal([WALK], {}, quiet) == {"cut": 0, "lost_or_moved": 0}


def test_impacts_are_counted_once_each_and_only_in_daily_life() -> None:
    loud = STILL.copy()
    loud[[100, 105, 300]] = [-2000, 0, 0]
    assert impacts_per_s([replace(WALK, accel=loud), replace(FALL, accel=loud)]) == pytest.approx(2 / 60)


def test_file_that_lacks_something_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "x_dev.npz", fs=np.float64(25), offset=np.array([0, 1]))
    with pytest.raises(RecordingsError, match=r"x_dev\.npz is no file of labelled recordings"):
        load(tmp_path)


def test_wilson_interval_is_the_published_one() -> None:
    low, high = wilson(81, 263) or (0, 0)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) is None
    assert share(0, 0) == {"hits": 0, "of": 0, "share": None, "ci95": None}


def test_interval_over_wearers_is_wide_when_one_of_them_has_all_the_alerts() -> None:
    even, uneven = over_wearers([5] * 8, [50] * 8, 1), over_wearers([40, *[0] * 7], [50] * 8, 1)
    assert even == (0.1, 0.1)
    assert uneven is not None
    assert uneven[0] == 0.0
    assert uneven[1] > 0.25
    assert over_wearers([], [], 1) is None
    assert median_p95([]) == (None, None)
