"""What the hub stores of a message is a whole record: coded, timed, numbered, with whose it was and what read it."""

import io
import json
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from devices.records import Record
from devices.telemetry import Quality, Stage, TimeQuality
from hub.__main__ import main
from hub.store import records
from hub.store.pool import connect
from tests.integration.ingest.conftest import Hub, add_resident
from tests.integration.ingest.test_press import known

DAY = timedelta(days=1)


async def said(dsn: str, device: str) -> list[Record]:
    """Return everything a device said."""
    now = datetime.now(UTC)
    async with await connect(dsn) as conn, conn.transaction():
        speaker = await records.device(conn, device)
        return [one async for one in records.said(conn, speaker, now - 2 * DAY, now + DAY)]


async def test_minute_of_a_watch_comes_back_as_it_was_said(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "carehub:w1")
    measured = int(time.time() * 1000) - 4000
    hub.vitals(seq=1201, at=measured, hr=68, spo2=97, temp=36.4, sys=128, dia=71, steps=12, battery=83.5, worn=True)
    await hub.done()
    found = await said(dsn, "carehub:w1")
    assert {one.code: (one.value, one.unit) for one in found} == {
        "vital.heart_rate": (68, "/min"), "vital.spo2": (97, "%"), "vital.body_temperature": (36.4, "Cel"),
        "vital.bp_systolic": (128, "mm[Hg]"), "vital.bp_diastolic": (71, "mm[Hg]"),
        "activity.steps_minute": (12, "{steps}"), "battery.level": (83.5, "%"), "wear.worn": (True, None),
    }  # fmt: skip
    one = found[0]
    assert one.device_time == datetime.fromtimestamp(measured / 1000, UTC)
    assert (one.time_quality, one.seq, one.adapter, one.loinc) == (TimeQuality.DEVICE, 1201, "carehub/1", "8867-4")
    assert one.person_id == await hub.one("select resident_id from device")
    assert len({each.dedup_key for each in found}) == len(found)


async def test_fall_keeps_its_stages_and_its_repeats_share_a_key(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "radar:id_1")
    now = int(time.time() * 1000)
    for status, at in (("fall_detected", now), ("fall confirmed", now + 1000), ("fall confirmed", now + 1000)):
        body = {"status": status, "timestamp": now, "statusUpdateTimestamp": at, "endTimestamp": 0}
        hub.send("/devices/id_1/events", {"type": 1, "payload": body}, at_ms=at)
        await hub.done()
    falls = [one for one in await said(dsn, "radar:id_1") if one.code == "alarm.fall"]
    assert [one.stage for one in falls] == [Stage.SUSPECTED, Stage.CONFIRMED, Stage.CONFIRMED]
    assert falls[0].dedup_key != falls[1].dedup_key == falls[2].dedup_key
    assert {one.adapter for one in falls} == {"radar_events/1"}


async def test_place_probe_and_a_clock_that_stands_are_kept(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "watch3g:8800000015")
    frame = b"[3G*8800000015*0000*UD,010100,134652,V,38.123456,N,106.654321,E,1.5,90,1100,6,80,75,100,0,00000000,0,0]"
    hub.send("tcp/watch3g", frame)
    await hub.done()
    found = {one.code: one for one in await said(dsn, "watch3g:8800000015")}
    place = found["location"]
    assert (place.lat, place.lon, place.valid, place.value) == (38.123456, 106.654321, False, None)
    assert place.time_quality is TimeQuality.SUSPECT
    assert place.device_time is not None
    assert place.device_time.year == 2000
    assert place.at == place.hub_time


async def test_retained_state_is_told_as_stale(hub: Hub, dsn: str) -> None:
    await known(hub, dsn, "z2m:zigbee2mqtt/Stairs")
    hub.send("zigbee2mqtt/Stairs", {"smoke": True}, retained=True)
    await hub.done()
    smoke = next(one for one in await said(dsn, "z2m:zigbee2mqtt/Stairs") if one.code == "alarm.smoke")
    assert (smoke.quality, smoke.value) == (Quality.STALE, True)


