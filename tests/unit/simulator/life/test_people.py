"""Invented residents: the same seed the same people, and an old town's mixture of illnesses."""

from simulator.life import invent
from simulator.life.model import Illness, Medicine, Mix, Resident, Sensor


def test_people_of_one_seed_are_the_same_people_however_many_there_are() -> None:
    few, many = invent(7, 20), invent(7, 60)
    assert few == many[:20]
    assert few != invent(8, 20)


def test_illness_rises_with_age_and_brings_its_medicine() -> None:
    people = invent(3, 1500)
    old = [each for each in people if each.age >= 85]
    young = [each for each in people if each.age < 75]
    for illness in (Illness.DEMENTIA, Illness.HEART_FAILURE, Illness.FRAILTY):
        assert share(old, illness) > 1.5 * share(young, illness)
    failing = [each for each in people if Illness.HEART_FAILURE in each.illnesses]
    assert sum(Medicine.BETA_BLOCKER in each.medicines for each in failing) / len(failing) > 0.6
    assert all(66 <= each.age <= 98 for each in people)


def test_mixture_says_who_is_ill_and_what_homes_have() -> None:
    mix = Mix(illnesses={Illness.COPD: 1.0, Illness.DIABETES: 0.0}, bed=1.0, water=0.0, wears=0.0)
    for each in invent(2, 40, mix):
        assert Illness.COPD in each.illnesses
        assert Illness.DIABETES not in each.illnesses
        assert each.household.has(Sensor.BED)
        assert not each.household.has(Sensor.WATER)
        assert each.household.wrist is None
        assert each.household.bed in each.household.families


def test_frail_and_much_ill_are_at_high_risk() -> None:
    people = invent(3, 400)
    assert {each.risk for each in people} == {"usual", "raised", "high"}
    frail = [each.constitution.frailty for each in people if each.risk == "high"]
    spry = [each.constitution.frailty for each in people if each.risk == "usual"]
    assert sum(frail) / len(frail) > sum(spry) / len(spry)


def share(people: list[Resident], illness: Illness) -> float:
    return sum(illness in each.illnesses for each in people) / max(len(people), 1)
