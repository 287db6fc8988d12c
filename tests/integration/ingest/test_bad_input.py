"""Bad input is data: counted, kept within its limit, and no press waits for it."""

import random
import time

from hub.ingest import Ingest
from hub.store.pool import connect
from hub.telemetry_lane import UNKEPT
from tests.integration.ingest.conftest import Hub, settings

TOPICS = ("carehub/w1/vitals", "carehub/w1/event", "carehub/w1/accel", "nobody/speaks/here", "x/zigbee2mqtt/Button")


def rubbish(rng: random.Random, number: int) -> bytes:
    """One of the things broken devices send."""
    kinds = (
        lambda: rng.randbytes(rng.randrange(300)),
        lambda: b'{"hr": 70, "seq":',
        lambda: b'{"hr": "seventy", "at": {}, "event": 7}',
        lambda: b'{"hr": NaN, "spo2": Infinity, "event": NaN}',
        lambda: b'{"hr": 70, "at": 0, "event": null}',
        lambda: b'{"hr": 70, "at": 4102444800000, "event": []}',
        lambda: b"[" * 5000,
        lambda: b'{"rate_hz": 1e308, "acc": [[1, 2], "x"]}',
        lambda: b'{"event": "\\u0000\\ud800"}',
        lambda: b"",
    )
    return kinds[number % len(kinds)]()


async def test_ten_presses_among_ten_thousand_bad_messages_open_ten_incidents(hub: Hub) -> None:
    rng = random.Random(20261121)
    total = 10_000
    at = set(rng.sample(range(total), 10))
    started = time.monotonic()
    for number in range(total):
        hub.send(rng.choice(TOPICS), rubbish(rng, number))
        if number in at:
            hub.press(f"p{number}", id="1")
    await hub.done()
    assert len(hub.line.acknowledged) == total + 10
    assert await hub.one("select count(*) from incident where kind = 'sos'") == 10
    assert await hub.one("select sum(messages) from raw_batch") == total + 10
    assert await hub.one("select count(*) from unreadable") > total / 3
    assert time.monotonic() - started < 30


async def test_unreadable_messages_stay_below_their_limit_of_bytes(dsn: str) -> None:
    async with await connect(dsn) as conn, Ingest(settings(unreadable_keep_mb=2), dsn) as ingest:
        hub = Hub(ingest, conn)
        for number in range(5):
            hub.send("carehub/w1/vitals", bytes([number]) * 1_000_000)
            await hub.done()
        kept = await hub.rows("select get_byte(payload, 0) from unreadable order by id")
        assert kept == [(4,)]
        assert len(hub.line.acknowledged) == 5


async def test_impossible_times_are_replaced_by_ours(hub: Hub) -> None:
    now = int(time.time() * 1000)
    for at in (0, 86_400, 4_102_444_800, 4_102_444_800_000, -5, 1e300):
        hub.send("carehub/w1/vitals", {"hr": 70, "at": at}, at_ms=now)
    await hub.done()
    assert await hub.one("select count(*) from telemetry where measured_at = received_at") == 6


async def test_text_the_database_cannot_hold_is_cleaned(hub: Hub) -> None:
    token = hub.send("carehub/w1/event", b'{"event": "sos", "id": "1", "model": "a\\u0000b"}')
    hub.send("x/zigbee2mqtt/Lamp", b'{"action": "on\\u0000off", "contact": true}')
    await hub.done()
    assert token in hub.line.acknowledged
    assert await hub.one("select count(*) from incident where kind = 'sos'") == 1


async def test_broken_frames_of_the_ways_in_are_kept(hub: Hub) -> None:
    hub.ingest.rejected("gateway", "tcp/watch3g", b"[3G*\x00", "no end of frame")
    await hub.done()
    assert await hub.rows("select source, payload, error from unreadable") == [
        ("gateway", b"[3G*\x00", "no end of frame")
    ]


async def test_broken_frames_that_cannot_be_kept_are_counted_and_take_no_memory(hub: Hub) -> None:
    before = UNKEPT._value.get()
    for _ in range(40):
        hub.ingest.rejected("listener", "carehub/w1/event", bytes(1 << 20), "topic not authorised")
    await hub.done()
    kept = await hub.one("select count(*) from unreadable")
    assert 4 <= kept <= 8
    assert UNKEPT._value.get() - before == 40 - kept


async def test_trouble_of_a_way_in_calls_a_technician_once(hub: Hub) -> None:
    hub.ingest.technical("broker_dropped", "the broker dropped 4 messages")
    hub.ingest.technical("broker_dropped", "the broker dropped 4 messages")
    await hub.done()
    assert await hub.rows("select kind, severity from incident") == [("system", 5)]


async def test_endless_device_name_still_rings_and_holds_nobody_up(hub: Hub) -> None:
    name = random.Random(1).randbytes(20_000).hex()
    hub.send(f"home7/zigbee2mqtt/{name}", {"action": "emergency"})
    hub.send(f"home7/zigbee2mqtt/{name}", {"temperature": 20})
    hub.press("w2", id="1")
    hub.vitals("w2", hr=70)
    await hub.done()
    assert await hub.one("select count(*) from incident where kind = 'sos'") == 2
    assert await hub.one("select count(*) from telemetry where heart_rate_bpm = 70") == 1


async def test_words_too_long_for_the_database_are_kept_unread_and_hold_nobody_up(hub: Hub) -> None:
    await hub.conn.execute(
        "create function too_long() returns trigger language plpgsql as"
        " $$ begin raise exception 'index row requires 40040 bytes' using errcode = '54000'; end $$"
    )
    await hub.conn.execute(
        "create trigger too_long before insert on device for each row when (new.address ~ 'poison')"
        " execute function too_long()"
    )
    tokens = [hub.press("poison", id=str(number)) for number in range(5)]
    tokens.append(hub.vitals("poison", hr=70))
    tokens.append(hub.press("w2", id="1"))
    tokens.append(hub.vitals("w2", hr=71))
    await hub.done()
    assert sorted(hub.line.acknowledged) == tokens
    assert await hub.one("select count(*) from unreadable where topic ~ 'poison'") == 6
    assert await hub.one("select count(*) from incident where kind = 'sos'") == 2
    assert await hub.one("select count(*) from telemetry where heart_rate_bpm = 71") == 1


async def test_answer_of_thousands_of_brackets_or_half_a_letter_is_bad_input_and_stops_nothing(hub: Hub) -> None:
    hub.send("carehub/responder/7/answer", b'{"page": 1, "nonce": "n", "verb": "read", "x": ' + b"[" * 20_000)
    hub.send("carehub/responder/7/answer", b'{"page": 1, "nonce": "\xff", "verb": "read"}')
    hub.press("p1", id="1")
    await hub.done()
    assert len(hub.line.acknowledged) == 3
    assert await hub.one("select count(*) from incident where kind = 'sos'") == 1
