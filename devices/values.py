"""What the JSON and bare-word grammars share: reading a payload, a flag, a number, an address; marking what is off."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

from devices import plausible
from devices.adapter import DecodeError
from devices.codes import unit_of
from devices.telemetry import Observation, Quality

LONGEST_ADDRESS = 300  # characters of a device's name; what is longer is cut and told apart by its digest
LONGEST_PAYLOAD = 256 * 1024  # bytes; the largest state of a single device is under 10 kB
LONGEST_WORD = 80  # characters of a word that is kept as a value
FARTHEST_M = 100_000.0  # what a position may be off: a cell of a mobile network reaches no further
EXACT_M = 50  # what a position may be off and still be a fix

_NUMBER = re.compile(r"[-+]?\d{1,12}(?:\.\d{0,12})?", re.ASCII)
_FLAGS = {
    "true": True, "on": True, "yes": True, "1": True,
    "false": False, "off": False, "no": False, "0": False,
}  # fmt: skip


def address(scheme: str, native: str) -> str:
    """Return the device's address. A topic may have 65,535 bytes, more than any index takes: a press still has one."""
    whole = f"{scheme}:{native}"
    if len(whole) <= LONGEST_ADDRESS:
        return whole
    return f"{whole[: LONGEST_ADDRESS - 33]}~{sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def below(topic: str, marks: frozenset[str]) -> tuple[str, str] | None:
    """Return the topic up to and including its first part that is one of `marks`, and what follows; None without one.

    A gateway signs in for the topics below its prefix, so one word of the prefix says which grammar is spoken there:
    `home7/esphome/…`.
    """
    parts = topic.split("/")
    if parts[0] == "tcp":  # a frame: its grammar is the protocol's
        return None
    for at, part in enumerate(parts[:-1]):
        if part.lower() in marks:
            return "/".join(parts[: at + 1]), "/".join(parts[at + 1 :])
    return None


def text(name: str, payload: bytes, longest: int = LONGEST_PAYLOAD) -> str:
    """Return a payload as text.

    Raises:
        DecodeError: Too long.
    """
    if len(payload) > longest:
        raise DecodeError(name, f"{len(payload)} bytes, at most {longest} allowed")
    return payload.decode("utf-8", "replace").strip()


def parsed(said: str) -> Any:
    """Return the JSON in a text. Half a surrogate pair, which JSON can write and nothing can store, is replaced.

    Raises:
        ValueError, RecursionError: It is none.
    """
    found = json.loads(said)
    return _storable(found) if "\\ud" in said.lower() else found


def _storable(found: Any) -> Any:
    if isinstance(found, str):
        return found.encode("utf-8", "replace").decode()
    if isinstance(found, dict):
        return {_storable(name): _storable(value) for name, value in found.items()}
    return [_storable(value) for value in found] if isinstance(found, list) else found


def fields(name: str, payload: bytes, longest: int = LONGEST_PAYLOAD) -> dict[str, Any]:
    """Return the JSON object in a payload.

    Raises:
        DecodeError: Too long, not JSON, or not an object.
    """
    return json_object(name, text(name, payload, longest))


def json_object(name: str, said: str) -> dict[str, Any]:
    """Return the JSON object in a text.

    Raises:
        DecodeError: Not JSON, or not an object.
    """
    try:
        found = parsed(said)
    except (ValueError, RecursionError) as error:
        raise DecodeError(name, f"not JSON: {str(error)[:120]}") from None
    if not isinstance(found, dict):
        raise DecodeError(name, f"a JSON object is expected, not {type(found).__name__}")
    return found


