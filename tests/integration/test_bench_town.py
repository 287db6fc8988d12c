"""The benchmark's invented homes ring like real ones."""

import pytest

from alerts.model import Alert, AlertKind, Severity
from hub import incidents
from hub.bench import town
from hub.store import policies
from hub.store.pool import connect, hub_now

pytestmark = pytest.mark.anyio


async def test_press_in_an_invented_home_calls_its_relative(anyio_backend: str, dsn: str) -> None:
    async with await connect(dsn) as conn:
        await policies.publish(conn, town.POLICY)
        homes = await town.provision(conn, 2, "http://127.0.0.1:9")
        operator = await town.add_person(conn, "坐席", "operator")
        alert = Alert(
            alert_id="sos-1", kind=AlertKind.SOS, severity=Severity.CRITICAL, raised_at=await hub_now(conn),
            device_id=homes[1].device_id, resident_id=homes[1].resident_id, identity="press-1",
        )  # fmt: skip
        async with conn.transaction():
            assert (await incidents.raise_alert(conn, alert)).rang
        pages = await (await conn.execute("select person_id, channel, address from page")).fetchall()
        assert pages == [(homes[1].person_id, "webhook", f"http://127.0.0.1:9/{homes[1].person_id}")]
        on_duty = await (await conn.execute("select count(*) from shift where person_id = %s", (operator,))).fetchone()
        assert on_duty == (1,)
        username = await (await conn.execute("select username from credential order by 1")).fetchall()
        assert username == [(homes[0].watch,), (homes[1].watch,)]
