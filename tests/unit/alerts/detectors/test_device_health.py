"""Batteries and silence."""

import numpy as np

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.device_health import DeviceHealth
from alerts.model import AlertKind, Severity

from .wearers import MINUTE_MS, START_MIN, Said, fresh, tell

HEALTH = DeviceHealth()


def battery(levels: list[float], state: Columnar | None = None, start: int = 0) -> list[str]:
    said = [Said(minute=start + k, battery=level) for k, level in enumerate(levels)]
    return [f.identity for f in tell(HEALTH, fresh(HEALTH) if state is None else state, said)]


def watched(deadline_s: int, rows: int = 1) -> Columnar:
    state = fresh(HEALTH, rows)
    state["deadline_s"][:] = deadline_s
    return state


def ticks(state: Columnar, start: int, end: int) -> list[Finding]:
    """Let time pass from minute `start` to `end`, a tick every 30 seconds."""
    found: list[Finding] = []
    for half in range(2 * start, 2 * end):
        found += HEALTH.tick(state, START_MIN * MINUTE_MS + half * MINUTE_MS // 2)
    return found


def test_battery_raises_at_the_second_low_report() -> None:
    assert battery([20]) == []
    assert battery([20, 19]) == [f"T2:low:{START_MIN * MINUTE_MS}"]


def test_battery_at_ten_raises_critical_once() -> None:
    assert battery([9, 8, 7]) == [f"T2:critical:{START_MIN * MINUTE_MS}"]


def test_battery_falling_on_raises_again_at_critical() -> None:
    assert len(battery([20, 18, 15, 11, 10, 9, 5])) == 2


def test_one_low_report_between_good_ones_raises_nothing() -> None:
    assert battery([50, 15, 50, 15, 50]) == []


def test_battery_is_well_again_at_thirty() -> None:
    assert len(battery([20, 20, 29, 20, 20])) == 1
    assert len(battery([20, 20, 30, 20, 20])) == 2


def test_same_battery_report_again_is_not_a_second_one() -> None:
    state = fresh(HEALTH)
    report = Said(minute=0, battery=12)
    assert tell(HEALTH, state, [report, report, report], batch=3) == []
    assert tell(HEALTH, state, [report]) == []


def test_shuffled_battery_reports_of_one_batch_give_the_same() -> None:
    said = [Said(minute=k, battery=b) for k, b in enumerate([50, 20, 50, 19, 18, 60, 20])]
    rng = np.random.default_rng(1)
    for _ in range(20):
        found = tell(HEALTH, fresh(HEALTH), [said[i] for i in rng.permutation(len(said))], batch=len(said))
        assert [f.identity for f in found] == [f"T2:low:{(START_MIN + 3) * MINUTE_MS}"]


def test_silence_past_the_deadline_raises_once() -> None:
    state = watched(600)
    tell(HEALTH, state, [Said(minute=0, hr=70)])
    found = ticks(state, 0, 60)
    assert [(f.rule, f.kind, f.severity) for f in found] == [("T3", AlertKind.SILENCE, Severity.TECHNICAL)]
    assert found[0].identity == f"T3:{START_MIN * MINUTE_MS}"
    assert 10 < found[0].at_ms / MINUTE_MS - START_MIN <= 10.6


def test_offline_alarm_comes_after_its_deadline_and_not_five_hours_later() -> None:
    """ThingsBoard #6821: after 19,123 s instead of 600."""
    state = watched(600)
    tell(HEALTH, state, [Said(minute=0, hr=70)])
    assert ticks(state, 0, 10) == []
    assert len(ticks(state, 10, 12)) == 1


def test_unsupervised_device_may_be_silent() -> None:
    state = watched(0)
    tell(HEALTH, state, [Said(minute=0, hr=70)])
    assert ticks(state, 0, 60) == []


def test_device_that_never_spoke_is_missed_after_its_deadline() -> None:
    found = ticks(watched(600), 0, 30)
    assert [f.rule for f in found] == ["T3"]


def test_silence_ends_with_two_beats() -> None:
    state = watched(600)
    ticks(state, 0, 20)
    tell(HEALTH, state, [Said(minute=20, hr=70)])
    assert ticks(state, 20, 40) == []  # one beat, then silence: the same silence
    tell(HEALTH, state, [Said(minute=40, hr=70), Said(minute=41, hr=70)])
    assert [f.rule for f in ticks(state, 41, 60)] == ["T3"]


def test_time_the_hub_was_away_is_no_silence() -> None:
    state = watched(600)
    tell(HEALTH, state, [Said(minute=0, hr=70)])
    assert ticks(state, 0, 5) == []
    restored = {n: np.frombuffer(v.tobytes(), v.dtype).reshape(v.shape).copy() for n, v in state.items()}
    assert ticks(restored, 120, 124) == []
    found = ticks(restored, 124, 130)
    assert [f.identity for f in found] == [f"T3:{START_MIN * MINUTE_MS}"]


def test_any_message_is_a_beat() -> None:
    state = watched(600)
    for minute in range(0, 60, 5):
        tell(HEALTH, state, [Said(minute=minute)])
        assert ticks(state, minute, minute + 5) == []


def test_one_silent_device_among_many_is_the_one_found() -> None:
    state = watched(600, rows=50)
    found: list[Finding] = []
    for minute in range(30):
        tell(HEALTH, state, [Said(minute=minute, row=r) for r in range(50) if r != 17], batch=50)
        found += ticks(state, minute, minute + 1)
    assert [f.row for f in found] == [17]