def flag(value: object) -> bool | None:
    """Return true or false where a value says so; null, "" and other words say nothing."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _FLAGS.get(value.strip().lower())
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def number(value: object) -> float | int | None:
    """Return a number, also one written as text ("100.00"); None for everything else, NaN included."""
    if isinstance(value, str):
        word = value.strip()
        if not _NUMBER.fullmatch(word):
            return None
        value = float(word) if "." in word else int(word)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        return None
    return value


def word(value: object) -> str:
    """Return a word that is short enough to keep, stripped; "" for everything else."""
    said = value.strip() if isinstance(value, str) else ""
    return said if len(said) <= LONGEST_WORD else ""


def key(name: str) -> str:
    """Return a property's name as the tables have it: `heartRate`, `heart_rate` and `Heart Rate` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def measure(
    code: str, value: object, *, native: str | None = None, fresh: Quality = Quality.OK, sub: str | None = None,
    channel: str | None = None, scale: float = 1.0,
) -> Iterator[Observation]:  # fmt: skip
    """Yield a number under a code, marked where no living body or working part gives it. No number yields nothing.

    Zero is what sensors of the body write when they could not measure.
    """
    found = number(value)
    if found is None:
        return
    if scale != 1.0:
        found = round(found * scale, 6)
    unit = unit_of(code)
    if found == 0 and code.startswith("vital."):
        yield Observation(code=code, unit=unit, native=native, quality=Quality.ABSENT, sub=sub, channel=channel)
        return
    quality = plausible.quality(code, found)
    yield Observation(
        code=code, value=found, unit=unit, native=native, sub=sub, channel=channel,
        quality=fresh if quality is Quality.OK else quality,
    )  # fmt: skip


def location(lat: object, lon: object, *, fresh: Quality = Quality.OK) -> Iterator[Observation]:
    """Yield a place. 0/0, where receivers say they are at first, and what lies on no globe is marked: it is no fix."""
    north, east = number(lat), number(lon)
    if north is None or east is None:
        return
    if (north == 0 and east == 0) or abs(north) > 90 or abs(east) > 180:
        quality = Quality.ABSENT if north == 0 and east == 0 else Quality.IMPLAUSIBLE
        yield Observation(code="location", quality=quality, valid=False)
        return
    yield Observation(code="location", lat=north, lon=east, valid=True, quality=fresh)


def exact(accuracy_m: object) -> bool:
    """Whether a position says where somebody is: one less exact says where she may be, not that she has left."""
    told = number(accuracy_m)
    return told is None or 0 <= told <= EXACT_M


def accuracy(accuracy_m: object) -> float | None:
    """Return how far off a position may be, as the device says; None where it says nothing that could be."""
    told = number(accuracy_m)
    return told if told is not None and 0 <= told <= FARTHEST_M else None


def voltage(value: object, *, native: str | None = None, fresh: Quality = Quality.OK) -> Iterator[Observation]:
    """Yield a battery's voltage, which comes in mV, or in V from some; a plug's 230 V is the mains."""
    found = number(value)
    if found is None or found < 0:
        return
    if found >= 1000:
        yield from measure("battery.voltage", found, native=native, fresh=fresh, scale=0.001)
    elif found < 20:
        yield from measure("battery.voltage", found, native=native, fresh=fresh)
    else:
        yield from measure("electric.voltage", found, native=native, fresh=fresh)


def add(seen: list[Observation], new: Observation) -> None:
    """Add what was not said yet. Two properties that disagree are two measuring points, told apart by their names."""
    for known in seen:
        if (known.code, known.sub, known.channel, known.measured_at) == (
            new.code,
            new.sub,
            new.channel,
            new.measured_at,
        ):
            if (known.value, known.stage, known.lat, known.lon) == (new.value, new.stage, new.lat, new.lon):
                return
            new = msgspec.structs.replace(new, sub=new.native, native=None)
            break
    seen.append(new)


def distinct(observations: Iterator[Observation]) -> list[Observation]:
    """Return the observations without repeats, those that disagree told apart."""
    seen: list[Observation] = []
    for one in observations:
        add(seen, one)
    return seen


def alive(fresh: Quality = Quality.OK) -> Observation:
    """Return the sign of life that every report of a device is."""
    return Observation(code="link.seen", value=True, quality=fresh)


def old(retained: bool) -> Quality:
    """Return how fresh a state is by its retain flag alone."""
    return Quality.STALE if retained else Quality.OK
