"""A town is invented from its story and a seed: everybody once, nobody twice, the same again."""

import msgspec
import pytest

from simulator import story_file, town
from simulator.story import Story
from simulator.town_file import Town

STORY = """\
title = "x"
[town]
residents = 120
communities = ["和平社区", "兴旺社区"]
starts = "2026-03-10"
homes_a_gateway = 5

[[resident]]
name = "王秀兰"
community = "兴旺社区"
age = 91
wears = "carehub"
door_code = ""

[[people]]
who = "property"
of = "和平社区"
number = 3
on_duty = "19:00 to 07:00"
"""


@pytest.fixture(scope="module")
def told() -> Story:
    return story_file.read(STORY, "x.toml")


@pytest.fixture(scope="module")
def made(told: Story) -> Town:
    return town.plan(told, 7)


def test_same_seed_invents_the_same_town_and_another_seed_another(told: Story, made: Town) -> None:
    assert msgspec.json.encode(town.plan(told, 7)) == msgspec.json.encode(made)
    assert town.plan(told, 8).residents != made.residents


def test_nobody_and_nothing_is_there_twice(made: Town) -> None:
    addresses = [device.address for resident in made.residents for device in resident.devices]
    names = [resident.name for resident in made.residents]
    phones = [she.phone for she in made.residents] + [each.phone for each in made.people]
    keys = [she.key for she in made.residents] + [each.key for each in made.people]
    for each in (addresses, names, phones, keys):
        assert len(set(each)) == len(each)
    assert all(phone.startswith("000 ") for phone in phones)


def test_every_family_serves_somebody_and_every_gateway_has_devices(made: Town) -> None:
    people = {person.key for person in made.people}
    assert all(contact.person in people for resident in made.residents for contact in resident.contacts)
    assert all(resident.contacts for resident in made.residents)
    used = {device.gateway for resident in made.residents for device in resident.devices if device.gateway}
    assert used == {gateway.name for gateway in made.gateways}
    assert made.tcp == ("watch3g",)


def test_resident_of_the_story_lives_as_it_says(made: Town) -> None:
    she = made.residents[0]
    assert (she.name, she.community, she.door_code) == ("王秀兰", "兴旺社区", "")
    assert she.born.startswith(("1934", "1935"))
    assert she.devices[0].family == "carehub"


def test_shifts_are_the_storys_where_it_names_them(made: Town) -> None:
    guards = [person for person in made.people if person.role == "property"]
    peace = [person for person in guards if person.area == "和平社区"]
    assert [(each.shift.since, each.shift.until) for each in peace if each.shift] == [("19:00", "07:00")] * 3
    assert len(guards) == 3 + 4


def test_watch_is_silent_when_it_has_missed_three_reports(made: Town) -> None:
    watches = [device for resident in made.residents for device in resident.devices if device.kind == "watch"]
    assert {watch.deadline_s for watch in watches} == {900}


def test_gateway_stands_before_as_many_homes_as_the_story_says(made: Town) -> None:
    homes: dict[str, set[str]] = {}
    for she in made.residents:
        for device in she.devices:
            if device.gateway:
                homes.setdefault(device.gateway, set()).add(she.key)
    assert max(len(each) for each in homes.values()) == 5  # some have homes with nothing in them
    assert len(homes) in (24, 25)


def test_whose_lungs_never_bring_her_to_94_has_the_scale_her_doctor_would_set(told: Story, made: Town) -> None:
    bodies = {body.number: body for body in town.bodies(told, 7)}
    second = [each for each in made.residents if each.spo2_scale == 2]
    assert second
    assert all("copd" in each.risks and bodies[each.index].constitution.spo2_pct < 92.5 for each in second)
    assert all(bodies[each.index].constitution.spo2_pct >= 92.5 for each in made.residents
               if "copd" in each.risks and each.spo2_scale == 1)  # fmt: skip
