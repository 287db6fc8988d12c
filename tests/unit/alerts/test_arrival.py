"""Who says he is there, and what shows it."""

from datetime import timedelta

import pytest

from alerts.arrival import Position, arrived_at, better, distance_m, proof_of
from alerts.events import Arrived, HandedOver, Raised
from alerts.model import AlertKind, Proof, Role, Severity, State, TimerKind
from tests.unit.alerts.duty import GUARD, NIGHT, SON, XIAO_LI, Duty, alert, at, sos

HOME = (38.47, 106.26)
SAID = at("02:20:00")
AT_HER_DOOR = Position(lat=38.4705, lon=106.2602, accuracy_m=20)  # 58 m
ACROSS_TOWN = Position(lat=38.50, lon=106.26, accuracy_m=30)  # 3.3 km


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


@pytest.mark.parametrize(
    ("presses", "since", "position", "home", "proof", "distance"),
    [
        ([], None, None, HOME, Proof.TOLD, None),
        ([SAID - minutes(1)], None, None, HOME, Proof.BUTTON, None),
        ([SAID + minutes(1.9)], None, None, HOME, Proof.BUTTON, None),
        ([SAID - minutes(2.1)], None, None, HOME, Proof.TOLD, None),
        ([SAID - minutes(1)], SAID - minutes(1), None, HOME, Proof.TOLD, None),  # her own, that opened the case
        ([], None, AT_HER_DOOR, HOME, Proof.POSITION, 60),
        ([], None, AT_HER_DOOR, None, Proof.TOLD, None),  # nobody knows where she lives
        ([], None, Position(lat=38.4705, lon=106.2602, accuracy_m=101), HOME, Proof.TOLD, 60),  # too blurred
        ([], None, Position(lat=38.4718, lon=106.26, accuracy_m=20), HOME, Proof.TOLD, 200),  # near, not there
        ([], None, ACROSS_TOWN, HOME, None, 3340),
        ([], None, Position(lat=38.50, lon=106.26, accuracy_m=3000), HOME, Proof.TOLD, 3340),  # may be anywhere
        ([], None, Position(lat=float("nan"), lon=0, accuracy_m=1), HOME, Proof.TOLD, None),
        ([], None, Position(lat=91, lon=0, accuracy_m=1), HOME, Proof.TOLD, None),
        ([SAID], None, ACROSS_TOWN, HOME, Proof.BUTTON, 3340),  # her button is pressed: somebody is there
    ],
)
def test_proof_is_the_best_that_speaks_for_him(  # noqa: PLR0917 - the columns of the table
    presses: list[object], since: object, position: Position | None, home: tuple[float, float] | None,
    proof: Proof | None, distance: int | None,
) -> None:  # fmt: skip
    shown = proof_of(SAID, presses=presses, since=since, position=position, home=home)  # type: ignore[arg-type]
    assert (shown.proof, shown.distance_m) == (proof, distance)


def test_distance_is_the_one_over_the_ground() -> None:
    assert distance_m(Position(lat=38.47, lon=106.26, accuracy_m=1), HOME) == 0
    assert distance_m(Position(lat=39.47, lon=106.26, accuracy_m=1), HOME) == pytest.approx(111_195, abs=5)


@pytest.mark.parametrize(
    ("new", "old", "is_better"),
    [(Proof.BUTTON, Proof.TOLD, True), (Proof.TOLD, Proof.TOLD, False), (Proof.TOLD, Proof.BUTTON, False),
     (Proof.POSITION, None, True), (None, Proof.TOLD, False), (Proof.POSITION, Proof.TIME, True),
     (Proof.TOLD, None, False), (Proof.BUTTON, Proof.POSITION, True), (Proof.TIME, Proof.POSITION, False)],
)  # fmt: skip
def test_second_word_counts_when_it_is_worth_more(new: Proof | None, old: Proof | None, is_better: bool) -> None:
    assert better(new, old) is is_better


def there(proof: Proof | None = Proof.TOLD) -> Duty:
    night = sos()
    night.until("02:16:00")
    night.takes(XIAO_LI)
    night.does(Arrived(person_id=GUARD, proof=proof))
    return night


def test_her_button_after_he_said_so_proves_it_and_rings_who_has_it() -> None:
    night = there().until("02:17:30")
    decision = night.press()
    assert night.incident.proof is Proof.BUTTON
    assert {p.role for p in decision.pages} <= {Role.PROPERTY, Role.OPERATOR}
    assert night.incident.state is State.ON_SCENE


def test_press_long_after_proves_nothing() -> None:
    night = there().until("02:18:01")
    night.press()
    assert night.incident.proof is Proof.TOLD


