"""What leaves as FHIR R5 is read by HL7's own definitions, as models."""

from datetime import timedelta
from typing import Any

import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.capabilitystatement import CapabilityStatement
from fhir.resources.device import Device
from fhir.resources.encounter import Encounter
from fhir.resources.observation import Observation
from fhir.resources.operationoutcome import OperationOutcome
from fhir.resources.patient import Patient

from tests.integration.api.conftest import Client
from tests.integration.web.world import World

MEDIA = "application/fhir+json"


@pytest.fixture
def measured(world: World) -> World:
    world.heart_rates("watch-wang", [70, 71, 72, 73, 74], every=timedelta(minutes=2))
    world.sql("update device set created_at = created_at - interval '1 day'")
    return world


def test_resident_leaves_as_one_bundle_that_hl7_reads(measured: World, client: Client) -> None:
    incident = measured.alert("watch-wang", "fall")
    wang = measured.residents["wang"]
    answer = client("fhir:read").get(f"/fhir/Patient/{wang}/$everything")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA
    bundle: Any = Bundle.model_validate_json(answer.text)
    kinds = [type(entry.resource).__name__ for entry in bundle.entry]
    assert kinds.count("Patient") == 1
    assert kinds.count("Device") == 2
    assert kinds.count("Flag") == 4
    assert kinds.count("Encounter") == 1
    assert kinds.count("Observation") >= 10
    assert "4471" not in answer.text
    encounter: Any = next(e.resource for e in bundle.entry if isinstance(e.resource, Encounter))
    assert (encounter.id, encounter.subject.reference) == (str(incident), f"Patient/{wang}")
    ((what, whose, why),) = measured.sql("select what, resident_id, reason from access_log")
    assert (what, whose) == ("fhir: api", wang)
    assert why.startswith("api token ")


def test_heart_rate_is_loinc_in_ucum(measured: World, client: Client) -> None:
    said = client("fhir:read").get("/fhir/Observation", params={"patient": measured.residents["wang"]})
    bundle: Any = Bundle.model_validate_json(said.text)
    found = [e.resource for e in bundle.entry if _loinc(e.resource) == "8867-4"]
    assert [float(one.valueQuantity.value) for one in found] == [70, 71, 72, 73, 74]
    assert {one.valueQuantity.code for one in found} == {"/min"}


def _loinc(one: Any) -> str:
    return next((c.code for c in one.code.coding if c.system == "http://loinc.org"), "") if _is(one) else ""


def _is(one: Any) -> bool:
    return isinstance(one, Observation)


def test_pages_of_observations_meet_without_a_gap(measured: World, client: Client) -> None:
    program = client("fhir:read")
    whole = program.get("/fhir/Observation", params={"patient": measured.residents["wang"]}).json()
    seen: list[Any] = []
    url = f"/fhir/Observation?patient={measured.residents['wang']}&_count=3"
    for _ in range(20):
        told: Any = Bundle.model_validate_json(program.get(url).text)
        seen += [entry.resource.identifier[0].value for entry in told.entry]
        following: list[str] = [link.url for link in told.link if link.relation == "next"]
        if not following:
            break
        url = following[0]
    assert seen == [entry["resource"]["identifier"][0]["value"] for entry in whole["entry"]]


def test_single_resources_are_read_by_number(measured: World, client: Client) -> None:
    incident = measured.alert("watch-wang")
    program = client("fhir:read")
    Patient.model_validate_json(program.get(f"/fhir/Patient/{measured.residents['wang']}").text)
    Device.model_validate_json(program.get(f"/fhir/Device/{measured.devices['watch-wang']}").text)
    Encounter.model_validate_json(program.get(f"/fhir/Encounter/{incident}").text)
    CapabilityStatement.model_validate_json(program.get("/fhir/metadata").text)
    assert program.get("/fhir/Patient/999").status_code == 404


def test_error_is_an_operation_outcome(measured: World, client: Client) -> None:
    program = client("fhir:read")
    for path, status, code, ours in (
        ("/fhir/Patient/999", 404, "not-found", "no_such_resident"), ("/fhir/Patient/x", 422, "invalid", "invalid"),
        ("/fhir/Nothing", 404, "not-found", "http_404"),
        ("/fhir/Observation?patient=1&_count=0", 422, "invalid", "invalid"),
    ):  # fmt: skip
        told = program.get(path)
        assert (told.status_code, told.headers["content-type"]) == (status, MEDIA)
        outcome: Any = OperationOutcome.model_validate_json(told.text)
        assert (outcome.issue[0].code, outcome.issue[0].details.coding[0].code) == (code, ours)
    stranger = program.get("/fhir/Patient/1", headers={"Authorization": "Bearer nobody"})
    assert OperationOutcome.model_validate_json(stranger.text).issue[0].code == "login"
    assert client("incidents:read").get("/fhir/metadata").json()["issue"][0]["code"] == "forbidden"


def test_every_reading_of_a_resident_is_written_down(measured: World, client: Client) -> None:
    wang = measured.residents["wang"]
    program = client("fhir:read", "residents:read", "observations:read")
    for path in (
        f"/residents/{wang}", f"/residents/{wang}/observations", f"/fhir/Patient/{wang}",
        f"/fhir/Observation?patient={wang}", "/residents?limit=2",
    ):  # fmt: skip
        assert program.get(path).status_code == 200
    seen = measured.sql("select what, resident_id, subject from access_log order by id")
    assert seen == [
        ("resident: api", wang, ""), ("observations: api", wang, ""), ("fhir Patient: api", wang, ""),
        ("fhir Observation: api", wang, ""), ("residents: api", None, "2 from 0 *"),
    ]  # fmt: skip


def test_records_are_paged_by_message(measured: World, client: Client) -> None:
    program = client("observations:read")
    path = f"/residents/{measured.residents['wang']}/observations"
    seen: list[str] = []
    cursor = None
    for _ in range(20):
        told = program.get(path, params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        seen += [one["dedup_key"] + one["code"] for one in told["items"]]
        if (cursor := told["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == len(program.get(path).json()["items"])
    assert program.get(path, params={"since": "2026-01-01T00:00:00Z"}).status_code == 422
