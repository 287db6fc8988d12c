"""Coverage against an oracle that asks the escalation's own rules minute by minute, and the holes it leaves."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from alerts import coverage, nearness, policy, roster
from alerts.comers import Comer, comers, hours
from alerts.coverage import Cover
from alerts.duty import Shift
from alerts.holes import HoleKind, holes
from alerts.model import Alert, AlertKind, Contact, Responder, Role, Roster, Severity
from alerts.town import Helper, Household, Link, Town

MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)  # in Shanghai
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
POLICIES = policy.load(
    """
[policy."call"]
when = { severity_at_least = "high", area = ["east"] }
[[policy."call".step]]
notify = [ { role = "family", channels = ["sms", "voice@10s"] }, { role = "operator" } ]
wait = "30s"
[[policy."call".step]]
notify = [ { role = "community" }, { role = "neighbour" } ]
only = { between = ["07:10", "22:00"] }
wait = "60s"
[[policy."call".step]]
notify = [ { role = "property", roster = "guards" } ]
wait = "60s"
[[policy."call".step]]
notify = [ { role = "county_centre" } ]
wait = "60s"
[[policy."call".step]]
notify = [ { role = "ambulance" }, { role = "operator" } ]

[policy."rest"]
[[policy."rest".step]]
notify = [ { role = "village_doctor" }, { role = "third_party", nearest = 2 } ]
wait = "60s"
[[policy."rest".step]]
notify = [ { role = "operator" } ]
""",
    rosters=("guards",),
)


def town(**changes: Any) -> Town:
    values: dict[str, Any] = {
        "households": (Household(resident_id=1, area="east"),), "helpers": (), "duty": (), "policies": POLICIES,
        "from_hour": MIDNIGHT, "hours": 24, **changes,
    }  # fmt: skip
    return Town(**values)


def guard(person_id: int = 10, **changes: Any) -> Helper:
    values: dict[str, Any] = {"role": Role.PROPERTY, "area": "east", "channels": frozenset({"mqtt"}), **changes}
    return Helper(person_id=person_id, **values)


def shift(person_id: int, start: float, end: float, name: str = "guards") -> Shift:
    return Shift(start=MIDNIGHT + start * HOUR, end=MIDNIGHT + end * HOUR, person_id=person_id, roster=name)


def codes(found: coverage.Coverage) -> list[Cover]:
    return [Cover(int(c)) for c in found.codes[0]]


# ---- the oracle ----


def coming_at(at: datetime, of: Town, home: Household) -> dict[int, tuple[Responder, int]]:
    """Ask the press's own rules who would be called at one moment, and by which step first."""
    known = {link.person_id: link.minutes for link in home.circle}
    people = [
        Responder(
            person_id=h.person_id, role=h.role, contacts=tuple(Contact(channel=c, address="x") for c in h.channels),
            on_duty=not h.keeps_hours
            or any(s.covers(at) for s in of.duty if (s.person_id, s.roster) == (h.person_id, name)),
            minutes_away=nearness.minutes_away(h.role, known.get(h.person_id), (h.lat, h.lon), (home.lat, home.lon)),
            roster=name,
        )
        for h in of.helpers
        for name in ({s.roster for s in of.duty if s.person_id == h.person_id} or {""})
        if h.person_id in known or (h.role is not Role.FAMILY and (
            h.area == home.area if h.area else h.role is not Role.NEIGHBOUR))
    ]  # fmt: skip
    chosen = of.policies.choose(
        Alert(alert_id="", kind=AlertKind.SOS, severity=Severity.CRITICAL, raised_at=at, area=home.area), at
    )
    come: dict[int, tuple[Responder, int]] = {}
    for number, step in enumerate(chosen.steps):
        for target in step.notify if chosen.open_now(number, at) else ():
            ways = {rung.channel for rung in target.channels}
            for r in roster.callable_now(replace(target, nearest=None), Roster(responders=tuple(people))):
                if not ways or ways & {c.channel for c in r.contacts}:
                    come.setdefault(r.person_id, (r, number))
    return {n: (r, step) for n, (r, step) in come.items() if r.role not in (Role.OPERATOR, Role.AMBULANCE)}


