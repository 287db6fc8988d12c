"""Which trials are made of which device, and what the questions start from."""

import pytest

from hub.device_life import Check
from hub.device_trials import Tried, has_button, has_plug, speaks, trials

SOS, VOICE, LOCATION, POWER = Check.SOS, Check.VOICE, Check.LOCATION, Check.POWER


@pytest.mark.parametrize(
    ("device", "wanted"),
    [
        (Tried(address="z2m:home/zigbee2mqtt/button"), (SOS,)),
        (Tried(address="watch3g:6000000017"), (SOS, VOICE, LOCATION)),
        (Tried(address="jt808:013800000017"), (SOS, VOICE, LOCATION)),
        (Tried(address="gt06:868120000000017"), (SOS, LOCATION)),
        (Tried(address="carehub:w-0417"), (SOS, VOICE)),
        (Tried(address="carehub:w-0417", codes=frozenset({"location"})), (SOS, VOICE, LOCATION)),
        (Tried(address="radarjson:home/r60", no_button=True), (POWER,)),
        (Tried(address="lorawan:70b3d57ed0060a11", codes=frozenset({"location", "alarm.sos"})), (SOS, LOCATION)),
        (Tried(address="lifesos:home-1"), (SOS, POWER)),
        (Tried(address="nobody:1"), (SOS,)),
    ],
)
def test_trials_follow_from_what_a_device_can_do(device: Tried, wanted: tuple[Check, ...]) -> None:
    assert trials(device) == wanted


def test_installer_who_looks_at_the_plug_knows_better() -> None:
    assert POWER not in trials(Tried(address="radarjson:home/r60", plugged=False))
    assert POWER in trials(Tried(address="z2m:home/zigbee2mqtt/siren", plugged=True))


def test_what_a_device_has_said_tells_whether_it_has_a_button_and_a_plug() -> None:
    contact = Tried(address="z2m:home/zigbee2mqtt/door", codes=frozenset({"contact.open", "battery.level"}))
    keypad = Tried(address="z2m:home/zigbee2mqtt/keypad", codes=frozenset({"motion.moving", "alarm.sos"}))
    quiet = Tried(address="z2m:home/zigbee2mqtt/button", codes=frozenset({"battery.level"}))
    assert [has_button(one) for one in (contact, keypad, quiet)] == [False, True, True]
    assert has_plug(Tried(address="jt808:1", codes=frozenset({"alarm.powerCut"})))
    assert not has_plug(quiet)


def test_device_of_a_grammar_nobody_speaks_is_told_nothing() -> None:
    assert not speaks("nobody:1")