async def test_release_that_reads_otherwise_is_named_from_its_first_batch_on(
    hub: Hub, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known(hub, dsn, "carehub:w1")
    hub.vitals(seq=1, hr=68)
    await hub.done()
    newer = type("Newer", (), {"scheme": "carehub", "name": "carehub/2"})
    monkeypatch.setattr("hub.store.records.registry.ADAPTERS", (newer,))
    await records.note_grammars(hub.conn)
    assert await hub.rows("select adapter from grammar where scheme = 'carehub' order by since_batch") == [
        ("carehub/1",), ("carehub/2",),
    ]  # fmt: skip
    assert {one.adapter for one in await said(dsn, "carehub:w1")} == {"carehub/1"}
    last = await hub.one("select max(since_batch) from grammar")
    assert last > await hub.one("select max(batch) from telemetry")


async def test_records_of_a_resident_are_those_of_the_time_when_it_was_hers(hub: Hub, dsn: str) -> None:
    device = await known(hub, dsn, "carehub:w1")
    first = await hub.one("select resident_id from device where id = %s", device)
    other = add_resident(dsn, "carehub:w2")
    hub.vitals(seq=1, hr=68)
    await hub.done()
    second = await hub.one("select resident_id from device where id = %s", other)
    await hub.rows(
        "insert into device_event (device_id, at, action, state, actor, facts) values (%s, hub_now(), 'bind', 'bound',"
        " 'person:1', jsonb_build_object('resident', %s::bigint)) returning id", device, second,
    )  # fmt: skip
    await hub.rows(
        "update device set resident_id = %s, bound_at = hub_now() where id = %s returning id", second, device
    )
    hub.vitals(seq=2, hr=99)
    await hub.done()
    async with await connect(dsn) as conn:
        hers = await records.devices_of(conn, second)
    assert {one.id for one in hers} == {device, other}
    assert [(one.value, one.person_id) for one in await said(dsn, "carehub:w1")] == [(68, None), (99, second)]
    assert first != second


async def test_command_exports_every_form_and_finds_the_bytes_again(
    hub: Hub, dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await known(hub, dsn, "carehub:w1")
    hub.vitals(seq=7, hr=68, sys=128, dia=71)
    await hub.done()
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)

    def told(*words: str) -> list[str]:
        outcome: list[int] = []
        one = threading.Thread(target=lambda: outcome.append(main(["devices", *words])))
        one.start()
        one.join()
        assert outcome == [0], capsys.readouterr().err
        return capsys.readouterr().out.splitlines()

    lines = [json.loads(line) for line in told("records", "carehub:w1")]
    assert [line["loinc"] for line in lines] == ["8867-4", "8480-6", "8462-4"]
    assert len(told("records", "carehub:w1", "--format", "csv")) == 4
    fhir = [json.loads(line) for line in told("records", "--resident", "1", "--format", "fhir")]
    assert [one["code"]["coding"][0]["code"] for one in fhir] == ["8867-4", "85354-9"]
    (kept,) = told("raw", lines[0]["raw_ref"])
    assert json.loads(json.loads(kept)["text"]) == {"seq": 7, "hr": 68, "sys": 128, "dia": 71}


def test_long_export_holds_a_page_in_memory(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    add_resident(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "insert into telemetry (received_at, device_id, batch, measured_at, sequence, heart_rate_bpm, spo2_pct)"
            " select t, 1, 1000 + n, t, n, 68, 97 from generate_series(1, 20000) n,"
            " lateral (select now() - interval '23 hours' + n * interval '4 seconds' as t) s"
        )

    class Counted(io.StringIO):
        lines = 0

        def write(self, text: str) -> int:
            Counted.lines += text.count("\n")
            return len(text)

    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    monkeypatch.setattr("sys.stdout", Counted())
    main(["devices", "records", "1", "--until", "2000-01-02"])  # imports are not what is measured
    tracemalloc.start()
    assert main(["devices", "records", "1"]) == 0
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert Counted.lines == 40_000
    assert most < 12_000_000
