"""Several findings in one transaction: when somebody else opens one of their cases first, all of it is tried again."""

from collections.abc import Awaitable, Callable, Sequence

import psycopg
import pytest

from alerts.model import Alert, AlertKind
from hub import incidents
from hub.incidents import Raised
from hub.store.pool import Connection, connect
from tests.integration.incidents.world import World

pytestmark = pytest.mark.anyio


async def nothing() -> None:
    """Nobody else does anything."""


async def together(
    conn: Connection, alerts: Sequence[Alert], meanwhile: Callable[[], Awaitable[None]] = nothing
) -> list[Raised]:
    """Raise several in one transaction, as the urgent lane does; `meanwhile` happens between its look and its words."""
    async with conn.pipeline(), conn.transaction():
        looked = await incidents.look(conn, alerts)
        await meanwhile()
        return await incidents.raise_alerts(conn, list(zip(alerts, looked, strict=True)))


async def test_a_case_opened_by_another_meanwhile_fails_the_whole_batch_and_each_goes_on_alone(world: World) -> None:
    mine, other = world.alert(), world.alert(kind=AlertKind.DEVICE, resident_id=None, device_id=None)
    between: list[Raised] = []

    async def meanwhile() -> None:
        between.append(await world.raised())  # the same resident presses another button, and it commits before us

    async with await connect(world.dsn) as batch:
        with pytest.raises(psycopg.errors.SerializationFailure) as failed:
            await together(batch, [mine, other], meanwhile)
        assert failed.value.sqlstate == "40001"
        assert await world.value("select count(*) from incident") == 1, "nothing of the batch is there"
        alone = [*await together(batch, [mine]), *await together(batch, [other])]

    # The first one does not ring anew: her people were called this very moment.
    assert [(one.opened, one.rang) for one in alone] == [(False, False), (True, True)]
    assert alone[0].incident_id == between[0].incident_id, "the press joined the case that was there first"
    assert await world.value("select count(*) from incident") == 2
    assert await world.value("select count(*) from alert") == 3
    assert await world.value("select count(*) from timer") == 2


async def test_a_repeat_in_a_batch_changes_nothing_and_the_others_open(world: World) -> None:
    known, new = world.alert(), world.alert(kind=AlertKind.DEVICE, resident_id=None, device_id=None)
    before = await world.raised(known)
    again, opened = await together(world.conn, [known, new])
    assert again.repeat
    assert again.incident_id == before.incident_id
    assert opened.opened
    assert await world.value("select count(*) from alert") == 2
