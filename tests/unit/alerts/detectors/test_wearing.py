"""T1 and T4: a device in a drawer that goes on talking, and one that talks nonsense."""

import numpy as np

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.device_health import DeviceHealth
from alerts.model import AlertKind, Severity

from .wearers import MINUTE_MS, START_MIN, Said, fresh, tell

HEALTH = DeviceHealth()


def watch(rows: int = 1) -> Columnar:
    state = fresh(HEALTH, rows)
    state["wearable"][:] = 1
    return state


def lying(start: int, end: int, every: int = 30, row: int = 0) -> list[Said]:
    """Heartbeats of a watch on a table."""
    return [Said(minute=m, battery=80, row=row) for m in range(start, end, every)]


def names(found: list[Finding]) -> list[str]:
    return [f.identity.replace(str(START_MIN), "put on") for f in found]


def test_watch_heard_for_half_a_day_and_a_day_without_being_worn_is_told_twice() -> None:
    found = tell(HEALTH, watch(), [Said(minute=0, hr=70, steps=0), *lying(30, 3000)])
    assert [(f.rule, f.kind, f.severity) for f in found] == [("T1", AlertKind.DEVICE, Severity.TECHNICAL)] * 2
    assert [f.at_ms // MINUTE_MS - START_MIN for f in found] == [720, 1440]
    assert names(found) == ["T1:put on", "T1:day:put on"]
    assert found[0].evidence == {"unworn_min": 720}


def test_watch_that_was_bound_and_never_put_on_is_told() -> None:
    (found,) = tell(HEALTH, watch(), lying(3000, 4000))
    assert found.at_ms // MINUTE_MS - START_MIN == 3720  # half a day after it was heard first


def test_watch_that_says_it_was_taken_off_is_not_worn_whatever_pulse_it_finds() -> None:
    off = [Said(minute=m, hr=80, worn=0) for m in range(0, 800, 10)]
    assert len(tell(HEALTH, watch(), off)) == 1


def test_worn_again_it_may_be_told_anew() -> None:
    state = watch()
    tell(HEALTH, state, [Said(minute=0, hr=70), *lying(30, 800), Said(minute=800, hr=70)])
    assert state["wear"][0] == 1
    assert [f.at_ms // MINUTE_MS - START_MIN for f in tell(HEALTH, state, lying(810, 1700))] == [1530]


def test_sleeper_whose_watch_finds_a_pulse_is_wearing_it() -> None:
    assert tell(HEALTH, watch(), [Said(minute=m, hr=55, steps=0) for m in range(0, 1500, 15)]) == []


def test_pendant_that_only_counts_steps_may_lie_still_all_night() -> None:
    assert tell(HEALTH, watch(), [Said(minute=0, steps=20), *lying(30, 1500)]) == []


def test_device_that_nobody_wears_is_not_judged() -> None:
    assert tell(HEALTH, fresh(HEALTH), lying(0, 3000)) == []


def test_silent_watch_is_told_by_its_silence_alone() -> None:
    state = watch()
    state["deadline_s"][:] = 900
    tell(HEALTH, state, [Said(minute=0, hr=70)])
    silent = [f for m in range(1500) for f in HEALTH.tick(state, (START_MIN + m) * MINUTE_MS)]
    assert [f.rule for f in silent] == ["T3"]
    assert tell(HEALTH, state, lying(1500, 2100)) == []  # back, and the time begins anew
    assert len(tell(HEALTH, state, lying(2100, 2400))) == 1


def test_whole_day_in_one_batch_is_told_as_message_by_message() -> None:
    said = [Said(minute=0, hr=70), *lying(30, 900), Said(minute=905, hr=70), *lying(910, 1800)]
    one, all_at_once = tell(HEALTH, watch(), said), tell(HEALTH, watch(), said[::-1] + said[:9], batch=200)
    assert names(one) == names(all_at_once)
    assert len(one) == 2


def nonsense(start: int, count: int) -> list[Said]:
    return [Said(minute=start + k, bad=True) for k in range(count)]


def good(start: int, count: int) -> list[Said]:
    return [Said(minute=start + k, hr=70) for k in range(count)]


def test_device_half_of_whose_readings_no_body_can_show_is_told_once_until_they_are_good() -> None:
    (found,) = tell(HEALTH, fresh(HEALTH), good(0, 30) + nonsense(30, 60))
    assert (found.rule, found.kind, found.severity) == ("T4", AlertKind.DEVICE, Severity.TECHNICAL)
    assert found.at_ms // MINUTE_MS - START_MIN == 39
    assert found.evidence == {"implausible": 10, "readings": 20}
    story = nonsense(0, 30) + good(30, 10) + nonsense(40, 12) + good(52, 20) + nonsense(72, 12)
    assert len(tell(HEALTH, fresh(HEALTH), story)) == 2


def test_few_implausible_readings_are_nothing() -> None:
    assert tell(HEALTH, fresh(HEALTH), [Said(minute=m, hr=70, bad=m % 3 == 0) for m in range(200)]) == []


def test_implausible_reading_sent_again_is_one_reading() -> None:
    state = fresh(HEALTH)
    assert tell(HEALTH, state, nonsense(0, 9) * 3, batch=9) == []
    assert tell(HEALTH, state, nonsense(0, 9) * 3, batch=27) == []


def test_heartbeats_between_are_no_readings() -> None:
    said = [s for k in range(10) for s in (Said(minute=2 * k, bad=True), Said(minute=2 * k + 1, battery=80))]
    assert len(tell(HEALTH, fresh(HEALTH), said)) == 1


def test_readings_a_day_apart_say_nothing_together() -> None:
    assert tell(HEALTH, fresh(HEALTH), [Said(minute=m * 1500, bad=True) for m in range(20)]) == []


def test_shuffled_batch_of_many_devices_gives_the_same() -> None:
    said = [Said(minute=m, row=row, hr=70, bad=row == 2 and m > 20) for m in range(60) for row in range(5)]
    rng = np.random.default_rng(2)
    mixed = [said[i] for i in rng.permutation(len(said))]
    one = tell(HEALTH, fresh(HEALTH, 5), said)
    assert [(f.row, f.identity) for f in tell(HEALTH, fresh(HEALTH, 5), mixed, batch=400)] == [
        (f.row, f.identity) for f in one
    ]
    assert len(one) == 1


def test_state_restored_from_a_checkpoint_goes_on() -> None:
    state = watch()
    said = [Said(minute=0, hr=70), *nonsense(1, 12), *lying(30, 700)]
    assert [f.rule for f in tell(HEALTH, state, said)] == ["T4"]
    restored = {n: np.frombuffer(v.tobytes(), v.dtype).reshape(v.shape).copy() for n, v in state.items()}
    assert [f.rule for f in tell(HEALTH, restored, nonsense(700, 20) + lying(720, 800))] == ["T1"]
