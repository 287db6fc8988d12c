"""Firmware that can be read and is wrong: each quirk of the table, on the wire."""

from itertools import pairwise

import pytest

from simulator.encoders.encoder import Body
from simulator.quirks import SEEN, Quirk
from tests.unit.simulator.test_speakers import NOON, later, press, report, speaker


def test_every_quirk_says_where_it_was_seen() -> None:
    assert set(SEEN) == set(Quirk)


@pytest.mark.parametrize(("quirk", "pulse"), [(Quirk.ZERO, 0), (Quirk.FULL, 255), (Quirk.MISSING, None)])
def test_watch_without_contact_says_a_pulse_that_is_none(quirk: Quirk, pulse: int | None) -> None:
    device, line, _ = speaker()
    device.condition.quirk = quirk
    device.report(NOON, Body(heart_rate_bpm=None), 0, worn=False)
    assert line.words[0].get("hr") == pulse


def test_watch_with_contact_says_what_it_measured() -> None:
    device, line, _ = speaker()
    device.condition.quirk = Quirk.ZERO
    report(device)
    assert line.words[0]["hr"] == 70


def test_press_sent_twice_has_two_identities_and_is_one_press_of_the_truth() -> None:
    device, line, clock = speaker()
    device.condition.quirk = Quirk.TWICE
    sent = press(device)
    later(clock, 3)
    first, second = (said["id"] for said in line.words)
    assert (second, sent.identity) == (f"{first}-2", f"sos:{first}")
    assert sent.copies == 1


def test_null_island_is_said_with_every_report() -> None:
    device, line, _ = speaker()
    device.condition.quirk = Quirk.NULL_ISLAND
    report(device)
    assert (line.words[1]["lat"], line.words[1]["lon"]) == (0.0, 0.0)


def test_sequence_begins_anew_now_and_then() -> None:
    device, line, _ = speaker()
    device.condition.quirk = Quirk.RESTARTS
    for _ in range(60):
        report(device)
    numbers = [int(str(said["seq"])) for said in line.words]
    restarts = [now for before, now in pairwise(numbers) if now < before]
    assert 3 <= len(restarts) <= 20
    assert set(restarts) == {1}


def test_field_is_missing_now_and_then_and_an_alarm_stays_one() -> None:
    device, line, clock = speaker()
    device.condition.quirk = Quirk.MISSING
    for _ in range(60):
        report(device)
    whole = max(len(said) for said in line.words)
    assert 8 <= sum(len(said) < whole for said in line.words) <= 30
    line.said.clear()
    press(device)
    later(clock, 60)
    assert {said["event"] for said in line.words} == {"sos"}
    assert len({said["id"] for said in line.words}) == 1


def test_stuck_status_says_what_it_said_first() -> None:
    device, line, _ = speaker()
    device.condition.quirk = Quirk.STUCK
    device.state("worn", NOON, on=True)
    device.state("worn", NOON, on=False)
    assert line.said[0][1].split(b'"event"')[-1] == line.said[1][1].split(b'"event"')[-1]
