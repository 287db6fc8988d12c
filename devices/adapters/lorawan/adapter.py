"""LoRaWAN: the network server's envelope, then the maker's grammar by the device's model."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from devices import plausible
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.adapters.lorawan import abeeway, makers
from devices.adapters.lorawan.guess import Guess, guess
from devices.adapters.lorawan.parts import NAME as SCHEME
from devices.adapters.lorawan.parts import Codec, Frame, place
from devices.codes import unit_of
from devices.encoders import lorawan as words
from devices.envelopes import lorawan as envelope
from devices.envelopes.lorawan import Event, Uplink
from devices.telemetry import Observation, Quality, Telemetry, TimeQuality

NAME = "lorawan/1"
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)  # whether a frame calls for people does not hang on when it came


class LorawanAdapter:
    """All devices behind ChirpStack, The Things Stack and LORIOT."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether a network server speaks on the topic."""
        return envelope.claims(topic)

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether a device may be calling. A frame of a known model is looked into; what cannot be is doubtful.

        The networks carry a message a device every few minutes, so decoding it twice costs less than a queue.
        """
        try:
            uplink = envelope.read(topic, payload)
            if uplink.event is not Event.UP:
                return False
            found = makers.find(uplink.models)
            if found is None:
                return uplink.payload != b""
            seen = _body(uplink, found, _SOME_TIME)[0]
        except DecodeError:
            return True
        return any(_calls(one) for one in seen)

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the one device's telemetry, or nothing for what the network says of itself.

        Raises:
            DecodeError: No network server's JSON, or bytes that the device's model cannot have sent.
        """
        uplink = envelope.read(message.topic, message.payload)
        if uplink.event is Event.BESIDE or uplink.acknowledged is False:
            return ()
        found = makers.find((message.model, *uplink.models))
        seen, clock = _event(uplink, found, message)
        if message.retained:
            seen = [msgspec.structs.replace(one, quality=Quality.STALE) for one in seen]
        return (_telemetry(uplink, found, _apart(seen), clock, message),)

    def encode(self, command: Command) -> Downlink | None:
        """Return an order in the words of the network server the device was heard through, by its model.

        Words are none: a sensor that sleeps cannot be told anything in the time they are good for.
        """
        eui = command.device.removeprefix(f"{SCHEME}:")
        found = makers.find((command.model,))
        if eui == command.device or found is None or command.heard_on is None or found[1] in abeeway.THIRD:
            return None
        told = words.content(found[0].maker, command.order, command.number)
        return None if told is None else words.downlink(command.heard_on, eui, *told)


def _telemetry(
    uplink: Uplink,
    found: tuple[Codec, str] | None,
    seen: tuple[Observation, ...],
    clock: datetime | None,
    message: Message,
) -> Telemetry:
    measured_at = clock or uplink.at
    quality = plausible.clock(measured_at, message.received_at)
    if measured_at is None and uplink.clock_broken:
        quality = TimeQuality.SUSPECT
    return Telemetry(
        device=f"{SCHEME}:{uplink.eui}",
        adapter=NAME,
        observations=seen,
        measured_at=measured_at,
        time_quality=quality,
        sequence=uplink.counter,
        identity=uplink.identity,
        model=None if found is None else f"{found[0].maker}.{found[1]}",
        via=None if uplink.gateway is None else f"{SCHEME}:gateway/{uplink.gateway}",
    )


def _event(
    uplink: Uplink, found: tuple[Codec, str] | None, message: Message
) -> tuple[list[Observation], datetime | None]:
    """Return what an event says: the device's own words first, the line after them."""
    seen: list[Observation] = []
    clock = None
    if uplink.event is Event.UP and uplink.payload:
        seen, clock = _body(uplink, found, message.received_at)
    elif uplink.event is Event.STATUS and uplink.battery_pct is not None:
        quality = plausible.quality("battery.level", uplink.battery_pct)
        seen.append(Observation(code="battery.level", value=uplink.battery_pct, unit="%", quality=quality))
    elif uplink.event is Event.LOCATION and uplink.lat is not None and uplink.lon is not None:
        seen.append(place(uplink.lat, uplink.lon, native="network"))
    if _is_stranger(found) and uplink.event in (Event.UP, Event.JOIN):
        seen.append(Observation(code="provision.candidate", value=uplink.eui))
    return [*seen, *_line(uplink)], clock


def _body(
    uplink: Uplink, found: tuple[Codec, str] | None, received_at: datetime
) -> tuple[list[Observation], datetime | None]:
    """Return what the payload says and the device's own time. Of an unknown model, only what its bytes propose."""
    frame = Frame(data=uplink.payload, port=uplink.port, model="", at=uplink.at or received_at)
    if found is None:
        proposed = guess(frame)
        return [*proposed.observations, *_proposal(proposed)], None
    codec, model_name = found
    frame = msgspec.structs.replace(frame, model=model_name)
    try:
        seen = [*codec.read(frame), *(_proposal(guess(frame)) if _is_stranger(found) else ())]
        return seen, None if codec.clock is None else codec.clock(frame)
    except DecodeError as error:
        where = f"{uplink.eui} as {codec.maker}.{model_name}, port {uplink.port}"
        raise DecodeError(NAME, f"{where}: {error.reason}") from None


def _is_stranger(found: tuple[Codec, str] | None) -> bool:
    """Whether nobody knows the model, or only its maker."""
    return found is None or (found[0].named and found[1] not in found[0].models)


def _proposal(proposed: Guess) -> Iterable[Observation]:
    if proposed.models:
        models = " | ".join(proposed.models)
        yield Observation(code="provision.model", value=models, quality=Quality.UNVERIFIED)


def _line(uplink: Uplink) -> Iterable[Observation]:
    yield Observation(code="link.seen", value=True)
    for code, value in (("link.rssi", uplink.rssi_dbm), ("link.snr", uplink.snr_db)):
        if value is not None:
            yield Observation(code=code, value=value, unit=unit_of(code))


def _apart(seen: Iterable[Observation]) -> tuple[Observation, ...]:
    """Return the observations with what was said twice once, and readings that differ as two measuring points."""
    kept: list[Observation] = []
    for one in seen:
        same = [known for known in kept if _point(known) == _point(one)]
        if any(known.value == one.value and (known.lat, known.lon) == (one.lat, one.lon) for known in same):
            continue
        kept.append(msgspec.structs.replace(one, sub=_free(kept, one)) if same else one)
    return tuple(kept)


def _point(seen: Observation) -> tuple[object, ...]:
    return seen.code, seen.channel, seen.sub, seen.measured_at


def _free(kept: Sequence[Observation], seen: Observation) -> str:
    number = 2
    while any(_point(msgspec.structs.replace(seen, sub=str(number))) == _point(known) for known in kept):
        number += 1
    return str(number)


def _calls(seen: Observation) -> bool:
    """Whether an observation may need people now."""
    return seen.code.startswith(("alarm.", "button.")) and seen.value not in (False, None, "")


ADAPTER = LorawanAdapter()
