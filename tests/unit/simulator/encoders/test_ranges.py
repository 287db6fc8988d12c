"""Whatever a device can measure survives the way to the hub, within what the device can resolve."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.telemetry import Quality
from simulator.encoders.checks import degrees_minutes
from simulator.encoders.encoder import Body, Fix
from simulator.encoders.registry import ENCODERS
from tests.unit.simulator.encoders.heard import AT, device_of, observations, saying, telemetry
from tests.unit.simulator.encoders.test_round_trip import CHARGE_STEP, VITAL_CODES, VOLTS

few = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
BODIES = st.builds(
    Body,
    heart_rate_bpm=st.integers(30, 210),
    spo2_pct=st.integers(71, 100),
    respiration_rpm=st.integers(4, 60),
    temperature_c=st.integers(320, 420).map(lambda tenths: tenths / 10),
    systolic_mmhg=st.integers(90, 220),
    diastolic_mmhg=st.integers(40, 89),
)
PLACES = st.builds(
    Fix,
    lat=st.floats(0.01, 89.9).flatmap(lambda lat: st.sampled_from((lat, -lat))),
    lon=st.floats(0.01, 179.9).flatmap(lambda lon: st.sampled_from((lon, -lon))),
    speed_kmh=st.integers(0, 120).map(float),
    course_deg=st.integers(0, 359),
    altitude_m=st.integers(0, 5000),
    satellites=st.integers(4, 12),
)
MOMENTS = st.integers(0, 20 * 86_400).map(lambda seconds: AT - timedelta(seconds=seconds))


@pytest.mark.parametrize("name", saying("vitals"))
@few
@given(body=BODIES)
def test_any_vital_signs_survive(name: str, body: Body) -> None:
    encoder = ENCODERS[name]
    assert encoder.vitals is not None
    device = device_of(encoder)
    seen = observations(encoder, encoder.vitals(device, AT, body.only(encoder.measures)), device)
    for field in encoder.measures:
        values = {one.value for one in seen if one.code == VITAL_CODES[field] and one.quality is not Quality.ABSENT}
        assert values == {getattr(body, field)}, f"{name}: {field}"


@pytest.mark.parametrize("name", saying("position"))
@few
@given(place=PLACES)
def test_any_place_survives_within_two_metres(name: str, place: Fix) -> None:
    encoder = ENCODERS[name]
    assert encoder.position is not None
    device = device_of(encoder)
    (seen,) = [
        one for one in observations(encoder, encoder.position(device, AT, place), device) if one.code == "location"
    ]
    assert seen.lat == pytest.approx(place.lat, abs=1.5e-5)
    assert seen.lon == pytest.approx(place.lon, abs=1.5e-5)


@pytest.mark.parametrize("name", saying("battery"))
@few
@given(pct=st.integers(1, 100))
def test_any_charge_survives(name: str, pct: int) -> None:
    encoder = ENCODERS[name]
    assert encoder.battery is not None
    device = device_of(encoder)
    seen = observations(encoder, encoder.battery(device, AT, pct), device)
    if name not in VOLTS and (name not in CHARGE_STEP or pct >= 10):
        (level,) = {one.value for one in seen if one.code == "battery.level"}
        assert isinstance(level, int | float)
        assert abs(level - pct) <= CHARGE_STEP.get(name, 0)


@pytest.mark.parametrize("name", saying("steps"))
@few
@given(count=st.integers(0, 400))
def test_any_count_of_steps_survives(name: str, count: int) -> None:
    encoder = ENCODERS[name]
    assert encoder.steps is not None
    device = device_of(encoder)
    seen = observations(encoder, encoder.steps(device, AT, count), device)
    assert {one.value for one in seen if one.code.startswith("activity.steps")} == {count}


@pytest.mark.parametrize("name", saying("press"))
@few
@given(at=MOMENTS)
def test_any_moment_of_a_press_survives_to_the_second(name: str, at: datetime) -> None:
    encoder = ENCODERS[name]
    assert encoder.press is not None
    device = device_of(encoder)
    told = {one.measured_at for one in telemetry(encoder, encoder.press(device, at, "81"), device, at)} - {None}
    assert told <= {at}


@given(value=st.floats(-179.9999, 179.9999))
def test_minutes_of_a_coordinate_never_reach_sixty(value: float) -> None:
    written = degrees_minutes(value, 5)
    assert len(written) == 10
    degrees, minutes = int(written[:3]), float(written[3:])
    assert minutes < 60
    assert degrees + minutes / 60 == pytest.approx(abs(value), abs=1e-6)


def test_moments_are_aware() -> None:
    assert AT.tzinfo is UTC
