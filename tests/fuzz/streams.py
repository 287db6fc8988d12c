"""What must hold of a framer, whatever arrives and however it is cut: the other judge of fuzzing.

1. Nothing is raised, and what its protocol answers to a frame (`device_of`, the replies) raises nothing either.
2. How the bytes were cut by the network changes nothing, where `CUT_MATTERS` does not say why it must.
3. Every byte is a frame's, was rejected, or is still held; and that in the order in which it came.
4. It holds no more than `longest` and what just arrived, and keeps no more of what it rejected.
"""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import msgspec

from devices.framers import base, watch_3g
from devices.protocols import BY_NAME, Protocol
from tests.fuzz.mutate import MARKS, bytes_of

NOW = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)
STREAM_MOST = 40_000  # bytes
PIECES = (1, 2, 3, 7, 64, 1_460)

# Where a frame has no mark of its end, or a wrong one, what is not here yet decides: such a stream means the same only
# as long as its frames are good.
CUT_MATTERS = {
    "watch3g": "an alarm is handed on at the first bracket that ends what has arrived: it never waits",
    "h02": "a binary frame's length is known from where the next one starts, or from nothing more being there",
    "gt06": "behind a wrong length, eight ends are tried each time something arrives",
    "topin": "behind a wrong length, eight ends are tried each time something arrives",
}


class StreamError(AssertionError):
    """A framer did what it must not. `chunks` make it happen again."""

    def __init__(self, what: str, protocol: str, chunks: Sequence[bytes]) -> None:
        whole = b"".join(chunks)
        super().__init__(f"{protocol}: {what}\n  {len(chunks)} chunks, {len(whole)} bytes: {whole[:300]!r}")
        self.what, self.protocol, self.chunks = what, protocol, tuple(chunks)


class Heard(msgspec.Struct, frozen=True):
    """What a stream was cut into: frames as the wire had them, frames as handed on, what was rejected, what is held."""

    raw: tuple[bytes, ...]
    frames: tuple[bytes, ...]
    rejected: bytes
    held: bytes


def watched(protocol: Protocol) -> tuple[base.Framer, list[bytes], list[bytes], int]:
    """Return a framer that notes each frame as the wire had it, the notes, what it drops, and its limit."""
    framer, raw, dropped = protocol.framer(), list[bytes](), list[bytes]()
    drop = framer._drop  # type: ignore[attr-defined]

    def note(count: int) -> None:
        dropped.append(bytes(framer._held[:count]))  # type: ignore[attr-defined]
        drop(count)

    framer._drop = note  # type: ignore[attr-defined]
    longest = watch_3g.LONGEST if isinstance(framer, watch_3g.Framer) else framer.longest  # type: ignore[attr-defined]
    return framer, raw, dropped, longest


def feed(protocol: Protocol, chunks: Sequence[bytes]) -> Heard:
    """Feed a stream and judge what needs no second look. Raises StreamError."""
    framer, _, dropped, longest = watched(protocol)
    frames, rejected, given_up = list[bytes](), bytearray(), 0
    for chunk in chunks:
        before = framer.rejected_bytes
        try:
            new = framer.feed(chunk)
        except Exception as error:
            raise StreamError(f"{type(error).__name__}: {error}", protocol.name, chunks) from error
        held = len(framer._held)  # type: ignore[attr-defined]
        if held > longest + len(chunk):
            raise StreamError(f"holds {held} bytes, at most {longest} are named", protocol.name, chunks)
        kept = framer.take_rejected()
        if len(kept) > longest:
            raise StreamError(f"keeps {len(kept)} rejected bytes", protocol.name, chunks)
        if framer.rejected_bytes < before:
            raise StreamError("counts backwards", protocol.name, chunks)
        given_up += framer.rejected_bytes - before
        rejected += kept
        frames += new
        for frame in new:
            _answered(protocol, frame, chunks)
    left = bytes(framer._held)  # type: ignore[attr-defined]
    raw = _accounted(protocol, chunks, frames, given_up, [*dropped, left])
    return Heard(raw, tuple(frames), bytes(rejected), left)


def _answered(protocol: Protocol, frame: bytes, chunks: Sequence[bytes]) -> None:
    try:
        named = protocol.device_of(frame)
        protocol.reply(frame)
        if protocol.timed_reply is not None:
            protocol.timed_reply(frame, NOW)
    except Exception as error:
        raise StreamError(f"answer: {type(error).__name__}: {error}", protocol.name, chunks) from error
    if named is not None and not named:
        raise StreamError("a device without a name", protocol.name, chunks)


