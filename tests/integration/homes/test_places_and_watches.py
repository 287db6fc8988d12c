"""Fences on two kinds of map; a watch that says still while her home moves; what people write on the command line."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.model import Alert, AlertKind, Severity
from alerts.places import gcj02_of_wgs84
from hub.commands import people
from hub.errors import HubError
from hub.still_rings import StillRing
from hub.store import homes as store
from tests.integration.homes.conftest import PIR, WATCH, Home

HOME = (38.48, 106.23)
KM_NORTH = 1 / 111.2


async def fenced(home: Home, lat: float, lon: float, datum: str) -> None:
    await store.set_fence(home.conn, home.resident, lat=lat, lon=lon, datum=datum, fence_m=500)


async def at(home: Home, km_north: float, minutes_ago: float) -> None:
    """The watch says where it is, through the hub's front door."""
    ms = int((datetime.now(UTC) - timedelta(minutes=minutes_ago)).timestamp() * 1000)
    where = {"lat": HOME[0] + km_north * KM_NORTH, "lon": HOME[1]}
    home.hub.send("carehub/w7/vitals", {"hr": 70, **where, "at": ms}, at_ms=ms)
    await home.hub.done()


async def places(home: Home) -> list[float]:
    """Return how far from home the hub takes the stored positions to be, in metres."""
    loop = await home.follow()
    assert loop.homes is not None
    said = await store.past(home.conn, [], loop.homes.places.fenced.tolist(), datetime.now(UTC) - timedelta(days=1))
    return [float(value) for value in loop.homes.signs(said).value]


@pytest.mark.parametrize("datum", ["wgs84", "gcj02"])
async def test_door_read_from_either_map_is_the_same_door(home: Home, datum: str) -> None:
    lat, lon = (float(x) for x in gcj02_of_wgs84(*HOME)) if datum == "gcj02" else HOME
    await fenced(home, lat, lon, datum)
    await at(home, 0.0, 3)
    await at(home, 1.0, 2)
    near, far = sorted(await places(home))
    assert near < 1
    assert far == pytest.approx(1000, abs=2)


async def test_outside_her_fence_for_minutes_is_an_alert_of_its_own_kind(home: Home) -> None:
    await fenced(home, *HOME, "wgs84")
    for minutes_ago in range(12, 0, -1):
        await at(home, 2.0, minutes_ago)
    await home.follow()
    assert await home.hub.rows("select rule, kind from alert where rule like 'B%%'") == [("B7", "wandering")]


async def test_without_a_fence_positions_are_not_even_read(home: Home) -> None:
    await at(home, 2.0, 5)
    loop = await home.follow()
    assert loop.homes is not None
    assert len(loop.homes.places.fenced) == 0
    assert await home.hub.rows("select 1 from home_sensor where sign = 6") == []


def still(home: Home) -> Alert:
    return Alert(
        alert_id=f"{home.device[WATCH]}:stillness:B1:77", kind=AlertKind.STILLNESS, severity=Severity.MEDIUM,
        raised_at=datetime.now(UTC), rule="B1", device_id=home.device[WATCH], resident_id=home.resident,
    )  # fmt: skip


async def test_watch_that_says_still_is_low_while_something_moves_at_home(home: Home) -> None:
    await home.store(PIR, "presence.motion", [datetime.now(UTC) - timedelta(hours=2)], [1.0])
    home.hub.ingest._urgent.put(StillRing(still(home)))
    await home.hub.done()
    assert await home.hub.rows("select severity, evidence from alert") == [(4, {"home_moved": True})]


async def test_watch_and_home_that_agree_are_one_incident(home: Home) -> None:
    await home.live()
    await home.conn.execute(
        "delete from observation where measured_at > %s and device_id = %s", (home.at(-1, 20), home.device[PIR])
    )
    await home.heard()
    home.hub.ingest._urgent.put(StillRing(still(home)))
    await home.hub.done()
    await home.follow()
    rules = {rule for rule, _ in await home.alerts()}
    assert "B1" in rules
    assert len(rules) > 1
    assert await home.incidents() == 1
    assert await home.hub.one("select severity from alert where rule = 'B1' limit 1") == 3


async def test_away_and_back_on_the_command_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", home.dsn)

    async def carehub_people(*words: str) -> str:
        options = people._parser().parse_args(words)
        options.zone, options.public_url = home.zone, ""
        async with home.conn.transaction():
            await options.run(home.conn, options)
        return capsys.readouterr().out

    tomorrow = f"{home.at(1, 0):%Y-%m-%d}"
    said = await carehub_people("away", str(home.resident), "--until", tomorrow, "--reason", "住院")
    assert f"is away {home.at(0, 0):%Y-%m-%d}" in said
    assert f"to {home.at(2, 0):%Y-%m-%d} 00:00" in said, "a day counts to its end"
    listed = await carehub_people("absences", str(home.resident))
    assert "住院" in listed
    assert "command:" in listed
    assert "1 ended" in await carehub_people("back", str(home.resident))
    with pytest.raises(HubError, match="nothing says"):
        await carehub_people("back", str(home.resident))
    with pytest.raises(HubError, match="later --until"):
        await carehub_people("away", str(home.resident), "--until", "2020-01-01")
    with pytest.raises(HubError, match="give --lat and --lon"):
        await carehub_people("fence", str(home.resident), "--fence", "500")
    told = await carehub_people(
        "fence", str(home.resident), "--lat", "38.48", "--lon", "106.23", "--datum", "gcj02", "--fence", "400"
    )
    assert "38.48, 106.23 (gcj02), fence 400" in told
    assert "住院" in await carehub_people("absences", "--past")
