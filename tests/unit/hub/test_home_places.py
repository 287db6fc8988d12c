"""Who is who among a few homes, from the rows the database hands over."""

import numpy as np

from alerts.detectors.home_signs import Sign
from hub.home_places import NOBODY, SIGN_ROOM, among, distinct
from hub.homes import ALIVE_MOST_MIN, Homes
from hub.store.followed import EVERYBODY, FENCE, QUIET, SENSOR, USUAL, Sensors

# resident, device, sign: she of 20 has a sensor, a mat and a watch, he of 10 a meter, she of 30 a fence and a tracker.
LINES = [(20, 5, Sign.MOTION), (20, 2, Sign.BED_IN), (20, 9, 0), (10, 7, Sign.WATER), (30, 3, Sign.PLACE)]


def sensors(lines: list[tuple[int, int, int]], *, fence: bool = True, deadline_s: int = 4 * 3600) -> Sensors:
    rows = np.zeros(len(lines), SENSOR)
    for k, (resident, device, sign) in enumerate(lines):
        rows[k]["resident"], rows[k]["device"], rows[k]["sign"] = resident, device, sign
    fences = np.array([(30, 38.48, 106.23, 500), (77, 38.0, 106.0, 900)] if fence else [], FENCE)
    return Sensors(lines=rows, deadline_s=np.full(len(lines), deadline_s), fences=fences)


def followed() -> Homes:
    homes = Homes(offset_min=480)
    assert homes.follow(sensors(LINES)).tolist() == [0, 1, 2]
    return homes


def test_devices_are_told_apart_by_what_they_say() -> None:
    places = followed().places
    assert places.device.tolist() == [2, 3, 5, 7, 9]
    assert places.ears.tolist() == [5, 7], "where something sees motion, it; else whatever there is"
    assert places.beds.tolist() == [2]
    assert places.watches.tolist() == [3, 9]
    assert places.fenced.tolist() == [3]
    assert places.pairs.tolist() == sorted(device * SIGN_ROOM + sign for _, device, sign in LINES if sign)
    assert places.rows_of(np.array([9, 7, 3, 4, 100])).tolist() == [1, 0, 2, NOBODY, NOBODY]
    assert places.only(np.array([1, 2]))(places.device).tolist() == [2, 3, 5, 9]
    assert places.only(np.array([1, 2]))(places.beds).tolist() == [2]


def test_homes_say_what_they_have() -> None:
    homes = followed()
    assert homes.resident_id.tolist() == [10, 20, 30]
    assert homes.state["has"].tolist() == [
        1 << Sign.WATER, 1 << Sign.MOTION | 1 << Sign.BED_IN | 1 << Sign.BED_OUT, 1 << Sign.PLACE,
    ]  # fmt: skip
    assert homes.state["alive_every_min"].tolist() == [ALIVE_MOST_MIN, 240, ALIVE_MOST_MIN]
    assert homes.state["fence_m"].tolist() == [0, 0, 500]


def test_rows_are_kept_when_others_come_and_go() -> None:
    homes = followed()
    homes.state["door_min"][:] = 1, 2, 3
    assert homes.follow(sensors([(5, 1, Sign.DOOR), (20, 5, Sign.MOTION)], fence=False)).tolist() == [3]
    assert homes.resident_id.tolist() == [10, 20, 30, 5]
    assert homes.state["door_min"].tolist() == [1, 2, 3, 0]
    assert homes.rows_of(np.array([5, 6, 20, 10])).tolist() == [3, NOBODY, 1, 0]
    assert homes.places.rows_of(np.array([1, 5, 7])).tolist() == [3, 1, NOBODY]
    assert homes.state["fence_m"].tolist() == [0, 0, 0, 0]


def test_what_is_known_of_somebody_stands_with_her_and_the_hubs_own_silence_with_all_others() -> None:
    homes = followed()
    homes.quiet(np.array([(EVERYBODY, 0, 0, 60), (20, 100, 200, 50), (99, 1, 2, 3)], QUIET))
    assert homes.state["quiet_until_ms"].tolist() == [0, 200, 0]
    assert homes.state["anew_ms"].tolist() == [60, 50, 60]
    homes.usual(np.array([(30, 420, 480, 9, -1, 1), (99, 1, 1, 1, 1, 1)], USUAL))
    assert homes.state["usual_up_min"].tolist() == [-1, -1, 420]
    assert homes.state["meter_noisy"].tolist() == [0, 0, 1]
    homes.leaks([(20, 7, 8), (99, 1, 2)])
    assert homes.state["leak_day"].tolist() == [0, 7, 0]


def test_numbers_are_found_among_others_and_told_once() -> None:
    assert among(np.array([3, 4, 9]), np.array([1, 3, 9])).tolist() == [True, False, True]
    assert among(np.array([3]), np.zeros(0, np.int64)).tolist() == [False]
    assert distinct(np.array([5, 1, 5, 3])).tolist() == [1, 3, 5]
    assert distinct(np.zeros(0, np.int64)).tolist() == []


def test_nobody_is_followed() -> None:
    homes = Homes(offset_min=0)
    homes.quiet(np.zeros(0, QUIET))
    assert len(homes) == 0
    assert homes.rows_of(np.array([1])).tolist() == [NOBODY]
    assert homes.places.only(np.zeros(0, np.int64))(homes.places.device).tolist() == []
