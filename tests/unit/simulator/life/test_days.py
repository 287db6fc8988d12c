"""A day holds together: nights are for sleep, what a home tells agrees, and whoever is away moves nothing in it."""

from datetime import timedelta

import numpy as np
import pytest

from simulator.life import Life, LifeError, invent
from simulator.life.model import Doing, FallKind, Room, Sensor, What
from tests.unit.simulator.life.days import EVERYTHING, MIDNIGHT, lived, two_days


def test_night_is_for_sleep_and_noon_is_not() -> None:
    doing = two_days().column("doing")
    hour = np.arange(len(doing)) % 1440 // 60
    asleep = doing == Doing.ASLEEP
    assert asleep[(hour >= 0) & (hour < 4)].mean() > 0.8
    assert asleep[(hour >= 8) & (hour < 11)].mean() < 0.02
    slept = asleep[720:2160].sum(axis=0) / 60  # from noon to noon
    assert 5 < np.median(slept) < 10.5


def test_everybody_eats_and_uses_the_toilet_every_day() -> None:
    doing = two_days().column("doing")[1440:]
    assert ((doing == Doing.EATING).sum(axis=0) > 10).mean() > 0.95
    assert ((doing == Doing.ON_TOILET).sum(axis=0) > 5).all()


def test_nobody_is_in_the_kitchen_while_the_bed_is_occupied() -> None:
    seen = two_days()
    in_bed, room = seen.column("in_bed"), seen.column("room")
    assert (room[in_bed > 0] == Room.BEDROOM).all()
    occupied = occupancy(seen.events(Sensor.BED), 60, 2 * 1440 * 60)
    for at, who, where, value in seen.events(Sensor.MOTION):
        if value == 1.0 and where == Room.KITCHEN and not visited(at, who):
            assert not any(since < at < until for since, until in occupied[who]), (at, who)


