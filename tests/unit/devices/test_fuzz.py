"""Damaged captures and random bytes: an adapter answers with telemetry or a DecodeError, and invents no alarm."""

import contextlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import registry
from devices.adapter import DecodeError, Message
from devices.adapters.carehub import decode_vitals
from devices.framers.watch_3g import LONGEST, Framer
from devices.telemetry import Telemetry
from tests.unit.devices.captures import ALL, RECEIVED_AT

TOPICS = sorted({capture.topic for capture in ALL})
EXAMPLES = settings(max_examples=150, deadline=None)


def decode(topic: str, payload: bytes, *, retained: bool = False) -> Sequence[Telemetry]:
    """Decode as ingest does; a DecodeError is an answer, everything else is a fault of the adapter."""
    adapter = registry.adapter_for(topic)
    assert adapter is not None
    adapter.urgent(topic, payload)
    with contextlib.suppress(DecodeError):
        said = adapter.decode(Message(topic=topic, payload=payload, received_at=RECEIVED_AT, retained=retained))
        msgspec.json.encode([one for telemetry in said for one in telemetry.observations])  # storable
        return said
    return ()


def alarms(said: Sequence[Telemetry]) -> set[str]:
    return {
        one.code
        for telemetry in said
        for one in telemetry.observations
        if one.code[:6] == "alarm." and one.value is True
    }


# Where a bare word of a few letters is a whole alarm, random bytes find it sooner or later.
BARE = {one.topic for one in ALL if len(one.payload) <= 20 and alarms(decode(one.topic, one.message.payload))}


@EXAMPLES
@given(topic=st.sampled_from(TOPICS), payload=st.binary(max_size=400))
def test_random_bytes_ring_nothing(topic: str, payload: bytes) -> None:
    if topic.endswith("/action") or (topic in BARE and len(payload) <= 20):
        return
    assert not alarms(decode(topic, payload))


@EXAMPLES
@given(capture=st.sampled_from(ALL), cut=st.floats(0, 1))
def test_a_truncated_payload_rings_nothing_that_the_whole_does_not(capture, cut) -> None:  # type: ignore[no-untyped-def]
    payload = capture.message.payload
    whole = alarms(decode(capture.topic, payload, retained=capture.retained))
    part = alarms(decode(capture.topic, payload[: int(len(payload) * cut)], retained=capture.retained))
    # The letters AL alone mean that help may be needed: a cut-off alarm frame rings, without a reason.
    assert part <= whole | ({"alarm.general"} if b"*AL" in payload else set())


@EXAMPLES
@given(capture=st.sampled_from(ALL), data=st.data())
def test_a_flipped_bit_raises_nothing_but_decode_errors(capture, data) -> None:  # type: ignore[no-untyped-def]
    payload = bytearray(capture.message.payload)
    for _ in range(data.draw(st.integers(1, 4))):
        if payload:
            at = data.draw(st.integers(0, len(payload) - 1))
            payload[at] ^= 1 << data.draw(st.integers(0, 7))
    decode(capture.topic, bytes(payload))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
VITALS = ["seq", "at", "hr", "spo2", "rr", "temp", "sys", "dia", "steps", "battery", "worn", "online", "lat", "lon"]
EVENTS = ["event", "id", "stage", "of", "rate_hz", "first", "acc", "acc_b64", "gyro", "model"]
STATES = ["sos", "smoke", "contact", "occupancy", "voltage", "fall_status", "status", "last_seen", "device", "action"]
FIELDS = [*VITALS, *EVENTS, *STATES]


@EXAMPLES
@given(topic=st.sampled_from(TOPICS), fields=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8))
def test_any_json_in_any_field_is_answered(topic: str, fields: dict[str, object]) -> None:
    payload = json.dumps(fields).encode()
    decode(topic, payload)
    batch = decode_vitals([payload, b'{"hr":70}'])
    assert batch.heart_rate_bpm[1] == 70


@pytest.mark.parametrize("payload", [b"[" * 200_000, b'{"a":' * 50_000, b'{"hr":' + b"9" * 5000 + b"}", b"\xff" * 99])
@pytest.mark.parametrize(
    "topic",
    ["carehub/w-1/vitals", "carehub/w-1/event", "zigbee2mqtt/x", "tcp/watch3g", "tele/x/SENSOR", "x/events/rpc",
     "iMEDE_watch/VitalSign", "homeassistant/sensor/x/config", "/sys/a/b/thing/event/property/post"],
)  # fmt: skip
def test_hostile_payloads_are_decode_errors_or_nothing(topic: str, payload: bytes) -> None:
    assert not alarms(decode(topic, payload))
    assert np.isnan(decode_vitals([payload]).heart_rate_bpm[0])


@pytest.mark.parametrize("year", ["1970", "2100", "0001", "9999"])
def test_an_impossible_year_is_suspect_and_the_values_are_kept(year: str) -> None:
    payload = f'{{"at":"{year}-01-01T00:00:00Z","hr":70,"last_seen":"{year}-01-01T00:00:00Z","sos":true}}'.encode()
    (vitals,) = decode("carehub/w-1/vitals", payload)
    (button,) = decode("zigbee2mqtt/b", payload)
    assert vitals.time_quality == button.time_quality == "suspect"
    assert vitals.observations[0].value == 70
    assert button.identity is None, "a broken clock names no press"
    received_ms = np.array([int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)])
    assert decode_vitals([payload], received_ms).measured_ms[0] == received_ms[0]


@EXAMPLES
@given(chunks=st.lists(st.binary(max_size=60), max_size=20))
def test_framer_survives_any_stream_and_finds_the_next_frame(chunks: list[bytes]) -> None:
    framer = Framer()
    for chunk in chunks:
        framer.feed(chunk)
    frames = framer.feed(b"[3G*4700000017*0002*LK][3G*4700000017*0002*LK]")
    assert b"[3G*4700000017*0002*LK]" in frames


def test_framer_holds_no_more_than_its_limit() -> None:
    framer = Framer()
    for _ in range(40):
        assert framer.feed(b"[3G*4700000017*FFFF*TK," + b"x" * 8000) == []
    assert len(framer.take_rejected()) <= LONGEST
    assert framer.rejected_bytes > LONGEST


def test_framer_looks_at_each_byte_once_however_they_come() -> None:
    framer = Framer()
    framer.feed(b"[3G*4700000017*FFFF*UD,[[[[")
    began = time.process_time()
    for at in range(40_000):
        framer.feed(b"x]" if at % 2 else b"[")
    assert time.process_time() - began < 5  # 0.2 where it was written; 100 if each byte had all before it read again
