"""`carehub decode`: one JSON object a line in, what the adapters make of it out. Every line is answered."""

import json
import re
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from devices import families, protocols, registry
from devices.adapter import Adapter, DecodeError, Message
from devices.adapters import lorawan
from devices.plausible import SECONDS_BELOW, instant
from devices.telemetry import Observation, Quality, Telemetry
from hub.commands.tally import Tally
from hub.discovered import Discovered

TCP_TOPICS = {name: protocol.topic for name, protocol in protocols.BY_NAME.items()}
FRAMERS = {name: protocol.framer for name, protocol in protocols.BY_NAME.items()}
BARE_EUI = "0" * 16  # of bytes that came without an envelope
LONGEST_RUN = timedelta(days=3660)  # of one sequence; a larger `at` is no time


def main(argv: list[str]) -> int:
    """Read lines from standard input until it ends. Returns 0: what cannot be decoded is answered with its error."""
    if argv:
        print("usage: carehub decode < lines.jsonl", file=sys.stderr)
        return 2
    for line in sys.stdin.buffer:
        if line.strip():
            print(json.dumps(answer(line, datetime.now(UTC)), ensure_ascii=False), flush=False)
    return 0


def answer(line: bytes, now: datetime) -> dict[str, Any]:
    """Return the answer to one line."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "records": [], "error": f"not JSON: {str(error)[:120]}"}
    if not isinstance(asked, dict):
        return {"id": None, "records": [], "error": "a JSON object is expected"}
    given = asked.get("input")
    kind, family = str(asked.get("kind")), str(asked.get("type"))
    try:
        read = _KINDS.get(kind, _unknown)
        return {"id": asked.get("id"), **read(family, given if isinstance(given, dict) else {}, now)}
    except DecodeError as error:
        return {"id": asked.get("id"), "records": [], "error": str(error)}


def _unknown(family: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {"records": [], "error": f"no adapter for {family}"}


def _mqtt(family: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    adapter, message = _message(family, given, now)
    heard = adapter.decode(message)
    records = [record for said in heard for record in _records(said, own_time=len(heard) > 1)]
    return {"records": records, "error": None}


def _frame(family: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    framer = FRAMERS.get(family.removeprefix("frame."))
    if framer is None:
        return {"frame_hex": None, "records": [], "error": f"no framer for {family}"}
    frames = framer().feed(_hex(given.get("stream_hex")))
    return {"frame_hex": frames[0].hex() if frames else None, "error": None if frames else "no complete frame"}


def _sequence(family: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Feed messages in order, as if the last thing they tell of had just happened, and count after coalescing."""
    listed = given.get("messages")
    steps = [step for step in listed if isinstance(step, dict)] if isinstance(listed, list) else []
    arrived = _arrivals(steps, family, now)
    tally = Tally()
    discovered = Discovered()
    faults = []
    for step, at in zip(steps, arrived, strict=True):
        try:
            adapter, message = _message(family, step, at, discovered)
            for said in adapter.decode(message):
                tally.hear(said, at)
        except DecodeError as error:
            faults.append(str(error))
    return {**tally.counted(), "records": [], "error": "; ".join(faults) or None}


def _arrivals(steps: Sequence[Mapping[str, Any]], family: str, now: datetime) -> list[datetime]:
    """Return when each message came: spaced as its `at` says, the newest device time being the present."""
    told = [moment for step in steps if (moment := _told(family, step, now)) is not None]
    base = max(told, default=now)
    clocks = [_clock(step.get("at")) for step in steps]
    known = [clock for clock in clocks if clock is not None]
    if not known:
        return [base] * len(steps)
    last = max(known)
    return [base if clock is None or last - clock > LONGEST_RUN else base - (last - clock) for clock in clocks]


def _told(family: str, step: Mapping[str, Any], now: datetime) -> datetime | None:
    try:
        adapter, message = _message(family, step, now)
        moments = [said.measured_at for said in adapter.decode(message) if said.measured_at is not None]
    except DecodeError:
        return None
    return max((moment for moment in moments if moment.tzinfo is not None), default=None)