def seen_at(at: datetime, of: Town, home: Household) -> tuple[Cover, float]:
    come = {n: r for n, (r, _) in coming_at(at, of, home).items()}
    best = min((r.minutes_away for r in come.values() if r.minutes_away is not None), default=math.inf)
    if not come:
        return Cover.NOBODY, best
    if best <= of.radius_min:
        return Cover.COVERED, best
    if all(r.role is Role.COUNTY_CENTRE for r in come.values()):
        return Cover.LAST_RESORT, best
    if any(r.minutes_away is None for r in come.values()):
        return Cover.UNKNOWN, best
    others = [r for r in come.values() if r.role not in (Role.FAMILY, Role.COUNTY_CENTRE)]
    return (Cover.FAR if others else Cover.ONLY_FAMILY_FAR), best


def some_town(chance: random.Random) -> Town:
    def place() -> dict[str, float | None]:
        known = chance.random() < 0.7
        return {"lat": 38 + chance.random() / 10 if known else None, "lon": 106.0 if known else None}

    roles = [r for r in Role if r not in (Role.OPERATOR, Role.AMBULANCE)]
    helpers = tuple(
        Helper(
            person_id=n, role=(role := chance.choice(roles)),
            area="" if role is Role.FAMILY else chance.choice(["", "east", "west"]),
            channels=frozenset(chance.sample(["sms", "mqtt", "voice"], chance.randrange(3))),
            keeps_hours=role is not Role.FAMILY and not (role is Role.NEIGHBOUR and n % 2), **place(),
        )
        for n in range(1, 14)
    )  # fmt: skip
    duty = tuple(
        Shift(
            start=(start := MIDNIGHT + chance.randrange(-200, 1400) * MINUTE),
            end=start + chance.randrange(1, 700) * MINUTE, person_id=h.person_id,
            roster=chance.choice(["", "guards", "others"]),
        )
        for h in helpers if h.keeps_hours for _ in range(chance.randrange(4))
    )  # fmt: skip
    family = [h.person_id for h in helpers if h.role is Role.FAMILY or not h.keeps_hours]
    households = tuple(
        Household(
            resident_id=n, area=chance.choice(["east", "west", "south"]), **place(),
            circle=tuple(
                Link(person_id=p, minutes=chance.choice([None, 5.0, 60.0]))
                for p in chance.sample(family, min(len(family), chance.randrange(3)))
            ),
        )
        for n in range(1, 7)
    )  # fmt: skip
    return town(households=households, helpers=helpers, duty=duty, hours=10)


@pytest.mark.parametrize("seed", range(8))
def test_coverage_is_the_worst_minute_of_every_hour(seed: int) -> None:
    of = some_town(random.Random(seed))
    found = coverage.coverage(of)
    homes = {h.resident_id: h for h in of.households}
    for row, resident in enumerate(found.residents):
        for hour in range(of.hours):
            minutes = [seen_at(MIDNIGHT + hour * HOUR + n * MINUTE, of, homes[int(resident)]) for n in range(60)]
            where = f"seed {seed}, resident {resident}, hour {hour}"
            assert found.codes[row, hour] == max(code for code, _ in minutes), where
            assert math.isclose(found.minutes[row, hour], max(m for _, m in minutes), rel_tol=0.01, abs_tol=0.1), where


@pytest.mark.parametrize("seed", range(8))
def test_those_who_could_come_are_what_coverage_counts_and_whom_the_press_would_call(seed: int) -> None:
    of = some_town(random.Random(seed))
    found = coverage.coverage(of)
    homes = {h.resident_id: h for h in of.households}
    for row, resident in enumerate(map(int, found.residents)):
        for hour, told in enumerate(hours(of, resident)):
            where = f"seed {seed}, resident {resident}, hour {hour}"
            assert told.code == found.codes[row, hour], where
            assert told.minutes == found.minutes[row, hour], where
            assert (not told.people) == (told.code is Cover.NOBODY), where
            moments = [coming_at(told.first_hour + n * MINUTE, of, homes[resident]) for n in range(60)]
            people = {c.person_id: (c.role, c.step) for c in told.people}
            assert people in [{n: (r.role, step) for n, (r, step) in come.items()} for come in moments], where


