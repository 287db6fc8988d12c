"""What a device of unknown model seems to be, where its bytes tell: a proposal for whoever claims it, nothing more."""

from collections.abc import Sequence

import msgspec

from devices.adapter import DecodeError
from devices.adapters.lorawan import cayenne, milesight, netvox
from devices.adapters.lorawan.parts import Codec, Frame
from devices.telemetry import Observation, Quality

MOST_MODELS = 8  # named in a proposal; more are no help to choose from


class Guess(msgspec.Struct, frozen=True):
    """Models in whose grammar the whole frame can be read, and what it would say; all of it unverified."""

    models: tuple[str, ...] = ()
    observations: tuple[Observation, ...] = ()


def guess(frame: Frame) -> Guess:
    """Return what a frame seems to say. Only grammars that read it to its end, and plausibly, are heard."""
    for candidates in (_milesight, _netvox, _cayenne):
        models = candidates(frame)
        if models:
            return _heard(frame, models)
    return Guess()


def _milesight(frame: Frame) -> Sequence[tuple[Codec, str]]:
    """Return the models that fit. The battery's channel or the maker's usual port must be there: others write alike."""
    if not (frame.port == 85 or b"\x01\x75" in frame.data or frame.data[:1] == b"\xff"):
        return ()
    return [(milesight.CODEC, model) for model in milesight.fits(frame)]


def _netvox(frame: Frame) -> Sequence[tuple[Codec, str]]:
    return [(netvox.CODEC, model) for model in netvox.fits(frame)]


def _cayenne(frame: Frame) -> Sequence[tuple[Codec, str]]:
    try:
        said = list(cayenne.read(frame))
    except DecodeError:
        return ()
    plain = said and all(one.quality is Quality.OK for one in said)
    return ((cayenne.CODEC, "lpp"),) if plain else ()


def _heard(frame: Frame, models: Sequence[tuple[Codec, str]]) -> Guess:
    """Return what the models would make of a frame, each reading once, none of them verified."""
    seen: list[Observation] = []
    for codec, model in models:
        try:
            said = list(codec.read(msgspec.structs.replace(frame, model=model)))
        except DecodeError:
            continue
        for one in said:
            doubtful = msgspec.structs.replace(one, quality=Quality.UNVERIFIED)
            if doubtful not in seen:
                seen.append(doubtful)
    names = [f"{codec.maker}.{model}" for codec, model in models[:MOST_MODELS]]
    return Guess(tuple(names), tuple(seen)) if seen else Guess()
