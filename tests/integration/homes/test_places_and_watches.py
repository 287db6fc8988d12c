"""Fences on two kinds of map; a watch that says still while her home moves; what people write on the command line."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.arrival import Position, proof_of
from alerts.model import Alert, AlertKind, Proof, Role, Severity
from alerts.nearness import km_between
from alerts.places import gcj02_of_wgs84
from hub.commands import people
from hub.errors import HubError
from hub.still_rings import StillRing
from hub.store import homes as store
from hub.store.sql import queries
from hub.web import way
from tests.integration.homes.conftest import PIR, WATCH, Home

HOME = (38.48, 106.23)
KM_NORTH = 1 / 111.2


async def fenced(home: Home, lat: float, lon: float) -> None:
    await store.set_fence(home.conn, home.resident, lat=lat, lon=lon, fence_m=500)


Carehub = Callable[..., Awaitable[str]]


@pytest.fixture
def carehub_people(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Carehub:
    """What `carehub people …` prints."""
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", home.dsn)

    async def run(*words: str) -> str:
        options = people._parser().parse_args(words)
        options.zone, options.public_url = home.zone, ""
        async with home.conn.transaction():
            await options.run(home.conn, options)
        return capsys.readouterr().out

    return run


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
    said = await store.past(
        home.conn, np.zeros(0, np.int64), loop.homes.places.fenced, datetime.now(UTC) - timedelta(days=1)
    )
    return [float(value) for value in loop.homes.signs(said).value]


@pytest.mark.parametrize("datum", ["wgs84", "gcj02"])
async def test_door_read_from_either_map_is_the_same_door_for_everybody(
    home: Home, carehub_people: Carehub, datum: str
) -> None:
    """Her fence, the map a helper opens, and the phone at her door."""
    lat, lon = (float(x) for x in gcj02_of_wgs84(*HOME)) if datum == "gcj02" else HOME
    where = ("--lat", f"{lat:.7f}", "--lon", f"{lon:.7f}", "--datum", datum)
    told = await carehub_people("fence", str(home.resident), *where, "--fence", "500")
    assert "38.480000, 106.230000 (GCJ-02 38.4" in told
    await at(home, 0.0, 3)
    await at(home, 1.0, 2)
    near, far = sorted(await places(home))
    assert near < 5
    assert far == pytest.approx(1000, abs=5)
    door = dict(zip(("lat", "lon"), (await home.hub.rows("select lat, lon from resident"))[0], strict=True))
    for link in way.maps(door | {"address": ""}, Role.PROPERTY, "x").values():
        numbers = [float(number) for number in re.findall(r"\d+\.\d{6}", link)[:2]]
        assert 1000 * km_between((min(numbers), max(numbers)), HOME) < 5, link
    home.hub.press("w7")
    await home.hub.done()
    incident, raised_at = (await home.hub.rows("select incident_id, raised_at from alert where kind = 'sos'"))[0]
    cursor = await home.conn.execute(queries("cases").at_the_door, {"incident": incident, "person": 0})
    shown = proof_of(
        raised_at, position=Position(lat=HOME[0], lon=HOME[1], accuracy_m=5), home=(await cursor.fetchone() or ())[:2]
    )
    assert shown.proof is Proof.POSITION
    assert shown.distance_m is not None
    assert shown.distance_m < 5


@pytest.mark.parametrize("command", ["resident", "person", "change"])
async def test_place_from_a_chinese_map_is_stored_as_satellites_say_it(
    home: Home, carehub_people: Carehub, command: str
) -> None:
    lat, lon = (f"{float(x):.7f}" for x in gcj02_of_wgs84(*HOME))
    words = {"resident": ["马秀兰"], "person": ["马丽", "--role", "family"], "change": ["马丽"]}
    if command == "change":
        await carehub_people("person", "马丽", "--role", "family")
    await carehub_people(command, *words[command], "--lat", lat, "--lon", lon, "--datum", "gcj02")
    table = "resident" if command == "resident" else "person"
    stored = await home.hub.rows(f"select lat, lon from {table} where lat is not null")
    assert [1000 * km_between(place, HOME) < 1 for place in stored] == [True]


async def test_position_that_is_not_exact_is_kept_and_moves_no_fence(home: Home, carehub_people: Carehub) -> None:
    lat, lon = HOME
    await carehub_people("fence", str(home.resident), "--lat", str(lat), "--lon", str(lon), "--fence", "500")
    ms = int(datetime.now(UTC).timestamp() * 1000) - 60_000
    for ago, accuracy_m in enumerate((1200, 20)):
        said = {"hr": 70, "lat": lat + KM_NORTH, "lon": lon, "accuracy_m": accuracy_m, "at": ms - ago * 60_000}
        home.hub.send("carehub/w7/vitals", said, at_ms=ms - ago * 60_000)
    await home.hub.done()
    off = "select accuracy_m from observation where code = 'location' and lat is not null order by measured_at"
    assert await home.hub.rows(off) == [(20,), (1200,)]
    assert len(await places(home)) == 1


async def test_place_that_is_none_is_refused(home: Home, carehub_people: Carehub) -> None:
    for words in (["--lat", "38.4"], ["--lat", "138", "--lon", "38"], ["--datum", "gcj02"]):
        with pytest.raises(HubError, match="--l"):
            await carehub_people("fence", str(home.resident), "--fence", "500", *words)


async def test_position_by_way_of_a_chinese_cloud_is_stored_as_satellites_say_it(home: Home) -> None:
    lat, lon = (float(x) for x in gcj02_of_wgs84(*HOME))
    topic = "sys/a1/tracker/thing/event/property/post"
    said = {"method": "thing.event.property.post", "params": {"lat": lat, "lon": lon}}
    home.hub.send(topic, said)  # it becomes known
    await home.hub.done()
    await home.conn.execute(
        "update device set resident_id = %s, state = 'live' where address like 'cnthing:%%'", (home.resident,)
    )
    await home.conn.execute("notify carehub_config")
    home.hub.send(topic, said)
    await home.hub.done()
    stored = await home.hub.rows("select lat, lon from observation where code = 'location'")
    assert stored
    assert all(1000 * km_between(place, HOME) < 1 for place in stored)


async def test_outside_her_fence_for_minutes_is_an_alert_of_its_own_kind(home: Home) -> None:
    await fenced(home, *HOME)
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


def still_ring(home: Home) -> StillRing:
    return StillRing(still(home), datetime.now(UTC) - timedelta(hours=12), lambda at: None)


async def test_watch_that_says_still_is_low_while_something_moves_at_home(home: Home) -> None:
    await home.store(PIR, "presence.motion", [datetime.now(UTC) - timedelta(hours=2)], [1.0])
    home.hub.ingest._urgent.put(still_ring(home))
    await home.hub.done()
    assert await home.hub.rows("select severity, evidence from alert") == [(4, {"home_moved": True})]


async def test_watch_and_home_that_agree_are_one_incident(home: Home) -> None:
    await home.live()
    await home.conn.execute(
        "delete from observation where measured_at > %s and device_id = %s", (home.at(-1, 20), home.device[PIR])
    )
    await home.heard()
    home.hub.ingest._urgent.put(still_ring(home))
    await home.hub.done()
    await home.follow()
    rules = {rule for rule, _ in await home.alerts()}
    assert "B1" in rules
    assert len(rules) > 1
    assert await home.incidents() == 1
    assert await home.hub.one("select severity from alert where rule = 'B1' limit 1") == 3


async def test_away_and_back_on_the_command_line(home: Home, carehub_people: Carehub) -> None:
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
    assert "住院" in await carehub_people("absences", "--past")
