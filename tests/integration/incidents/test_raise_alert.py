"""A finding becomes a case with its first pages, once."""

import pytest

from alerts.model import State, TimerKind
from tests.integration.incidents.world import NOON, World

pytestmark = pytest.mark.anyio


async def test_press_opens_an_incident_with_timer_pages_and_chain(world: World) -> None:
    raised = await world.raised()
    assert (raised.opened, raised.rang, raised.repeat) == (True, True, False)
    assert raised.incident_id is not None
    incident = await world.incident(raised.incident_id)
    assert incident.state is State.OPEN
    assert incident.timer is not None
    assert incident.timer.kind is TimerKind.STEP
    assert (incident.timer.due_at - NOON).total_seconds() == 30
    pages = await world.pages(raised.incident_id)
    assert {(p["role"], p["channel"], p["state"]) for p in pages} == {
        ("family", "webhook", "ready"), ("family", "mqtt", "ready"), ("operator", "console", "ready"),
    }  # fmt: skip
    assert len(await world.chain(raised.incident_id)) >= 1
