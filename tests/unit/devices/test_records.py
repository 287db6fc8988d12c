"""Normalized records: every code has its place in LOINC or a reason, and FHIR's own model takes what we export."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fhir.resources.observation import Observation

from devices import fhir, standards
from devices.codes import CODES, Kind
from devices.records import Record, dedup_key, plain, record, value_of
from devices.telemetry import Quality, Stage, TimeQuality

NOW = datetime(2026, 11, 21, 22, 0, 30, 123000, tzinfo=UTC)


def said(code: str, value: Any = None, **more: Any) -> Record:
    scheme = more.pop("scheme", "carehub")
    given = {
        "device_id": 17, "device": f"{scheme}:w-1", "person_id": 3, "value": value, "time_quality": TimeQuality.HUB,
        "hub_time": NOW, "dedup_key": "0" * 32, "raw_ref": "81000/1795298430123", "adapter": f"{scheme}/1",
    }  # fmt: skip
    return record(scheme, code, **(given | more))


def exported(*records: Record) -> list[dict[str, Any]]:
    """Return Observations that FHIR R5's model has read from their JSON and written again unchanged."""
    built = list(fhir.observations(records))
    for one in built:
        text = json.dumps(one)
        again = Observation.model_validate_json(text).model_dump_json()
        again = re.sub(
            r"(:\d\d)(\.\d{3})?(000)?Z", lambda at: f"{at[1]}{at[2] or '.000'}Z", again
        )  # it writes µs, or none
        assert json.loads(again) == json.loads(text)
    return built


def test_every_code_has_a_loinc_code_or_the_reason_why_there_is_none() -> None:
    assert set(standards.TABLE) == set(CODES)
    for code, found in standards.TABLE.items():
        assert bool(found.loinc) != bool(found.why), code
        assert not found.loinc or found.display, code


def test_every_vital_sign_of_r5s_profiles_is_coded_in_ucum() -> None:
    wanted = {
        "vital.heart_rate": ("8867-4", "/min"), "vital.respiratory_rate": ("9279-1", "/min"),
        "vital.body_temperature": ("8310-5", "Cel"), "vital.body_weight": ("29463-7", "kg"),
        "vital.bp_systolic": ("8480-6", "mm[Hg]"), "vital.bp_diastolic": ("8462-4", "mm[Hg]"),
        "vital.spo2": ("59408-5", "%"),
    }  # fmt: skip
    assert {code: (standards.TABLE[code].loinc, CODES[code].unit) for code in wanted} == wanted


def test_temperature_of_a_wrist_is_not_body_temperature() -> None:
    assert said("vital.body_temperature", 33.1, scheme="watch3g").loinc == "61008-9"
    assert said("vital.body_temperature", 36.4, scheme="ble").loinc == "8310-5"
    assert said("vital.body_temperature", 36.4, scheme="ha").loinc is None, "nobody says where it was measured"


def test_what_names_an_event_is_its_identity_then_its_number_then_its_time_then_its_value() -> None:
    def key(**given: Any) -> str:
        plainly = {"identity": None, "seq": None, "device_time": None, "value": True, "hub_time": NOW}
        return dedup_key("carehub:w-1", "alarm.sos", **(plainly | given))

    later = NOW + timedelta(minutes=5)
    assert key(identity="7") == key(identity="7", hub_time=later, seq=9)
    assert key(seq=7) == key(seq=7, hub_time=later) != key(seq=8)
    assert key(device_time=NOW) == key(device_time=NOW, hub_time=later) != key(device_time=later)
    assert key() != key(hub_time=later)
    assert key(point="button 1") != key(point="button 2")


@pytest.mark.parametrize(
    ("code", "stored", "said_again"),
    [
        ("contact.open", (1.0, None, None), True),
        ("link.rssi", (1.0, None, "dB[mW]"), 1),
        ("vital.body_weight", (0.0, None, "kg"), 0),
        ("env.temperature", (21.5, None, "Cel"), 21.5),
        ("presence.posture", (None, "lying", None), "lying"),
        ("nobody.knows", (1.0, None, "kg"), 1),
    ],
)
def test_stored_value_is_what_was_said(code: str, stored: tuple[Any, Any, Any], said_again: object) -> None:
    value = value_of(code, *stored)
    assert value == said_again
    assert type(value) is type(said_again)


