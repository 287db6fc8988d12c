"""Bounded time: what a byte of hostile input costs must not grow with how many there are. Ratios, no seconds.

A reader that looks at its bytes a fixed number of times costs the same for each byte of 64 KB as of 8 KB; one that goes
over them again for each of them costs eight times as much.
"""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from devices.adapter import DecodeError, Message
from devices.protocols import PROTOCOLS, Protocol
from devices.registry import adapter_for
from tests.fuzz.corpus import Seed, own, streams
from tests.fuzz.oracles import NOW

SMALL, LARGE = 8_192, 65_536
GROWS = 3.0  # times: quadratic is 8; a cache that is left and a smaller share of fixed cost are within it
TRIES = 4  # the quickest counts
FAST_S = 0.002  # what takes less at its largest needs no second look


def cost_s(work: Callable[[bytes], object], data: bytes) -> float:
    """Return the CPU time of the quickest of several tries."""
    best = float("inf")
    for _ in range(TRIES):
        gc.collect(0)
        began = time.process_time()
        work(data)
        best = min(best, time.process_time() - began)
        if best < FAST_S / 8:
            break
    return best


def growth(work: Callable[[bytes], object], pattern: Callable[[int], bytes]) -> float:
    """Return how many times as much a byte costs in large as in small."""
    large = pattern(LARGE)
    spent = cost_s(work, large)
    if spent < FAST_S:
        return 1.0
    small = pattern(SMALL)
    return (spent / len(large)) / max(cost_s(work, small) / len(small), 1e-9)


def repeated(head: bytes, piece: bytes, tail: bytes = b"") -> Callable[[int], bytes]:
    """Return a head and as many pieces as fit."""
    return lambda size: head + piece * max(1, (size - len(head) - len(tail)) // len(piece)) + tail


Case: TypeAlias = tuple[str, Callable[[bytes], object], Callable[[int], bytes]]  # name, work, pattern
FILLERS = (
    b"0",
    b"9",
    b" ",
    b",",
    b"*",
    b"[",
    b"]",
    b"(",
    b"$",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\x7e\x02\0",
    b"xx\xff\x12",
    b"-1,",
    b'"a":',
    b"7d",
)


def framer_work(protocol: Protocol, size: int) -> Callable[[bytes], object]:
    """Return what feeds a stream in pieces of one size."""

    def work(data: bytes) -> None:
        framer = protocol.framer()
        for at in range(0, len(data), size):
            framer.feed(data[at : at + size])
            framer.take_rejected()

    return work


def framer_cases(
    sizes: tuple[int, ...] = (1 << 20, 64, 5),
) -> Iterator[Case]:
    """Yield, for each protocol, streams that keep it busy: starts without ends, ends without starts, good frames."""
    captured = streams()
    for protocol in PROTOCOLS:
        frame = max(captured[protocol.name], key=len)
        heads = [b"", frame[:1], frame[:4], frame[:12], frame[: len(frame) // 2]]
        patterns = {
            f"{head!r} then {filler!r}": repeated(head, filler) for head in (heads[0], heads[-1]) for filler in FILLERS
        }
        patterns |= {f"again {head!r}": repeated(b"", head) for head in [*heads[1:], frame, frame[:-1], frame[-3:]]}
        for name, pattern in patterns.items():
            for size in sizes:
                yield f"{protocol.name}, {size} at a time: {name}", framer_work(protocol, size), pattern


def decoder_work(seed: Seed) -> Callable[[bytes], object]:
    """Return what decodes payloads on a capture's topic, and asks whether they are urgent."""
    adapter = adapter_for(seed.topic)
    assert adapter is not None

    def work(payload: bytes) -> None:
        adapter.urgent(seed.topic, payload)
        with contextlib.suppress(DecodeError):
            adapter.decode(Message(topic=seed.topic, payload=payload, received_at=NOW, model=seed.model))

    return work


def decoder_cases() -> Iterator[Case]:
    """Yield, for each grammar, its longest capture blown up in the middle, at its end, and JSON without end."""
    longest: dict[str, Seed] = {}
    for seed in own():
        known = longest.get(seed.grammar)
        if known is None or len(seed.payload) > len(known.payload):
            longest[seed.grammar] = seed
    for grammar, seed in longest.items():
        half = len(seed.payload) // 2
        head, tail = seed.payload[:half], seed.payload[half:]
        patterns = {f"{filler!r} within": repeated(head, filler, tail) for filler in FILLERS}
        patterns |= {f"{filler!r} behind": repeated(seed.payload, filler) for filler in FILLERS[:6]}
        patterns["its own middle"] = repeated(head, seed.payload[max(0, half - 20) : half + 1], tail)
        patterns["itself"] = repeated(b"", seed.payload)
        patterns["names"] = _names
        patterns["objects"] = repeated(b'{"data":[', b'{"a":1},', b'{"a":1}]}')
        patterns["depth"] = lambda size: b'{"params":' * (size // 11) + b"1" + b"}" * (size // 11)
        for name, pattern in patterns.items():
            yield f"{grammar}: {name}", decoder_work(seed), pattern


def _names(size: int) -> bytes:
    return msgspec.json.encode({f"n{number}": number for number in range(size // 12)})


def findings(cases: Iterator[Case]) -> list[str]:
    """Return the cases whose cost a byte grows, looked at twice: the machine may have been busy."""
    return [
        f"{name}: {times:.1f} times a byte's cost"
        for name, work, pattern in cases
        if growth(work, pattern) > GROWS and (times := growth(work, pattern)) > GROWS
    ]
