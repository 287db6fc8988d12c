"""The API is asked what its own description allows, and a little more: no 5xx, no answer it does not declare."""

import time
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup

from hub.api import app as api
from hub.api.scopes import SCOPES
from tests.integration.api.conftest import Issue
from tests.integration.web.conftest import Served
from tests.integration.web.world import World

EXAMPLES = 4  # of each operation, as described and not as described: about 20 s in all on an idle machine
STEPS, WALKS = 6, 6
NO_HTTP = b"Invalid HTTP request received."  # says the server, before any application sees it
CHECKS = [
    checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance,
]  # fmt: skip
BOUNDED = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture
def token(world: World, issue: Issue) -> str:
    """A token of everything, with something to find."""
    world.alert("watch-wang")
    world.alert("watch-zhang", "fall", countdown_s=600.0)
    world.heart_rates("watch-wang", [70, 71])
    world.sql(
        "insert into visit (device_id, resident_id, reason, booked_at, due) values"
        " (%(d)s, %(r)s, 'battery', hub_now(), current_date)",
        d=world.devices["watch-wang"], r=world.residents["wang"],
    )  # fmt: skip
    return issue("schemathesis", tuple(SCOPES), per_minute=60_000).token


@pytest.fixture
def schema(console: Served, token: str) -> Any:
    loaded = schemathesis.openapi.from_url(f"{console.url}{api.PATH}/openapi.json")
    loaded.config.update(base_url=f"{console.url}{api.PATH}", headers={"Authorization": f"Bearer {token}"})
    return loaded


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_it_is_described(schema: Any, mode: GenerationMode) -> None:
    began, seen = time.monotonic(), dict[int, int]()

    for result in schema.get_all_operations():

        @BOUNDED
        @given(case=result.ok().as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            answer = case.call()
            if answer.status_code == 400 and answer.content == NO_HTTP:
                return
            case.validate_response(answer, checks=CHECKS)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1

        try:
            ask()
        except FailureGroup as group:
            pytest.fail("\n".join(f"{result.ok().label}: {one}" for one in group.exceptions))
        except BaseException as err:
            if type(err).__name__ not in ("Unsatisfiable", "SkipTest", "Skipped"):
                raise
    took_s = time.monotonic() - began
    print(f"{mode.value}: {sum(seen.values())} requests in {took_s:.1f} s, {dict(sorted(seen.items()))}")
    assert max(seen) < 500


def test_walks_from_one_answer_to_the_next_meet_no_surprise(schema: Any) -> None:
    class Walk(schema.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": schema.config.headers}

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    run_state_machine_as_test(Walk, settings=settings(BOUNDED, max_examples=WALKS, stateful_step_count=STEPS))


def test_description_is_31_whole_and_names_a_scope_everywhere(console: Served) -> None:
    described = httpx.get(f"{console.url}{api.PATH}/openapi.json", trust_env=False).json()
    assert described["openapi"].startswith("3.1")
    problem = "application/problem+json"
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            (security,) = operation["security"]
            assert set(security["token"]) <= SCOPES.keys(), (method, path)
            assert {"401", "403", "404", "422", "429", "503"} <= operation["responses"].keys(), (method, path)
            told = {s: r["content"] for s, r in operation["responses"].items() if int(s) >= 400}
            media = "application/fhir+json" if path.startswith("/fhir/") else problem
            assert all(list(content) == [media] for content in told.values()), (method, path)
    ids = [one["operationId"] for methods in described["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))
