"""A policy against the people there are: who cannot be reached, and hours nobody covers."""

from datetime import datetime, timedelta

import pytest

from alerts.duty import Shift
from alerts.model import Role
from alerts.policy import load
from alerts.policy_check import AHEAD, NOTES, Person, Staff, doubts
from alerts.policy_faults import Fault
from tests.unit.alerts.duty import at

NOW = at("12:00:00", 2)  # a Monday
GUARD, WORKER, OPERATOR, DAUGHTER = 20, 30, 10, 1
TEXT = """\
[policy.p]
[[policy.p.step]]
notify = [ { role = "family" }, { role = "operator" } ]
wait = "30s"

[[policy.p.step]]
notify = [
    { role = "property", roster = "东门" },
]
wait = "60s"

[[policy.p.step]]
notify = [ { role = "community" } ]
only = { between = ["08:00", "18:00"], days = "workday" }
wait = "60s"

[[policy.p.step]]
notify = [ { role = "operator" } ]
"""
PEOPLE = {
    DAUGHTER: Person(name="王小明", role=Role.FAMILY),
    OPERATOR: Person(name="李雪", role=Role.OPERATOR),
    GUARD: Person(name="赵保安", role=Role.PROPERTY, area="和平"),
    WORKER: Person(name="孙社工", role=Role.COMMUNITY, area="和平"),
}


def shift(person: int, start: datetime, hours: float, roster: str = "") -> Shift:
    return Shift(start=start, end=start + timedelta(hours=hours), person_id=person, roster=roster)


ALWAYS = AHEAD.total_seconds() / 3600
COVERED = (
    shift(OPERATOR, NOW, ALWAYS),
    shift(GUARD, NOW, ALWAYS, "东门"),
    *(shift(WORKER, at("08:00:00", day), 10) for day in range(2, 20)),
)


def asked(
    *duty: Shift, people: dict[int, Person] | None = None, text: str = TEXT, areas: tuple[str, ...] = ("和平",)
) -> tuple[Fault, ...]:
    staff = Staff(now=NOW, people=PEOPLE if people is None else people, duty=duty, areas=frozenset(areas))
    return doubts(text, load(text, rosters=("东门",)), staff)


def test_nothing_is_said_of_a_policy_that_is_covered() -> None:
    assert asked(*COVERED) == ()


def test_gap_of_a_roster_is_told_in_its_line_with_its_hours() -> None:
    gap = [s for s in COVERED if s.person_id != GUARD]
    first, *rest = asked(*gap, shift(GUARD, NOW, 10, "东门"), shift(GUARD, at("08:00:00", 3), ALWAYS, "东门"))
    assert (first.code, first.line, rest) == ("roster_gap", 8, [])
    assert first.words("zh") == "班表“东门”在未来 14 天有空档：11-02 22:00–08:00"


def test_duty_of_another_list_does_not_cover_a_roster() -> None:
    others = [shift(s.person_id, s.start, ALWAYS, "西门") if s.person_id == GUARD else s for s in COVERED]
    assert [f.code for f in asked(*others)] == ["roster_gap"]


def test_hours_outside_the_step_need_nobody() -> None:
    """The community works on workdays from 8 to 18, and the step asks for no more."""
    assert asked(*COVERED) == ()
    short = [s for s in COVERED if not (s.person_id == WORKER and s.start == at("08:00:00", 4))]
    (found,) = asked(*short)
    assert (found.code, found.line, found.facts["gaps"]) == ("role_gap", 13, "11-04 08:00–18:00")
    assert found.words("en") == "community workers (和平) have gaps in the next 14 days: 11-04 08:00–18:00"


def test_gap_of_one_area_is_not_filled_by_another() -> None:
    elsewhere = {**PEOPLE, 31: Person(name="钱社工", role=Role.COMMUNITY, area="光明")}
    found = asked(*COVERED, people=elsewhere, areas=("和平", "光明"))
    assert [(f.code, f.facts["area"]) for f in found] == [("role_gap", "光明")]
    assert asked(*COVERED, people=elsewhere, areas=("和平",)) == ()


def test_many_gaps_are_told_by_the_first_three() -> None:
    (found,) = asked(*(s for s in COVERED if s.person_id != WORKER))
    assert str(found.facts["gaps"]).endswith(", … (+8)")


def test_person_nobody_can_reach_is_told_once() -> None:
    people = {**PEOPLE, OPERATOR: Person(name="李雪", role=Role.OPERATOR, reachable=False)}
    (found,) = asked(*COVERED, people=people)
    assert (found.code, found.line) == ("no_contact", 3)
    assert found.words("zh") == "坐席 李雪 没有任何联系方式"


def test_role_nobody_has_is_a_note_and_a_last_step_of_nobody_a_doubt() -> None:
    people = {n: p for n, p in PEOPLE.items() if p.role is not Role.OPERATOR}
    assert [f.code for f in asked(*COVERED, people=people)] == ["nobody_in_role", "last_nobody"]


@pytest.mark.parametrize(
    ("promise", "code"),
    [
        ('via = "operator_confirm", auto_after = "10s"', "auto_nobody"), ('via = "operator_confirm"', "via_nobody"),
        ("nearest = 1", "nobody_in_role"),
    ],
)  # fmt: skip
def test_ambulance_nobody_is_registered_for_is_a_doubt_where_it_is_promised(promise: str, code: str) -> None:
    text = TEXT.replace(
        '    { role = "property", roster = "东门" },\n',
        f'    {{ role = "property", roster = "东门" }},\n    {{ role = "ambulance", {promise} }},\n',
    )
    (found,) = asked(*COVERED, text=text)
    assert (found.code, found.line, found.code in NOTES) == (code, 9, code == "nobody_in_role")
    assert "120" in found.words("zh")
    assert "nobody is registered" in found.words("en")
    with_120 = {**PEOPLE, 3: Person(name="120", role=Role.AMBULANCE)}
    assert asked(*COVERED, text=text, people=with_120) == ()


def test_named_fallback_covers_and_must_exist() -> None:
    text = TEXT.replace('roster = "东门" }', 'roster = "东门", fallback = [20] }')
    unguarded = [s for s in COVERED if s.person_id != GUARD]
    assert asked(*unguarded, text=text) == ()
    (found,) = asked(*unguarded, text=text.replace("[20]", "[999]"))
    assert (found.code, found.facts["person"]) == ("unknown_person", 999)


def test_family_and_neighbours_keep_no_hours() -> None:
    text = TEXT.replace('{ role = "family" }', '{ role = "family" }, { role = "neighbour" }, { role = "ambulance" }')
    people = {**PEOPLE, 2: Person(name="邻居", role=Role.NEIGHBOUR), 3: Person(name="120", role=Role.AMBULANCE)}
    assert asked(*COVERED, people=people, text=text) == ()