@pytest.mark.parametrize("seed", range(4))
def test_runs_are_the_hours_one_after_another(seed: int) -> None:
    of = some_town(random.Random(seed))
    for home in of.households:
        runs = comers(of, home.resident_id)
        apart = [replace(run, first_hour=run.first_hour + n * HOUR, hours=1) for run in runs for n in range(run.hours)]
        assert apart == list(hours(of, home.resident_id))
    assert comers(of, 10**9) == ()


def test_whoever_could_come_is_told_with_his_list_and_the_step_that_calls_him() -> None:
    daughter = Helper(person_id=1, role=Role.FAMILY, channels=frozenset({"sms"}))
    circle = (Link(person_id=1, minutes=40), Link(person_id=10, minutes=4))
    of = town(
        helpers=(guard(10), daughter), duty=(shift(10, 8, 20),),
        households=(Household(resident_id=1, area="east", circle=circle),),
    )  # fmt: skip
    alone = Comer(person_id=1, role=Role.FAMILY, minutes=40, lists=None, step=0)
    watched = Comer(person_id=10, role=Role.PROPERTY, minutes=4, lists=("guards",), step=2)
    assert [(run.hours, run.code, run.policy, run.people) for run in comers(of, 1)] == [
        (8, Cover.ONLY_FAMILY_FAR, "call", (alone,)), (12, Cover.COVERED, "call", (watched, alone)),
        (4, Cover.ONLY_FAMILY_FAR, "call", (alone,)),
    ]  # fmt: skip


def test_person_called_off_duty_is_told_as_such() -> None:
    text = '[policy."p"]\n[[policy."p".step]]\nnotify = [ { role = "property", fallback = [10] } ]\nwait = "60s"\n'
    last = '[[policy."p".step]]\nnotify = [ { role = "operator" } ]\n'
    (run,) = comers(town(helpers=(guard(10),), policies=policy.load(text + last)), 1)
    assert [(c.person_id, c.minutes, c.lists, c.step) for c in run.people] == [(10, None, (), 0)]


# ---- what holes say ----


def test_night_without_a_guard_is_a_hole_with_first_and_last_hour() -> None:
    of = town(
        helpers=(guard(lat=38.0, lon=106.0),), duty=(shift(10, 0, 1), shift(10, 6, 24)),
        households=(Household(resident_id=1, area="east", lat=38.0, lon=106.0),),
    )  # fmt: skip
    (hole,) = holes(coverage.coverage(of))
    assert (hole.kind, hole.residents, hole.area) == (HoleKind.NOBODY, (1,), "east")
    assert (hole.first_hour, hole.last_hour) == (MIDNIGHT + HOUR, MIDNIGHT + 5 * HOUR)


def test_hand_over_in_the_middle_of_an_hour_is_no_hole_and_a_late_one_is() -> None:
    at_home = (
        Household(resident_id=1, area="east", circle=(Link(person_id=10, minutes=3), Link(person_id=11, minutes=3))),
    )
    of = town(helpers=(guard(10), guard(11)), duty=(shift(10, 0, 12.5), shift(11, 12.5, 24)), households=at_home)
    assert set(codes(coverage.coverage(of))) == {Cover.COVERED}
    late = replace(of, duty=(shift(10, 0, 12.5), shift(11, 12.6, 24)))
    assert [n for n, code in enumerate(codes(coverage.coverage(late))) if code is Cover.NOBODY] == [12]


def test_same_gap_of_neighbours_is_one_piece_of_work() -> None:
    of = town(
        helpers=(guard(lat=38.0, lon=106.0),), duty=(shift(10, 0, 20),),
        households=tuple(Household(resident_id=n, area="east", lat=38.0, lon=106.0) for n in range(1, 6)),
    )  # fmt: skip
    (hole,) = holes(coverage.coverage(of))
    assert hole.residents == (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("role", "minutes", "kind"),
    [
        (Role.FAMILY, 40, HoleKind.ONLY_FAMILY_FAR), (Role.FAMILY, None, HoleKind.UNKNOWN), (Role.FAMILY, 15, None),
        (Role.PROPERTY, 40, HoleKind.FAR), (Role.COUNTY_CENTRE, 40, HoleKind.LAST_RESORT),
    ],
)  # fmt: skip
def test_hole_is_named_by_who_is_left(role: Role, minutes: float | None, kind: HoleKind | None) -> None:
    of = town(
        helpers=(Helper(person_id=10, role=role, area="east", channels=frozenset({"sms"})),), duty=(shift(10, 0, 24),),
        households=(Household(resident_id=1, area="east", circle=(Link(person_id=10, minutes=minutes),)),),
    )  # fmt: skip
    assert {h.kind for h in holes(coverage.coverage(of))} == ({kind} if kind else set())