def _clock(at: object) -> timedelta | None:
    """Return an `at` as time since some common zero: seconds, hh:mm:ss or ISO 8601."""
    if isinstance(at, int | float) and not isinstance(at, bool):
        return timedelta(seconds=at if abs(at) < SECONDS_BELOW else at / 1000) if abs(at) < 1e13 else None
    moment = instant(at)
    if moment is not None:
        return moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    parts = re.fullmatch(r"(\d{1,4}):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?", str(at), re.ASCII)
    if parts is None:
        return None
    return timedelta(hours=int(parts[1]), minutes=int(parts[2]), seconds=float(parts[3] or 0))


def _message(
    family: str, given: Mapping[str, Any], now: datetime, discovered: Discovered | None = None
) -> tuple[Adapter, Message]:
    topic = given.get("topic")
    if isinstance(topic, str):
        adapter = families.adapter_of(family, topic)
        if discovered is not None:
            discovered.learn(topic, _payload(given))
            if topic in discovered.by_topic and registry.adapter_for(topic) is None:
                adapter = discovered.adapter
    else:
        topic = TCP_TOPICS.get(family.removeprefix("tcp."), f"tcp/{family}")
        adapter = registry.adapter_for(topic)
    if adapter is None:
        raise DecodeError("carehub", f"no adapter for {family} on {topic[:80]}")
    received_at = instant(given.get("received_at")) or now
    received_at = received_at if received_at.tzinfo else received_at.replace(tzinfo=UTC)
    return adapter, Message(
        topic=topic, payload=_payload(given), received_at=received_at, retained=given.get("retain") is True
    )


def _payload(given: Mapping[str, Any]) -> bytes:
    for name in ("payload_hex", "hex"):
        if isinstance(given.get(name), str):
            return _hex(given[name])
    value = given.get("payload", given.get("text", ""))
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


def _hex(text: object) -> bytes:
    try:
        return bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        raise DecodeError("carehub", "the bytes are not in hex") from None


def _records(said: Telemetry, *, own_time: bool = False) -> list[dict[str, Any]]:
    """Return one flat record for each observation, and the message's own time, number and burst.

    Where a message has several records, each observation carries the time of its own.
    """
    records = [_record(seen) for seen in said.observations]
    if own_time and said.measured_at is not None:
        records = [{"measured_at": said.measured_at.isoformat(), **record} for record in records]
    stage = next((seen.stage for seen in said.observations if seen.stage is not None), None)
    if stage is not None:
        records.append({"code": "alarm.stage", "value": stage.value})
    if said.measured_at is not None:
        old = any(seen.code == "link.seen" and seen.quality is not Quality.OK for seen in said.observations)
        time = {"code": "device_time", "value": said.measured_at.isoformat(), "time_quality": said.time_quality.value}
        records.append({**time, "quality": Quality.REPLAYED.value} if old else time)
    if said.sequence is not None:
        records.append({"code": "seq", "value": said.sequence})
    if said.accel is not None:
        records.append({"code": "accel.samples", "value": len(said.accel.accel_mg)})
    return records


def _record(seen: Observation) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(seen)
    record.pop("lasting", None)  # how it is told, not what
    return {"value": None, **record} if seen.code != "location" else record


def _lorawan(family: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Decode a sensor's bare bytes as its network server would hand them over, the model being known."""
    uplink: dict[str, Any] = {"deviceInfo": {"devEui": BARE_EUI}, "data": b64encode(_hex(given.get("hex"))).decode()}
    uplink |= {
        name: given[key] for name, key in (("fPort", "fPort"), ("time", "recvTime")) if given.get(key) is not None
    }
    return _heard(f"application/0/device/{BARE_EUI}/event/up", uplink, family, now)


def _envelope(family: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Decode a network server's message, about a device of which nobody has said what it is."""
    pattern = given.get("topic_pattern")
    topic = pattern if isinstance(pattern, str) else f"lorawan/{given.get('network')}"
    return _heard(topic, given.get("message"), None, now)


def _heard(topic: str, said: object, model: str | None, now: datetime) -> dict[str, Any]:
    message = Message(topic=topic, payload=json.dumps(said).encode(), received_at=now, model=model)
    records = [record for one in lorawan.ADAPTER.decode(message) for record in _records(one)]
    return {"records": records, "error": None}


_KINDS = {
    "mqtt": _mqtt,
    "tcp": _mqtt,
    "frame": _frame,
    "sequence": _sequence,
    "lorawan": _lorawan,
    "envelope": _envelope,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
