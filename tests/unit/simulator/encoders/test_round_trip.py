"""What a simulated device said is what the hub understood, for every family and every word it has."""

from datetime import UTC, datetime

import pytest

from devices.telemetry import Observation, Quality, Stage, TimeQuality
from simulator.encoders.encoder import EVENTS, STATES, Body, Fix
from simulator.encoders.registry import ENCODERS
from tests.unit.simulator.encoders.heard import AT, HOME, device_of, every, observations, saying, telemetry

# What a word may be in the hub's vocabulary. A button that may be a light switch is no call before it is bound as one.
EVENT_CODES = {
    "press": {"alarm.sos", "button.press", "rf.code"},
    "fall": {"alarm.fall"},
    "cancel": {"alarm.fall"},
    "low_battery": {"battery.low"},
    "taken_off": {"alarm.removed", "wear.worn"},
}
STATE_CODES = {
    "worn": {"wear.worn"},
    "door": {"contact.open"},
    "motion": {"presence.motion", "presence.occupied"},  # makers call the same infrared eye both
    "presence": {"presence.occupied"},
    "bed": {"bed.occupied"},
    "water": {"alarm.water_leak"},
    "smoke": {"alarm.smoke", "alarm.fire"},
    "gas": {"alarm.gas"},
}
VITAL_CODES = {
    "heart_rate_bpm": "vital.heart_rate",
    "spo2_pct": "vital.spo2",
    "respiration_rpm": "vital.respiratory_rate",
    "temperature_c": "vital.body_temperature",
    "systolic_mmhg": "vital.bp_systolic",
    "diastolic_mmhg": "vital.bp_diastolic",
}
WELL = Body(
    heart_rate_bpm=72, spo2_pct=97, respiration_rpm=16, temperature_c=36.6, systolic_mmhg=128, diastolic_mmhg=78
)
# Families that tell charge in volts, or in steps of it: what one step is, in per cent.
VOLTS = {"eelink", "laipac", "mictrack", "xexun", "lorawan.netvox"}
CHARGE_STEP = {"gt06": 17, "tk103.personal": 31}
DOUBTED = {"unknown_json"}  # whatever it says is unverified


def _of(seen: list[Observation], codes: set[str]) -> list[Observation]:
    return [one for one in seen if one.code in codes]


@pytest.mark.parametrize(("name", "word"), every(EVENTS))
def test_event_is_understood_as_what_it_is(name: str, word: str) -> None:
    encoder = ENCODERS[name]
    say = getattr(encoder, word)
    device = device_of(encoder, word)
    seen = _of(observations(encoder, say(device, AT, "81"), device), EVENT_CODES[word])
    assert seen, f"{name} said {word} and nothing of it was understood"
    assert {one.quality for one in seen} == {Quality.OK}
    if word == "cancel":
        assert [one.stage for one in seen if one.value is False] or seen[-1].value is False
    elif word == "taken_off":
        assert any(one.value is (one.code == "alarm.removed") for one in seen)
    elif word == "fall":
        assert any(one.value is True and one.stage not in (Stage.CANCELLED, Stage.ENDED) for one in seen)
    else:
        assert any(one.value not in (False, None) for one in seen)


@pytest.mark.parametrize(("name", "word"), every(STATES))
def test_state_is_understood_both_ways(name: str, word: str) -> None:
    encoder = ENCODERS[name]
    say = getattr(encoder, word)
    device = device_of(encoder, word)
    for on in (True, False):
        seen = _of(observations(encoder, say(device, AT, on), device), STATE_CODES[word])
        named = _of(seen, {"presence.motion"}) or seen  # a radar says beside it that somebody is there
        assert {one.value for one in named} == {on}, f"{name} said {word} {on}"