def test_radius_is_the_towns_own() -> None:
    of = town(
        helpers=(guard(),), duty=(shift(10, 0, 24),),
        households=(Household(resident_id=1, area="east", circle=(Link(person_id=10, minutes=20),)),),
    )  # fmt: skip
    assert coverage.coverage(of).covered == 0
    assert coverage.coverage(replace(of, radius_min=20)).covered == 1


@pytest.mark.parametrize(("channels", "mute"), [(set(), True), ({"mqtt"}, True), ({"voice"}, False)])
def test_daughter_without_a_way_to_be_reached_is_found_now_and_not_in_the_emergency(
    channels: set[str], mute: bool
) -> None:
    of = town(
        helpers=(Helper(person_id=10, role=Role.FAMILY, channels=frozenset(channels)),),
        households=(Household(resident_id=1, area="east", circle=(Link(person_id=10, minutes=5),)),),
    )  # fmt: skip
    assert coverage.coverage(of).mute == ({10: frozenset({1})} if mute else {})


def test_operators_and_ambulances_are_no_cover() -> None:
    of = town(
        helpers=tuple(
            Helper(person_id=n, role=role, channels=frozenset({"sms"}))
            for n, role in enumerate((Role.OPERATOR, Role.AMBULANCE))
        ),
        duty=(shift(0, 0, 24, ""), shift(1, 0, 24, "")),
    )
    assert set(codes(coverage.coverage(of))) == {Cover.NOBODY}


def test_person_the_policy_names_off_duty_is_the_last_to_be_asked() -> None:
    text = '[policy."p"]\n[[policy."p".step]]\nnotify = [ { role = "property", fallback = [10] } ]\nwait = "60s"\n'
    last = '[[policy."p".step]]\nnotify = [ { role = "operator" } ]\n'
    of = town(
        helpers=(guard(10), guard(11)), duty=(shift(11, 0, 12),), policies=policy.load(text + last),
        households=(
            Household(
                resident_id=1, area="east", circle=(Link(person_id=10, minutes=9), Link(person_id=11, minutes=2))
            ),
        ),
    )  # fmt: skip
    assert list(coverage.coverage(of).minutes[0]) == [2.0] * 12 + [9.0] * 12


def test_town_without_residents_is_covered() -> None:
    found = coverage.coverage(town(households=()))
    assert found.covered == 1
    assert holes(found) == ()


def test_walk_and_ride_grow_with_the_distance() -> None:
    km = np.array([0.0, 0.3, 0.6, 2.0, 10.0, np.nan])
    for model in (nearness.TOWN, nearness.CAR):
        minutes = model.minutes(km)
        assert (np.diff(minutes[:-1]) > 0).all()
        assert minutes[0] == model.start_min
        assert math.isnan(minutes[-1])


def test_one_way_is_as_long_as_the_same_way_among_many() -> None:
    for role in (Role.PROPERTY, Role.FAMILY):
        many = nearness.model_of(role).minutes(nearness.distance_km(38.0, 106.0, np.array([38.001, 38.2]), 106.0))
        one = [nearness.minutes_away(role, None, (38.0, 106.0), (lat, 106.0)) for lat in (38.001, 38.2)]
        assert one == [round(float(m), 1) for m in many]


def test_distance_is_that_of_the_globe() -> None:
    assert nearness.distance_km(0.0, 0.0, 1.0, 0.0) == pytest.approx(111.195, abs=0.01)
    assert nearness.minutes_away(Role.PROPERTY, None, (None, 106.0), (38.0, 106.0)) is None