def test_record_says_only_what_was_said() -> None:
    line = plain(said("vital.heart_rate", 68, device_time=NOW, time_quality=TimeQuality.DEVICE))
    assert line["hub_time"] == line["device_time"] == "2026-11-21T22:00:30.123Z"
    assert (line["loinc"], line["unit"], line["kind"]) == ("8867-4", "/min", Kind.MEASURE)
    assert "stage" not in line
    json.dumps(line)


def test_blood_pressure_is_one_panel() -> None:
    built = exported(said("vital.bp_systolic", 128), said("vital.heart_rate", 68), said("vital.bp_diastolic", 71))
    assert [one["code"]["coding"][0]["code"] for one in built] == ["85354-9", "8867-4"]
    assert [part["valueQuantity"]["value"] for part in built[0]["component"]] == [128, 71]


def test_half_a_blood_pressure_stands_alone() -> None:
    built = exported(said("vital.bp_systolic", 128), said("vital.bp_diastolic", quality=Quality.ABSENT))
    assert [one["code"]["coding"][0]["code"] for one in built] == ["8480-6", "8462-4"]


def test_what_no_living_body_shows_has_a_reason_instead_of_a_number() -> None:
    (one,) = exported(said("vital.heart_rate", 0, quality=Quality.IMPLAUSIBLE))
    assert "valueQuantity" not in one
    assert one["dataAbsentReason"]["coding"][0]["code"] == "error"
    assert one["status"] == "preliminary"


def test_alarm_keeps_its_stage_its_own_word_and_where_its_bytes_stand() -> None:
    (one,) = exported(said("alarm.fall", True, stage=Stage.CONFIRMED, native="fall confirmed", seq=7))
    told = {part["url"]: part["valueString"] for part in one["extension"][0]["extension"]}
    assert told == {
        "seq": "7", "time_quality": "hub", "quality": "ok", "stage": "confirmed", "native": "fall confirmed",
        "raw_ref": "81000/1795298430123", "adapter": "carehub/1",
    }  # fmt: skip
    assert one["subject"] == {"reference": "Patient/3"}


def test_time_that_no_working_clock_shows_is_told_and_not_used() -> None:
    claimed = datetime(2000, 1, 1, tzinfo=UTC)
    (one,) = exported(said("vital.heart_rate", 68, device_time=claimed, time_quality=TimeQuality.SUSPECT))
    assert one["effectiveDateTime"] == "2026-11-21T22:00:30.123Z"
    assert {"url": "device_time", "valueDateTime": "2000-01-01T00:00:00.000Z"} in one["extension"][0]["extension"]


def test_device_that_is_nobodys_is_its_own_subject() -> None:
    (one,) = exported(said("contact.open", False, person_id=None))
    assert one["subject"]["reference"] == "Device/17"
    assert one["valueBoolean"] is False


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_passes_through_fhirs_model(code: str) -> None:
    for value in (True, 12.5, "word", None):
        exported(said(code, value))


def test_place_says_how_far_off_it_may_be_where_the_device_does() -> None:
    (one,) = exported(said("location", lat=38.7, lon=-9.1, valid=False, accuracy_m=85.0))
    *_, last = one["component"]
    assert last["code"]["coding"][0]["code"] == "accuracy"
    assert (last["valueQuantity"]["value"], last["valueQuantity"]["code"]) == (85.0, "m")


def test_place_is_two_angles() -> None:
    (one,) = exported(said("location", lat=38.7, lon=-9.1, valid=True))
    assert [part["valueQuantity"] for part in one["component"]] == [
        {"value": degrees, "unit": "deg", "system": "http://unitsofmeasure.org", "code": "deg"}
        for degrees in (38.7, -9.1)
    ]
