"""What was so of residents for a while: the spans an oracle may ask."""

from datetime import timedelta

from simulator.life import Life, invent
from simulator.life.model import What
from simulator.lived import GONE, LAY, LOW, SHORTEST_MIN, Lived
from simulator.town_file import Truth

from .life.days import EVERYTHING, MIDNIGHT


def test_away_a_watch_that_lies_and_short_breath_are_spans() -> None:
    people = invent(7, 12, EVERYTHING)
    life, lived = Life(people, seed=7, start=MIDNIGHT, by_itself=0), Lived(12)
    hour = timedelta(hours=1)
    life.happen(0, What.GOES_AWAY, MIDNIGHT + hour, lasts=3 * hour)
    life.happen(1, What.WATCH_OFF, MIDNIGHT + hour, lasts=4 * hour)
    life.happen(2, What.BREATHLESS, MIDNIGHT + hour, lasts=4 * hour)
    for _ in range(6 * 60):
        lived.note(life.minute())
    truth = Truth(title="x", seed=7, begins=MIDNIGHT, ends=MIDNIGHT, ended_at=MIDNIGHT, residents=12)
    lived.write(truth, lambda who: f"r{who}")
    for who, what, least in ((0, GONE, 2), (1, LAY, 3), (2, LOW, 3)):
        mine = [each for each in truth.lasting if each.resident == f"r{who}" and each.what == what]
        assert sum((each.until - each.since for each in mine), timedelta()) >= least * hour, (who, what)
    assert all(each.until - each.since >= timedelta(minutes=SHORTEST_MIN) for each in truth.lasting)
