"""What the makers' grammars share: a frame, reading numbers out of its bytes, and saying what they mean."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from devices import plausible
from devices.adapter import DecodeError
from devices.codes import unit_of
from devices.telemetry import Observation, Quality, Stage, Value

NAME = "lorawan"


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor's bytes. `model` is the part after the maker: `ws101`; empty where nobody said."""

    data: bytes
    port: int | None
    model: str
    at: datetime  # when the network heard it, else when we did

    def __len__(self) -> int:
        return len(self.data)

    def number(self, at: int, size: int = 1, order: str = "big", *, signed: bool = False) -> int:
        """Return the number that `size` bytes from `at` make.

        Raises:
            DecodeError: The frame is shorter.
        """
        part = self.data[at : at + size]
        if len(part) < size or at < 0:
            raise DecodeError(NAME, f"{len(self.data)} bytes; a number of {size} at {at} was expected")
        return int.from_bytes(part, "little" if order == "little" else "big", signed=signed)

    def u8(self, at: int) -> int:
        return self.number(at)

    def i8(self, at: int) -> int:
        return self.number(at, signed=True)

    def u16(self, at: int) -> int:
        return self.number(at, 2)

    def i16(self, at: int) -> int:
        return self.number(at, 2, signed=True)

    def u32(self, at: int) -> int:
        return self.number(at, 4)

    def i32(self, at: int) -> int:
        return self.number(at, 4, signed=True)

    def u16le(self, at: int) -> int:
        return self.number(at, 2, "little")

    def i16le(self, at: int) -> int:
        return self.number(at, 2, "little", signed=True)

    def u32le(self, at: int) -> int:
        return self.number(at, 4, "little")

    def i32le(self, at: int) -> int:
        return self.number(at, 4, "little", signed=True)

    def bits(self, at: int, size: int) -> int:
        """Return `size` bits from bit `at`, the highest bit of the first byte being 0."""
        self.number(at // 8, (at + size + 7) // 8 - at // 8)
        return int.from_bytes(self.data, "big") >> (len(self.data) * 8 - at - size) & (1 << size) - 1

    def bits_le(self, at: int, size: int, *, signed: bool = False) -> int:
        """Return `size` bits from bit `at`, the lowest bit of the first byte being 0."""
        self.number(at // 8, (at + size + 7) // 8 - at // 8)
        value = int.from_bytes(self.data, "little") >> at & (1 << size) - 1
        return value - (1 << size) if signed and value >> (size - 1) else value

    def needs(self, size: int) -> None:
        """Raise DecodeError if the frame has fewer than `size` bytes."""
        if len(self.data) < size:
            raise DecodeError(NAME, f"{len(self.data)} bytes, at least {size} expected")


Said = Iterable[Observation]
Says = Callable[[Frame, int], Said]  # what stands at a place of a frame


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """One byte grammar of one maker. `models` are its rows: a model's name -> what the grammar needs to know of it."""

    maker: str  # also the first part of a model's name: `milesight.ws101`
    read: Callable[[Frame], Said]
    models: Mapping[str, Any]
    others: bool = False  # a model that is no row is read all the same: the bytes tell the product, or its generic part
    named: bool = False  # but only with some name behind the maker's: without any it is guessed
    clock: Callable[[Frame], datetime | None] | None = None  # the device's own time, where frames carry one
    aliases: tuple[str, ...] = ()  # other names of the maker


def measure(code: str, value: float, **more: Any) -> Observation:
    """Return a measured value, marked where no living body and no working part gives it."""
    more.setdefault("quality", plausible.quality(code, value))
    return Observation(code=code, value=round(value, 7), unit=unit_of(code), **more)


def absent(code: str, **more: Any) -> Observation:
    """Return that the device could not measure this."""
    return Observation(code=code, unit=unit_of(code), quality=Quality.ABSENT, **more)


def state(code: str, value: Value, **more: Any) -> Observation:
    """Return how something is."""
    return Observation(code=code, value=value, **more)


def alarm(code: str, on: bool, stage: Stage | None = None, **more: Any) -> Observation:
    """Return that an alarm sounds, or does not."""
    return Observation(code=code, value=on, stage=stage, **more)


def flag(code: str) -> Says:
    """Return what a byte says that is 0 for no: an alarm, or how things are."""

    def says(frame: Frame, at: int) -> Said:
        on = frame.u8(at) != 0
        yield alarm(code, on) if code.startswith("alarm.") else state(code, on)

    return says


def press(word: str = "pressed", **more: Any) -> Observation:
    """Return one press of a button; what it means is said where the button is bound."""
    return Observation(code="button.press", value=word, **more)


def place(lat: float, lon: float, *, fixed: bool = True, **more: Any) -> Observation:
    """Return where the device is. Without a fix it is where it was; off the globe, or at 0/0, it is nowhere."""
    nowhere = not (abs(lat) <= 90 and abs(lon) <= 180) or (lat == 0 and lon == 0)
    quality = Quality.IMPLAUSIBLE if nowhere else Quality.OK if fixed else Quality.STALE
    more.setdefault("quality", quality)
    return Observation(code="location", lat=round(lat, 7), lon=round(lon, 7), valid=not nowhere and fixed, **more)


def past(seen: Observation, at: datetime | None) -> Observation:
    """Return something out of a device's memory: it was so then, and is no report of now."""
    return msgspec.structs.replace(seen, measured_at=at, quality=Quality.STALE)


def unix(seconds: int) -> datetime | None:
    """Return a time given in seconds since 1970, None where a clock that was never set gave it."""
    return datetime.fromtimestamp(seconds, UTC) if 1_000_000_000 <= seconds < 4_000_000_000 else None


def civil(*parts: int) -> datetime | None:
    """Return the time of a year, month, day, hour, minute and second; None if the calendar has none such."""
    try:
        return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except (ValueError, OverflowError):
        return None


def wrong_port(frame: Frame) -> DecodeError:
    """Return the refusal of a port the grammar does not know."""
    return DecodeError(NAME, f"{frame.model or 'this model'} says nothing on port {frame.port}")
