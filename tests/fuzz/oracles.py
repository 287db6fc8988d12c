"""What must hold of any message, whatever its bytes: the judge of fuzzing.

1. Decoding answers with telemetry or a DecodeError, and so it does again: the same telemetry.
2. What it answers can be stored: codes of the vocabulary, finite numbers where the quality is `ok`, no endless words.
3. What rings was `urgent` on arrival.
4. An alarm has its word in the message (`witness.py`), and random bytes have none.
5. A message cut off says no alarm that the whole does not.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from alerts.detectors import sos
from alerts.model import Severity
from devices import registry
from devices.adapter import Adapter, DecodeError, Message
from devices.codes import CODES
from devices.telemetry import Quality, Telemetry
from tests.fuzz.corpus import Seed
from tests.fuzz.witness import witnessed

NOW = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)
MOST_OBSERVATIONS = 20_000  # of one message of a megabyte
LONGEST_WORD = 1_000  # characters of anything but a location's or a code's text
LONGEST_DEVICE = 400


class FindingError(AssertionError):
    """Something that must not happen did. `seed` makes it happen again."""

    def __init__(self, what: str, seed: Seed) -> None:
        payload = seed.payload if len(seed.payload) <= 400 else seed.payload[:200] + b" ... " + seed.payload[-100:]
        super().__init__(f"{what}\n  topic {seed.topic!r} model {seed.model!r} retained {seed.retained}\n  {payload!r}")
        self.what, self.seed = what, seed


def decoded(adapter: Adapter, seed: Seed) -> Sequence[Telemetry] | None:
    """Return what the message says; None: it follows no grammar."""
    message = Message(topic=seed.topic, payload=seed.payload, received_at=NOW, retained=seed.retained, model=seed.model)
    try:
        return adapter.decode(message)
    except DecodeError as error:
        if not str(error) or len(str(error)) > LONGEST_WORD:
            raise FindingError(f"a DecodeError of {len(str(error))} characters", seed) from error
        return None
    except Exception as error:
        raise FindingError(f"{adapter.name} decode: {type(error).__name__}: {str(error)[:200]}", seed) from error


def judge(seed: Seed, adapter: Adapter | None = None) -> frozenset[str]:
    """Judge one message and return the alarms it states. Raises FindingError."""
    adapter = adapter or registry.adapter_for(seed.topic)
    assert adapter is not None, seed.topic
    try:
        urgent = adapter.urgent(seed.topic, seed.payload)
    except Exception as error:
        raise FindingError(f"{adapter.name} urgent: {type(error).__name__}: {str(error)[:200]}", seed) from error
    said = decoded(adapter, seed)
    if said is None:
        if decoded(adapter, seed) is not None:
            raise FindingError("refused once, understood the second time", seed)
        return frozenset()
    stored = _stored(said, seed)
    again = decoded(adapter, seed)
    if again is None or _stored(again, seed) != stored:
        raise FindingError("decoded to something else the second time", seed)
    _sound(said, seed)
    if not urgent:
        _rings_nobody(said, seed)
    alarms = alarms_of(said)
    for code in alarms:
        if not witnessed(adapter.name, code, seed):
            raise FindingError(f"{adapter.name} states {code}, and the message has no word or bit of it", seed)
    return alarms


def alarms_of(said: Sequence[Telemetry]) -> frozenset[str]:
    """Return the alarms that are stated for certain."""
    return frozenset(
        one.code
        for telemetry in said
        for one in telemetry.observations
        if one.code[:6] == "alarm." and one.value is True and one.quality is Quality.OK
    )


def _stored(said: Sequence[Telemetry], seed: Seed) -> bytes:
    try:
        return msgspec.json.encode(
            [
                (one.device, one.observations, one.measured_at, one.time_quality, one.sequence, one.identity, one.model)
                for one in said
            ]
        ) + b"".join(one.accel.accel_mg.tobytes() for one in said if one.accel is not None)
    except Exception as error:
        raise FindingError(f"cannot be stored: {type(error).__name__}: {str(error)[:200]}", seed) from error


def _sound(said: Sequence[Telemetry], seed: Seed) -> None:
    count = 0
    for telemetry in said:
        count += len(telemetry.observations)
        if not telemetry.device.partition(":")[2] or len(telemetry.device) > LONGEST_DEVICE:
            raise FindingError(f"a device called {telemetry.device[:80]!r}", seed)
        for one in telemetry.observations:
            if one.code not in CODES:
                raise FindingError(f"a code nobody has written down: {one.code[:80]!r}", seed)
            value = one.value
            if isinstance(value, float) and not math.isfinite(value) and one.quality is Quality.OK:
                raise FindingError(f"{one.code} is {value}", seed)
            words = (value if isinstance(value, str) else "", one.native or "", one.channel or "", one.sub or "")
            if max(map(len, words)) > LONGEST_WORD:
                raise FindingError(f"{one.code} has a word of {max(map(len, words))} characters", seed)
            for side, most in ((one.lat, 90), (one.lon, 180)):
                if side is not None and one.quality is Quality.OK and not abs(side) <= most:
                    raise FindingError(f"a place at {one.lat}, {one.lon}", seed)
    if count > MOST_OBSERVATIONS:
        raise FindingError(f"{count} observations", seed)


def _rings_nobody(said: Sequence[Telemetry], seed: Seed) -> None:
    """What was not urgent on arrival must call nobody, also where the device is bound as a call button."""
    for telemetry in said:
        for draft in sos.hear(telemetry, call_button=True).drafts:
            if draft.severity is not Severity.TECHNICAL:
                raise FindingError(f"rings ({draft.kind}) and was not urgent", seed)


def random_bytes_ring_nothing(seed: Seed) -> None:
    """Bytes of chance are no alarm, where an alarm is more than a bare word of a few letters."""
    if found := judge(seed):
        raise FindingError(f"random bytes state {sorted(found)}", seed)


def cut_says_no_more(whole: Seed, length: int) -> None:
    """A message that was cut off says no alarm that the whole does not."""
    part = msgspec.structs.replace(whole, payload=whole.payload[:length])
    invented = judge(part) - judge(whole)
    # The letters AL alone mean that help may be needed: a cut-off alarm frame rings, without a reason.
    if b"*AL" in part.payload:
        invented -= {"alarm.general"}
    # A binary frame of H02 has one of five lengths, and none says which: cut, it is another model's.
    if part.topic == "tcp/h02" and part.payload[:1] == b"$":
        return
    if invented:
        raise FindingError(f"cut off at {length}, it states {sorted(invented)}", part)
