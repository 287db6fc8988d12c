"""What went wrong elsewhere between the device and the call, and must not here; the reports are named beside each.

What went wrong after the call stands in tests/unit/alerts/test_failures_of_others.py, with the table of all of them.
"""

from datetime import UTC, datetime, timedelta

from tests.integration.ingest.conftest import Hub
from tests.integration.ingest.test_press import known


async def test_second_press_rings_while_the_first_alarm_is_open(hub: Hub, dsn: str) -> None:
    """ThingsBoard #11434, #12183: it created nothing."""
    await known(hub, dsn)
    hub.press(id="7")
    await hub.done()
    await hub.conn.execute("update incident set paged_at = paged_at - interval '31 s'")  # half a minute later
    hub.press(id="8")
    await hub.done()
    assert await hub.rows("select presses, round from incident") == [(2, 1)]
    assert await hub.one("select count(*) from incident_event where what = 'attached'") == 1


async def test_press_from_where_she_pressed_before_is_no_duplicate_position(hub: Hub, dsn: str) -> None:
    """Traccar #3285, #3633: the filter that drops repeated positions dropped the SOS in them."""
    await known(hub, dsn)
    for press in ("7", "8"):
        hub.press(id=press, lat=38.4872, lon=106.2309)
    await hub.done()
    assert await hub.rows("select presses from incident") == [(2,)]


async def test_watch_that_is_low_on_battery_rings_and_its_battery_is_kept(hub: Hub, dsn: str) -> None:
    """Traccar: the decoder tests the low-battery bit first, and the press is only "low battery"."""
    await known(hub, dsn)
    hub.press(id="7", battery=6)
    await hub.done()
    assert await hub.rows("select kind, severity from incident where resident_id is not null") == [("sos", 1)]
    assert await hub.one("select count(*) from press where kind = 'sos'") == 1


async def test_stored_press_that_arrives_hours_late_rings_with_its_age(hub: Hub, dsn: str) -> None:
    """Traccar #5217."""
    await known(hub, dsn)
    pressed = datetime.now(UTC) - timedelta(hours=3)
    hub.press(id="7", at=pressed.strftime("%Y-%m-%dT%H:%M:%SZ"))
    await hub.done()
    assert await hub.rows("select kind, state, presses from incident") == [("sos", "open", 1)]
    age_s = await hub.one("select (body ->> 'age_s')::int from incident_event where what = 'opened'")
    assert 3 * 3600 - 5 <= age_s <= 3 * 3600 + 60


async def test_retained_alarm_is_not_replayed_and_the_next_real_one_rings(hub: Hub, dsn: str) -> None:
    """home-assistant #28290, #59812: a retained message alarmed at every restart, or a true condition never did."""
    await known(hub, dsn)
    hub.send("carehub/w1/event", {"event": "sos", "id": "7"}, retained=True)
    await hub.done()
    assert await hub.one("select count(*) from incident where resident_id is not null") == 0
    hub.press(id="8")
    await hub.done()
    assert await hub.one("select presses from incident where resident_id is not null") == 1