@pytest.mark.parametrize("name", saying("vitals"))
def test_vital_signs_are_understood_to_the_number(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.vitals is not None
    device = device_of(encoder)
    seen = observations(encoder, encoder.vitals(device, AT, WELL.only(encoder.measures)), device)
    for field, code in VITAL_CODES.items():
        values = [one.value for one in seen if one.code == code and one.quality is not Quality.ABSENT]
        expected = {getattr(WELL, field)} if field in encoder.measures else set()
        assert set(values) == expected, f"{name}: {code}"
    qualities = {one.quality for one in seen if one.code in VITAL_CODES.values() and one.value is not None}
    assert qualities == {Quality.UNVERIFIED if name in DOUBTED else Quality.OK}


@pytest.mark.parametrize("name", saying("vitals"))
def test_what_was_not_measured_is_no_value(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.vitals is not None
    device = device_of(encoder)
    seen = observations(encoder, encoder.vitals(device, AT, Body()), device)
    assert not [one for one in seen if one.code in VITAL_CODES.values() and one.value is not None]


@pytest.mark.parametrize("name", saying("battery"))
def test_charge_is_understood(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.battery is not None
    device = device_of(encoder)
    for pct in (83, 10, 100):
        seen = observations(encoder, encoder.battery(device, AT, pct), device)
        if name in VOLTS:
            (volts,) = {one.value for one in seen if one.code == "battery.voltage"}
            assert isinstance(volts, int | float)
            assert 2.3 < volts < 4.3
        else:
            (level,) = {one.value for one in seen if one.code == "battery.level"}
            assert isinstance(level, int | float)
            assert abs(level - pct) <= CHARGE_STEP.get(name, 0), f"{name}: {pct} % became {level}"


@pytest.mark.parametrize("name", saying("steps"))
def test_steps_are_understood(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.steps is not None
    device = device_of(encoder)
    seen = observations(encoder, encoder.steps(device, AT, 231), device)
    assert {one.value for one in seen if one.code in ("activity.steps", "activity.steps_minute")} == {231}


@pytest.mark.parametrize("name", saying("meter"))
def test_water_is_understood_in_cubic_metres(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.meter is not None
    device = device_of(encoder)
    seen = observations(encoder, encoder.meter(device, AT, 40_125), device)
    assert {one.value for one in seen if one.code == "water.total"} == {40.125}


@pytest.mark.parametrize("name", saying("position"))
@pytest.mark.parametrize("place", [HOME, Fix(lat=-33.4567, lon=-70.6483), Fix(lat=0.001, lon=179.9999)])
def test_place_is_understood_within_ten_metres(name: str, place: Fix) -> None:
    encoder = ENCODERS[name]
    assert encoder.position is not None
    device = device_of(encoder)
    (seen,) = _of(observations(encoder, encoder.position(device, AT, place), device), {"location"})
    assert seen.lat == pytest.approx(place.lat, abs=1e-4)
    assert seen.lon == pytest.approx(place.lon, abs=1e-4)
    assert seen.valid is True


@pytest.mark.parametrize("name", saying("position"))
def test_place_without_a_fix_is_no_fix(name: str) -> None:
    """Where the family can say so; one that always has a place says the last one."""
    encoder = ENCODERS[name]
    assert encoder.position is not None
    device = device_of(encoder)
    lost = Fix(lat=HOME.lat, lon=HOME.lon, valid=False)
    seen = _of(observations(encoder, encoder.position(device, AT, lost), device), {"location"})
    cannot_say = {"carelink", "helmet", "pt60", "wristband"}
    assert name in cannot_say or not [one for one in seen if one.valid and one.quality is Quality.OK]


@pytest.mark.parametrize("name", ENCODERS)
def test_device_has_the_address_it_was_registered_with(name: str) -> None:
    encoder = ENCODERS[name]
    spoken = 0
    for word in ("press", "fall", "battery", "door", "bed", "vitals", "heartbeat", "login"):
        say = getattr(encoder, word)
        if say is None or (word == "login" and spoken):
            continue
        device = device_of(encoder, word)
        more = {"press": "81", "fall": "81", "battery": 80, "door": True, "bed": True, "vitals": WELL}
        addresses = {
            one.device for one in telemetry(encoder, say(device, AT, *([more[word]] if word in more else [])), device)
        }
        if encoder.family == "unknown_json":
            assert {address.startswith(device.address) for address in addresses} == {True}
        else:
            assert device.address in addresses, f"{name} {word}: {addresses}"
        spoken += 1
    assert spoken


@pytest.mark.parametrize("name", saying("press"))
def test_time_of_a_press_is_the_device_s_in_utc(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.press is not None
    device = device_of(encoder)
    for at in (AT, datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)):
        for one in telemetry(encoder, encoder.press(device, at, "81"), device, at):
            known = [one.measured_at, *(seen.measured_at for seen in one.observations)]
            assert {moment for moment in known if moment is not None} <= {at}, f"{name} at {at}"
            assert one.measured_at is None or one.time_quality is TimeQuality.DEVICE


@pytest.mark.parametrize("name", saying("farewell"))
def test_farewell_says_that_it_is_gone(name: str) -> None:
    encoder = ENCODERS[name]
    assert encoder.farewell is not None
    device = device_of(encoder)
    seen = observations(encoder, encoder.farewell(device, AT), device)
    assert [one.value for one in seen if one.code == "link.online"] == [False]


@pytest.mark.parametrize("name", [*saying("login"), *saying("heartbeat")])
def test_signs_of_life_alarm_nobody(name: str) -> None:
    encoder = ENCODERS[name]
    for say in (encoder.login, encoder.heartbeat):
        if say is None:
            continue
        device = device_of(encoder)
        seen = observations(encoder, say(device, AT), device)
        assert seen
        assert not [one for one in seen if one.code.startswith("alarm.") and one.value is not False]
