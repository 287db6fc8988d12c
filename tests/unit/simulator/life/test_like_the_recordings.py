"""The invented beside the recorded: distances of distributions, held against those between halves of the real people.

Needs CAREHUB_DATA, the folder with `vitals` and `falls`. With `-s` it prints the tables that simulator/README.md shows.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from simulator.life import Life, invent
from simulator.life.model import Deed, FallKind, Mix
from tests.unit.simulator.life import likeness
from tests.unit.simulator.life.days import HEALTHY, MIDNIGHT, lived

DATA = Path(os.environ.get("CAREHUB_DATA", "/nonexistent"))
pytestmark = pytest.mark.skipif(not (DATA / "vitals").is_dir(), reason="CAREHUB_DATA is not set")

PEOPLE, DAYS = 40, 2
FALLS = {
    FallKind.FORWARD: ("F01", "F04", "front_fall"), FallKind.SIDE: ("F02", "left_fall", "right_fall", "rotate_fall"),
    FallKind.BACKWARD: ("F03", "back_fall"), FallKind.FROM_SITTING: ("F05", "F06", "F07", "F08"),
}  # fmt: skip
DEEDS = {
    Deed.WALKING: ("D01", "tug_walk"), Deed.STAIRS: ("D03", "step_up"), Deed.STANDS_UP: ("D04", "sit_stand"),
    Deed.DROPS_INTO_CHAIR: ("D05",), Deed.STUMBLES: ("D07",), Deed.HITS_TABLE: ("D09",), Deed.CLAPPING: ("D10",),
    Deed.OPENS_DOOR: ("D11",), Deed.WASHING_HANDS: ("wash_hands",), Deed.DRINKING: ("drink",), Deed.BENDS: ("pickup",),
}  # fmt: skip


def test_hearts_differ_from_the_recorded_about_as_people_do() -> None:
    real = likeness.wearers(DATA)
    people = invent(5, PEOPLE, Mix(illnesses=HEALTHY, wears=1.0))
    seen = lived(Life(people, seed=11, start=MIDNIGHT, by_itself=0.0), DAYS * 1440)
    told = seen.column("readings.told") > 0
    hr, steps = (
        np.where(told, seen.column(f"readings.{name}"), np.nan) for name in ("heart_rate_bpm", "steps")
    )  # fmt: skip
    mine = [likeness.vitals(hr[:, k], steps[:, k]) for k in range(PEOPLE) if not np.isnan(hr[:, k]).all()]
    rows = {}
    for name in real[0]:
        groups = [[each[name] for each in group if name in each] for group in (real, mine)]
        pooled = [np.concatenate(group) for group in groups]
        rows[name] = (likeness.halves(groups[0]), likeness.apart(*pooled), likeness.kolmogorov(*pooled))
    print("\n" + likeness.table(rows))
    assert np.median([beside / between for between, beside, _ in rows.values()]) < 2.5
    assert max(most for _, _, most in rows.values()) < 0.5


@pytest.mark.parametrize("falls", [True, False], ids=["falls", "daily life"])
def test_wrists_differ_from_the_recorded_not_much_more_than_people_do(*, falls: bool) -> None:
    recorded = likeness.recordings(DATA, falls=falls)
    life = Life(invent(1, 30), seed=3, start=MIDNIGHT)
    times = []
    kinds: list[tuple[FallKind | Deed, tuple[str, ...]]] = [*FALLS.items()] if falls else [*DEEDS.items()]
    pooled: dict[str, tuple[list[list[float]], list[float]]] = {}
    for what, activities in kinds:
        by_person: dict[str, list[Mapping[str, float]]] = {}
        for activity in activities:
            for who, told in recorded[activity]:
                by_person.setdefault(who, []).append(told)
        motions = [life.motion(k, what, rate_hz=25, range_g=4, before_s=5, after_s=5) for k in range(30)]  # as most
        mine = [likeness.wrist(each.accel_mg, 25.0) for each in motions]
        for name in mine[0]:
            real = [[each[name] for each in told if np.isfinite(each[name])] for told in by_person.values()]
            own = [each[name] for each in mine if np.isfinite(each[name])]
            kept, others = pooled.setdefault(name, ([], []))
            kept += [each for each in real if each]
            others += own
    rows = {}
    for name, (persons, own) in pooled.items():
        real_values, own_values = np.concatenate([np.array(each) for each in persons]), np.array(own)
        rows[name] = (
            likeness.halves([np.array(each) for each in persons]),
            likeness.apart(real_values, own_values), likeness.kolmogorov(real_values, own_values),
        )  # fmt: skip
        times.append(rows[name][1] / rows[name][0])
    print("\n" + likeness.table(rows))
    assert max(most for _, _, most in rows.values()) < 0.65
