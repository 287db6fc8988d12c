"""Running counts of steps as steps of a minute: what detectors are told of watches that count the day's steps only."""

from datetime import UTC, datetime

from alerts.walked import FASTEST, GONE_MS, KEPT_MS, MINUTE_MS, NEWS_MS, Walked
from devices.telemetry import Observation, Telemetry, TimeQuality

WATCH = "watch3g:8800000015"


def hear(
    walked: Walked, minute: float, *, total: int | None = None, pulse: int | None = None, device: str = WATCH,
    retained: bool = False, kept_min: float | None = None,
) -> int | None:  # fmt: skip
    """Return the steps a message is said to tell of its minute."""
    at_ms = round(minute * MINUTE_MS)
    told = [("activity.steps", total), ("vital.heart_rate", pulse)]
    said = Telemetry(
        device=device, adapter="test/1",
        observations=tuple(Observation(code=code, value=value) for code, value in told if value is not None),
        measured_at=None if kept_min is None else datetime.fromtimestamp((at_ms / MINUTE_MS - kept_min) * 60, UTC),
        time_quality=TimeQuality.HUB if kept_min is None else TimeQuality.DEVICE,
    )  # fmt: skip
    found = [
        one.value
        for one in walked.hear(said, at_ms, retained=retained).observations
        if one.code == "activity.steps_minute"
    ]
    assert len(found) <= 1
    return None if not found else int(found[0] or 0)


def test_rise_of_the_count_is_told_as_steps_a_minute_and_the_same_count_as_none() -> None:
    walked = Walked()
    assert hear(walked, 0, pulse=70, total=1000) is None
    assert hear(walked, 5, pulse=90, total=1301) == 61
    assert hear(walked, 10, pulse=72, total=1301) == 0
    assert hear(walked, 15, pulse=72, total=1302) == 1


def test_count_that_was_begun_anew_or_runs_says_nothing() -> None:
    walked = Walked()
    hear(walked, 0, pulse=70, total=4000)
    assert hear(walked, 5, pulse=70, total=3) is None
    assert hear(walked, 10, pulse=70, total=3 + 6 * FASTEST) is None
    assert hear(walked, 15, pulse=70, total=3 + 6 * FASTEST) == 0


def test_pulse_waits_for_the_count_of_a_watch_that_tells_it_right_after() -> None:
    walked = Walked()
    hear(walked, 0.0, pulse=70)
    hear(walked, 0.1, total=10)
    hear(walked, 5.0, pulse=70)
    assert hear(walked, 5.1, total=10) == 0
    assert hear(walked, 10.0, pulse=140) is None
    assert hear(walked, 10.1, total=300) == 58


def test_count_told_at_times_of_its_own_speaks_for_a_pulse_while_it_is_news() -> None:
    """And says nothing alone: a watch that tells of steps and of no pulse would not be believed."""
    walked = Walked()
    hear(walked, 0, total=10)
    assert hear(walked, 8, total=10) is None
    assert hear(walked, 10, pulse=140) == 0
    assert hear(walked, 8 + NEWS_MS / MINUTE_MS + 1, pulse=140) is None
    assert hear(walked, 30, total=650) == 30
    assert hear(walked, 32, pulse=140) is None


def test_looking_twice_changes_nothing() -> None:
    walked = Walked()
    hear(walked, 0, pulse=70, total=10)
    for _ in range(2):
        assert hear(walked, 5.0, pulse=70) is None
        assert hear(walked, 5.1, total=40) == 6
        assert hear(walked, 5.2, pulse=71) is None
    assert hear(walked, 5.1, total=40) == 6
    assert hear(walked, 5.0, total=10) is None


def test_what_was_kept_by_the_device_or_the_broker_says_nothing_of_now() -> None:
    walked = Walked()
    hear(walked, 0, pulse=70, total=10)
    assert hear(walked, 4, pulse=70, total=30, retained=True) is None
    assert hear(walked, 5, pulse=70, total=20, kept_min=KEPT_MS / MINUTE_MS + 1) is None
    assert hear(walked, 5, pulse=70, total=10, kept_min=1) == 0


def test_full_table_makes_room_only_when_somebody_has_been_gone_for_a_day() -> None:
    walked = Walked(most=1)
    hear(walked, 0, pulse=70, total=10)
    hear(walked, 0, pulse=70, total=10, device="watch3g:2")
    assert hear(walked, 5, pulse=70, total=10, device="watch3g:2") is None
    assert hear(walked, 5, pulse=70, total=10) == 0
    late = 5 + GONE_MS / MINUTE_MS
    hear(walked, late, pulse=70, total=10, device="watch3g:2")
    assert hear(walked, late + 5, pulse=70, total=10, device="watch3g:2") == 0


def test_watch_that_tells_steps_of_a_minute_itself_is_left_alone() -> None:
    walked = Walked()
    said = Telemetry(
        device=WATCH, adapter="test/1",
        observations=(Observation(code="activity.steps", value=9), Observation(code="activity.steps_minute", value=0)),
    )  # fmt: skip
    assert walked.hear(said, 0) is said