def test_mat_and_meter_and_door_say_what_she_does() -> None:
    """Who goes out opens the door, who has been to the toilet draws water, who gets up leaves the mat."""
    seen = two_days()
    room, in_bed = seen.column("room"), seen.column("in_bed")
    doors = {(int(at // 60), who) for at, who, _, value in seen.events(Sensor.DOOR) if value == 1.0}
    out = room == Room.OUT
    for minute, who in zip(*np.nonzero(out[1:] != out[:-1]), strict=True):
        assert (minute + 1, who) in doors
    mats = {(int(at // 60), who) for at, who, _, _ in seen.events(Sensor.BED)}
    for minute, who in zip(*np.nonzero(in_bed[1:] != in_bed[:-1]), strict=True):
        assert (minute + 1, who) in mats
    drawn = {(int(at // 60), who) for at, who, _, _ in seen.events(Sensor.WATER)}
    toilet = seen.column("doing") == Doing.ON_TOILET
    for minute, who in zip(*np.nonzero(toilet[:-1] & ~toilet[1:]), strict=True):
        assert (minute + 1, who) in drawn


def test_meter_only_rises_by_what_a_person_uses() -> None:
    counts: dict[int, list[float]] = {}
    for _, who, _, value in two_days().events(Sensor.WATER):
        counts.setdefault(who, []).append(value)
    for each in counts.values():
        assert (np.diff(each) >= 0).all()
        assert 40 < (each[-1] - each[0]) / 2 < 400  # litres a day


def test_nothing_moves_in_the_home_of_who_is_away() -> None:
    life = Life(invent(1, 30, EVERYTHING), seed=4, start=MIDNIGHT + timedelta(hours=10), by_itself=0.0)
    for who in range(30):
        life.happen(who, What.GOES_AWAY, lasts=timedelta(hours=20))
    lived(life, 30)
    gone = lived(life, 600)
    assert (gone.column("room") == Room.OUT).all()
    assert not [event for event in gone.events(Sensor.MOTION) if event[3] == 1.0]
    assert not gone.events(Sensor.DOOR)
    assert not gone.events(Sensor.BED)
    litres = gone.events(Sensor.WATER)
    assert len({(who, value) for _, who, _, value in litres}) == len({who for _, who, _, _ in litres})


def test_same_seed_lives_the_same_life_and_another_seed_another() -> None:
    people = invent(1, 12, EVERYTHING)
    one, two, other = (lived(Life(people, seed=seed, start=MIDNIGHT), 500) for seed in (4, 4, 5))
    for name in ("doing", "readings.heart_rate_bpm", "readings.steps"):
        assert np.array_equal(one.column(name), two.column(name), equal_nan=True)
        assert not np.array_equal(one.column(name), other.column(name), equal_nan=True)
    assert one.events(Sensor.MOTION) == two.events(Sensor.MOTION)


def test_what_happens_to_one_leaves_the_days_of_the_others_as_they_were() -> None:
    people = invent(1, 12, EVERYTHING)
    plain, struck = (Life(people, seed=4, start=MIDNIGHT, by_itself=0.0) for _ in range(2))
    struck.happen(3, What.FALLS, MIDNIGHT + timedelta(hours=1), kind=FallKind.SIDE, lies=timedelta(hours=3))
    one, two = lived(plain, 700).column("doing"), lived(struck, 700).column("doing")
    others = np.arange(12) != 3
    assert np.array_equal(one[:, others], two[:, others])
    assert (two[61:235, 3] == Doing.ON_THE_FLOOR).all()
    assert one[400, 3] != Doing.ON_THE_FLOOR


def test_fall_is_lain_out_and_help_ends_it() -> None:
    life = Life(invent(1, 4, EVERYTHING), seed=4, start=MIDNIGHT + timedelta(hours=9), by_itself=0.0)
    life.happen(0, What.FALLS, kind=FallKind.SLIP, lies=timedelta(hours=8))
    seen = lived(life, 60)
    assert (seen.column("doing")[:, 0] == Doing.ON_THE_FLOOR).all()
    assert seen.minutes[0].began[0].what is What.FALLS
    life.happen(0, What.HELPED)
    assert lived(life, 3).column("doing")[-1, 0] != Doing.ON_THE_FLOOR
    fall = life.truth.episodes[0]
    assert fall.until == MIDNIGHT + timedelta(hours=10)
    assert fall.scripted


def test_past_and_strangers_are_refused() -> None:
    life = Life(invent(1, 2), seed=4, start=MIDNIGHT)
    with pytest.raises(LifeError, match="is past"):
        life.happen(0, What.FEVER, MIDNIGHT - timedelta(minutes=1))
    with pytest.raises(LifeError, match="no resident 2"):
        life.happen(2, What.FEVER)


def test_alarm_of_smoke_begins_and_ends() -> None:
    life = Life(invent(1, 2, EVERYTHING), seed=4, start=MIDNIGHT, by_itself=0.0)
    life.happen(1, What.SMOKE, lasts=timedelta(minutes=3))
    told = lived(life, 6).events(Sensor.SMOKE)
    assert [(who, value) for _, who, _, value in told] == [(1, 1.0), (1, 0.0)]


def test_truth_knows_when_the_watch_was_worn() -> None:
    life = Life(invent(1, 6, EVERYTHING), seed=4, start=MIDNIGHT, by_itself=0.0)
    life.happen(2, What.WATCH_OFF, MIDNIGHT + timedelta(minutes=30), lasts=timedelta(minutes=40))
    worn = lived(life, 120).column("readings.worn")
    assert not worn[30:70, 2].any()
    for who in range(6):
        spans = life.truth.worn(who)
        assert sum((span.until - span.since).total_seconds() for span in spans) / 60 == worn[:, who].sum()
        assert life.truth.worn_min[who] == worn[:, who].sum()


def occupancy(mats: list[tuple[float, int, int, float]], count: int, end_s: float) -> list[list[tuple[float, float]]]:
    """Return of each resident when the mat says that somebody lies on it."""
    spans: list[list[tuple[float, float]]] = [[] for _ in range(count)]
    since: dict[int, float] = {}
    for at, who, _, value in mats:
        if value == 1.0:
            since[who] = at
        elif who in since:
            spans[who].append((since.pop(who), at))
    for who, at in since.items():
        spans[who].append((at, end_s))
    return spans


def visited(at_s: float, who: int) -> bool:
    return bool(two_days().minutes[int(at_s // 60)].visited[who])