def _accounted(
    protocol: Protocol, chunks: Sequence[bytes], frames: list[bytes], given_up: int, parts: list[bytes]
) -> tuple[bytes, ...]:
    """Return the frames as the wire had them. `parts`: what was dropped, piece by piece, and at last what is held."""
    whole = b"".join(chunks)
    if b"".join(parts) != whole:
        raise StreamError("the bytes dropped and held are not those that came", protocol.name, chunks)
    # What was dropped is either a frame, in its turn, or was rejected, in its turn.
    left, raw, refused = list(frames), list[bytes](), bytearray()
    for piece in parts[:-1]:
        if left and _is(protocol, piece, left[0]):
            raw.append(piece)
            left.pop(0)
        else:
            refused += piece
    if left:
        raise StreamError(f"{len(left)} frames that never came: {left[0][:60]!r}", protocol.name, chunks)
    counted = len(refused) if protocol.name == "watch3g" else len(refused.translate(None, base.BLANKS))
    if counted != given_up:
        raise StreamError(f"{given_up} bytes counted as rejected, {counted} were", protocol.name, chunks)
    return tuple(raw)


def _is(protocol: Protocol, piece: bytes, frame: bytes) -> bool:
    """Whether these bytes of the wire are this frame."""
    framer = protocol.framer()
    if isinstance(framer, watch_3g.Framer):
        return watch_3g.unescape(piece) == frame
    return bool(framer.plain(piece) == frame)  # type: ignore[attr-defined]


def cut_at(stream: bytes, places: Sequence[int]) -> list[bytes]:
    """Return a stream cut at these places."""
    ends = [0, *sorted(set(places)), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(ends) if end > start]


def cut_evenly(stream: bytes, size: int) -> list[bytes]:
    """Return a stream in pieces of one size."""
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def cutting_changes_nothing(protocol: Protocol, stream: bytes, ways: Sequence[Sequence[bytes]]) -> None:
    """However a stream is cut, its frames are the same."""
    whole = feed(protocol, [stream])
    for chunks in ways:
        heard = feed(protocol, chunks)
        if not _same(protocol, heard.frames, whole.frames):
            at = next(
                (n for n, (a, b) in enumerate(zip(heard.frames, whole.frames, strict=False)) if a != b),
                min(len(heard.frames), len(whole.frames)),
            )
            one, other = heard.frames[at : at + 1], whole.frames[at : at + 1]
            raise StreamError(
                f"cut in {len(chunks)} ({len(chunks[0])} first), frame {at} is {one!r}, uncut {other!r}",
                protocol.name,
                [stream],
            )


def _same(protocol: Protocol, cut: tuple[bytes, ...], whole: tuple[bytes, ...]) -> bool:
    if protocol.name != "watch3g":
        return cut == whole
    return len(cut) == len(whole) and all(
        one == other or (b"*AL" in one and other.startswith(one)) for one, other in zip(cut, whole, strict=True)
    )


def good(rng: Random, frames: Sequence[bytes]) -> bytes:
    """Return several frames, one behind the other."""
    return b"".join(rng.choice(frames) for _ in range(rng.randrange(1, 6)))


def bad(rng: Random, frames: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """Return frames damaged, repeated, torn, spliced with another protocol's, with garbage between."""
    parts = []
    for _ in range(rng.randrange(1, 7)):
        what = rng.random()
        frame = rng.choice(frames)
        if what < 0.35:
            frame = bytes_of(rng, frame)[:STREAM_MOST]
        elif what < 0.45:
            frame = frame[: rng.randrange(len(frame) + 1)]
        elif what < 0.55:
            frame = rng.randbytes(rng.randrange(60))
        elif what < 0.65:
            frame = rng.choice(others)
        elif what < 0.72:
            frame = rng.choice(MARKS) * rng.randrange(1, 40)
        parts.append(frame)
    return b"".join(parts)[:STREAM_MOST]


def judge(rng: Random, name: str, captures: dict[str, list[bytes]]) -> int:
    """Judge one stream of a protocol, cut in several ways. Returns how many inputs that were."""
    protocol = BY_NAME[name]
    frames = captures[name]
    others = captures[rng.choice(list(captures))]
    if rng.random() < 0.25:
        stream = good(rng, frames)
        ways = [cut_at(stream, [rng.randrange(len(stream) + 1)]) for _ in range(3)]
        ways.append(cut_evenly(stream, rng.choice(PIECES)))
        if name != "h02" or b"$" not in stream:
            cutting_changes_nothing(protocol, stream, ways)
        return len(ways) + 1
    stream = bad(rng, frames, others)
    if not stream:
        return 0
    places = [rng.randrange(len(stream) + 1) for _ in range(rng.randrange(8))]
    size = rng.choice(PIECES)
    ways = [cut_at(stream, places), cut_evenly(stream, max(size, len(stream) // 3_000))]
    if name in CUT_MATTERS or len(stream) > watched(protocol)[3]:  # beyond the limit, what is rejected first decides
        for chunks in ways:
            feed(protocol, chunks)
    else:
        cutting_changes_nothing(protocol, stream, ways)
    return len(ways) + 1