def test_press_alone_is_never_an_arrival() -> None:
    night = sos()
    night.press()
    assert (night.incident.state, night.incident.proof) == (State.OPEN, None)


def test_who_has_said_so_for_ten_minutes_is_presumed_to_be_there_when_the_time_comes() -> None:
    night = there()
    assert [night.until(clock).incident.proof for clock in ("02:25:59", "02:26:00")] == [Proof.TOLD, Proof.TIME]
    assert night.last.reasons == (("presumed", {"person": GUARD, "proof": "time"}),)
    assert (night.last.pages, night.last.withdraw) == ((), False)  # it is written, and nobody is woken for it


def test_presumption_puts_nothing_off() -> None:
    night = there()
    expires = night.incident.expires_at
    night.until("02:27:00")
    assert (night.incident.expires_at, night.incident.state) == (expires, State.ON_SCENE)
    assert night.incident.timer is not None
    assert (night.incident.timer.kind, night.incident.timer.due_at) == (TimerKind.EXPIRY, expires)


def test_operators_who_have_not_taken_it_ring_on_while_he_is_presumed_to_be_there() -> None:
    night = sos().until("02:16:00")
    night.does(Arrived(person_id=GUARD, proof=Proof.TOLD))
    night.until("02:26:00")
    assert night.incident.proof is Proof.TIME
    assert night.called("02:26:00") == ["02:26:00 xiao li console", "02:26:00 lao zhang console"]
    night.until("02:27:00")
    assert night.called("02:26:30") == ["02:27:00 xiao li console", "02:27:00 lao zhang console"]


def test_presumption_is_written_before_what_happens_in_the_same_moment() -> None:
    night = there()
    night.now = at("02:26:00")  # the timer is due and has not fired yet
    night.does(HandedOver(person_id=GUARD, to="120 #4711"))
    assert night.incident.proof is Proof.TIME
    assert [what for what, _ in night.last.reasons] == ["presumed", "handed_over"]


def test_nothing_is_waited_for_once_his_position_or_her_button_proves_it() -> None:
    position, press = Arrived(person_id=GUARD, proof=Proof.POSITION), Raised(alert=alert(now=at("02:17:00")))
    for proof in (position, press):
        night = there().until("02:17:00")
        night.does(proof)
        assert night.incident.timer is not None
        assert night.incident.timer.due_at == night.incident.expires_at


def test_saying_it_again_does_not_talk_away_a_phone_that_is_elsewhere() -> None:
    night = there(None)
    night.does(Arrived(person_id=GUARD, proof=Proof.TOLD))
    assert night.incident.proof is None
    night.until("02:30:00")
    assert night.incident.proof is None


def test_who_is_there_when_it_gets_worse_came_when_he_came() -> None:
    text = NIGHT.replace('[policy."急"]', '[policy."急"]\nscene_expires = "20m"')
    night = Duty(text=text).opens(alert(AlertKind.VITALS, Severity.MEDIUM, at("02:14:07")))
    night.takes(XIAO_LI)
    night.does(Arrived(person_id=GUARD, proof=Proof.TOLD))
    arrived = night.now
    night.until("02:19:00")
    night.press()
    assert night.incident.policy.name == "急"
    assert (night.incident.proof, arrived_at(night.incident)) == (Proof.TOLD, arrived)
    night.until("02:24:07")
    assert night.incident.proof is Proof.TIME


def test_who_stayed_less_is_still_unproved() -> None:
    night = there().until("02:20:00")
    night.does(HandedOver(person_id=GUARD, to="120 #4711"))
    assert night.incident.proof is Proof.TOLD


def test_time_does_not_speak_for_a_phone_that_is_elsewhere() -> None:
    night = there(None).until("02:30:00")
    night.does(HandedOver(person_id=GUARD, to="her son"))
    assert night.incident.proof is None


def test_second_word_with_a_position_makes_it_better_and_the_first_stays_who_it_was() -> None:
    night = there()
    night.does(Arrived(person_id=GUARD, proof=Proof.POSITION, distance_m=60))
    assert night.incident.proof is Proof.POSITION
    night.does(Arrived(person_id=SON, proof=Proof.BUTTON))
    assert (night.incident.responder_id, night.incident.proof) == (GUARD, Proof.POSITION)


def test_moment_of_arrival_is_known_from_the_expiry() -> None:
    night = there()
    arrived = night.now
    night.until("02:19:00")
    assert arrived_at(night.incident) == arrived


def test_proof_goes_when_the_case_goes_back_to_the_queue() -> None:
    night = there().until("03:30:00")
    assert night.incident.state is State.OPEN
    assert night.incident.proof is None
