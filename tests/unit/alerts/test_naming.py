"""The name of a press where it hangs on what was said before: uplinks heard twice, counters that start again."""

from alerts.naming import AGAIN_MS, FORGOTTEN_MS, SAME_MS, Naming
from devices.telemetry import Telemetry

EUI, SHELLY, SLEEPER = "lorawan:0018b20000001234", "shelly1:shellies/shellyix3-A1", "shelly1:shellies/shellybutton1-A1"


def name(naming: Naming, device: str, identity: str, sequence: int, at_ms: int) -> str | None:
    return naming.hear(
        Telemetry(device=device, adapter="test/1", sequence=sequence, identity=identity), at_ms
    ).identity  # fmt: skip


def test_uplink_of_three_networks_keeps_its_first_name_and_one_sent_again_within_its_session_too() -> None:
    naming = Naming()
    assert name(naming, EUI, "a/5@1", 5, 0) == "a/5@1"
    assert name(naming, EUI, "b/5@2", 5, SAME_MS) == "a/5@1"
    assert name(naming, EUI, "b/5@3", 5, SAME_MS + 1) == "b/5@3"
    assert name(naming, EUI, "b/5@4", 5, SAME_MS + 1 + AGAIN_MS) == "b/5@3"
    assert name(naming, EUI, "b/6@5", 6, SAME_MS + 2 + AGAIN_MS) == "b/6@5"


def test_number_seen_before_is_a_new_press_after_a_join_or_a_minute() -> None:
    naming = Naming()
    name(naming, EUI, "a/5@1", 5, 0)
    assert name(naming, EUI, "c/5@2", 5, SAME_MS + 1) == "c/5@2"
    assert name(naming, EUI, "c/5@3", 5, SAME_MS + 2 + AGAIN_MS) == "c/5@3"


def test_count_that_falls_begins_another_turn_and_one_that_stays_does_not() -> None:
    naming = Naming()
    day = 86_400_000
    told = [(4, 0), (4, day), (5, day), (0, day), (1, 2 * day), (5, 3 * day), (5, 9 * day)]
    names = [name(naming, SHELLY, f"input0:{count}", count, at) for count, at in told]
    assert names == ["input0:4", "input0:4", "input0:5", "input0:0.1", "input0:1.1", "input0:5.1", "input0:5.1"]


def test_button_that_sleeps_and_says_an_old_count_after_an_hour_was_pressed() -> None:
    naming = Naming()
    at = (0, 5_000, 6_000 + FORGOTTEN_MS)
    assert [name(naming, SLEEPER, "input0:1", 1, one) for one in at] == ["input0:1", "input0:1", "input0:1.1"]


def test_counters_are_known_again_after_a_restart() -> None:
    naming = Naming()
    naming.load([(SHELLY, "input0:1.2"), (SHELLY, "input1:9"), (SHELLY, "damaged"), (SHELLY, "input2:x.1")], 0)
    assert name(naming, SHELLY, "input0:1", 1, 1_000) == "input0:1.2"
    assert name(naming, SHELLY, "input0:0", 0, 2_000) == "input0:0.3"
    assert name(naming, SHELLY, "input1:8", 8, 1_000) == "input1:8.1"


def test_names_of_other_families_are_their_own() -> None:
    assert name(Naming(), "jt808:13900000017", "alarm.sos:1", 5, 0) == "alarm.sos:1"
