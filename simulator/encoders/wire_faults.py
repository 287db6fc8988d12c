"""What happens to messages between a device and the hub: repeated, cut, changed by a bit, late, told by a wrong clock.

All of it works on any encoder's output. Chance comes in as a `random.Random`, so a seed plays the same faults.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from simulator.encoders.encoder import Device, Encoder, Messages, Outgoing, Transport

MOST_COPIES = 100
# Where a protocol's check sum stands in its frame, from the front or from the end.
CHECK_SUMS: dict[str, slice] = {
    "eview": slice(4, 6),
    "gt06": slice(-4, -2),
    "jt808": slice(-2, -1),
    "laipac": slice(-4, -2),
    "r12w": slice(-5, -3),
    "xexun2": slice(16, 18),
    "xexun3": slice(-3, -1),
}


def repeated(said: Messages, times: int) -> Messages:
    """Return messages `times` over, each copy right after the one before: an acknowledgement that was lost."""
    if not 1 <= times <= MOST_COPIES:
        raise ValueError(f"{times} copies: 1 to {MOST_COPIES} are sent")
    return tuple(one for one in said for _ in range(times))


def cut(message: Outgoing, keep: int) -> Outgoing:
    """Return a message of which only the first `keep` bytes arrived."""
    return replace(message, payload=message.payload[:keep])


def flipped(message: Outgoing, bit: int) -> Outgoing:
    """Return a message with one bit changed; `bit` counts from the first byte's lowest."""
    changed = bytearray(message.payload)
    changed[bit // 8] ^= 1 << bit % 8
    return replace(message, payload=bytes(changed))


def wrong_check_sum(message: Outgoing) -> Outgoing | None:
    """Return a frame whose check sum is another's, everything else untouched; None if the protocol has none."""
    where = CHECK_SUMS.get(message.topic) if message.transport is Transport.TCP else None
    if where is None:
        return None
    payload = bytearray(message.payload)
    # Text stays text, and neither a mark nor an escape of a binary frame appears.
    payload[where] = bytes(_other(byte) for byte in payload[where])
    return replace(message, payload=bytes(payload))


def _other(byte: int) -> int:
    if chr(byte) in "0123456789ABCDEFabcdef":
        return ord("0") if byte != ord("0") else ord("1")
    return 0x11 if byte != 0x11 else 0x12


def late(said: Sequence[Messages], draw: random.Random) -> Messages:
    """Return all messages of a while in one burst and out of order: the network was gone and is back."""
    burst = [one for messages in said for one in messages]
    draw.shuffle(burst)
    return tuple(burst)


def lost(said: Messages, share: float, draw: random.Random) -> Messages:
    """Return what is left when each message is lost with a probability."""
    return tuple(one for one in said if draw.random() >= share)


def stream(said: Messages) -> bytes:
    """Return frames joined as one connection carries them."""
    return b"".join(one.payload for one in said if one.transport is Transport.TCP)


def pieces(data: bytes, draw: random.Random, longest: int = 20) -> Iterator[bytes]:
    """Yield a stream in pieces as a slow network hands them over: within frames and across their borders."""
    at = 0
    while at < len(data):
        size = draw.randint(1, longest)
        yield data[at : at + size]
        at += size


def skewed(encoder: Encoder, by: timedelta) -> Encoder:
    """Return the encoder of a device whose clock is wrong by so much: all it says is told by that clock."""
    words: dict[str, Any] = {word: partial(_by_its_clock, getattr(encoder, word), by) for word in encoder.says}
    return replace(encoder, **words)


def _by_its_clock(
    say: Callable[..., Messages], by: timedelta, device: Device, at: datetime, /, *more: object
) -> Messages:
    return say(device, at + by, *more)


def damages(message: Outgoing, draw: random.Random, count: int) -> Iterator[Outgoing]:
    """Yield `count` damaged copies: cut anywhere, or with some bits changed."""
    size = len(message.payload)
    for _ in range(count):
        if draw.random() < 0.5:
            yield cut(message, draw.randrange(size))
            continue
        damaged = message
        for _ in range(draw.randint(1, 4)):
            damaged = flipped(damaged, draw.randrange(size * 8))
        yield damaged
