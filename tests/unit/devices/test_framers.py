"""Framers of all TCP protocols: frames out of any chunks, feet found again after garbage, memory and time bounded."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.framers import gt06, jt808, topin, xexun2
from devices.protocols import BY_NAME, PROTOCOLS, Protocol
from tests.unit.devices.captures import captures

BINARY = ("jt808", "gt06", "eview", "eelink", "topin", "xexun2", "xexun3")
EXAMPLES = settings(max_examples=60, deadline=None)


def frames_of(name: str) -> list[bytes]:
    """The whole frames among a family's captures."""
    return [capture.message.payload for capture in captures(name) if capture.error is None]


def wire(name: str, frame: bytes) -> bytes:
    if name == "jt808" and frame[:1] != b"(":
        return jt808.escape(frame)
    return xexun2.MARK + xexun2.escape(frame[2:-2]) + xexun2.MARK if name == "xexun2" else frame


@pytest.mark.parametrize("name", BINARY)
def test_frames_come_out_one_by_one_from_any_chunks(name: str) -> None:
    frames = frames_of(name)
    stream = b"".join(wire(name, frame) for frame in frames)
    for size in (1, 7, len(stream)):
        framer = BY_NAME[name].framer()
        heard = [one for at in range(0, len(stream), size) for one in framer.feed(stream[at : at + size])]
        assert heard == frames
        assert framer.rejected_bytes == 0


@pytest.mark.parametrize("name", BINARY)
def test_garbage_before_a_frame_is_rejected_and_kept_for_counting(name: str) -> None:
    frame = frames_of(name)[-1]
    framer = BY_NAME[name].framer()
    assert framer.feed(b"\0\0GET / HTTP/1.0 " + wire(name, frame)) == [frame]
    assert b"HTTP" in framer.take_rejected()
    assert framer.take_rejected() == b""


@pytest.mark.parametrize("name", BINARY)
def test_frame_is_found_again_behind_one_that_was_cut_off(name: str) -> None:
    frame = frames_of(name)[0]
    framer = BY_NAME[name].framer()
    framer.feed(wire(name, frame)[:-1])
    heard = [one for _ in range(3) for one in framer.feed(wire(name, frame))]
    assert frame in heard


def test_escapes_are_undone_where_the_protocol_has_them() -> None:
    assert jt808.unescape(b"\x7e\x01\x7d\x02\x7d\x01\x02\x7e") == b"\x7e\x01\x7e\x7d\x02\x7e"
    assert jt808.unescape(b"\xe7\x3e\x02\x3e\x01\x7d\x01\xe7") == b"\xe7\xe7\x3e\x7d\x01\xe7"
    inner = b"\x12\xfa\xaf\xfb\xbf\x34"
    assert xexun2.Framer().feed(xexun2.MARK + xexun2.escape(inner) + xexun2.MARK) == [xexun2.MARK + inner + xexun2.MARK]


@EXAMPLES
@given(inner=st.binary(min_size=13, max_size=80))
def test_what_is_escaped_comes_back(inner: bytes) -> None:
    frame = b"\x7e" + inner + b"\x7e"
    assert jt808.unescape(jt808.escape(frame)) == frame
    assert jt808.Framer().feed(jt808.escape(frame)) == [frame]


def test_one_mark_between_two_frames_is_enough() -> None:
    first, second = frames_of("jt808")[4:6]
    heard = jt808.Framer().feed(jt808.escape(first) + jt808.escape(second)[1:] + jt808.escape(first))
    assert heard[0] == first
    assert heard[-1] == first


def test_wrong_length_of_a_gt06_frame_is_known_by_the_check_sum_or_the_next_start() -> None:
    good = gt06.seal(0x13, bytes((0x44, 6, 4, 0, 2)), 7)
    short = b"xx\x03" + good[3:]  # the sum is reckoned over the length, so it is wrong as well
    inner = bytes((9,)) + good[3:-4]
    sealed = b"xx" + inner + gt06.crc(inner).to_bytes(2, "big") + gt06.END
    assert gt06.Framer().feed(short + good) == [short, good]
    assert gt06.Framer().feed(sealed) == [sealed]


def test_networks_of_a_gt06_frame_are_counted_where_the_length_should_stand() -> None:
    frame = next(capture.message.payload for capture in captures("gt06") if capture.name.startswith("networks"))
    assert gt06.Framer().feed(frame) == [frame]
    assert topin.Framer().feed(frame) == [frame]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
@EXAMPLES
@given(chunks=st.lists(st.binary(max_size=60), max_size=20))
def test_any_stream_is_survived(protocol: Protocol, chunks: list[bytes]) -> None:
    framer = protocol.framer()
    for chunk in chunks:
        for frame in framer.feed(chunk):
            protocol.device_of(frame)
            protocol.reply(frame)


STARTS = {
    "jt808": b"\x7e\x02\x00",
    "gt06": b"xx\xff\x12yy\xff\xff\r\n!",
    "eview": b"\xab\x10\xff\x1f\0\0\0\0\x01",
    "eelink": b"gg\x14\xff\xffEL\xff\xff!",
    "topin": b"xx\xff\x12\r\n!",
    "xexun2": b"\xfa\xaf",
    "xexun3": b"\xfc\x0f\xff\x03",
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("junk", [b"\0", b"x", b"\r\nq"])
def test_endless_junk_behind_a_start_is_bounded_in_memory_and_time(name: str, junk: bytes) -> None:
    framer = BY_NAME[name].framer()
    longest = framer.longest  # type: ignore[attr-defined]
    began = time.process_time()
    for at in range(0, 3 * longest, 64):
        framer.feed((STARTS[name] if at % 1024 == 0 else b"") + junk * 64)
        assert len(framer._held) <= longest + 64 * len(junk) + 16  # type: ignore[attr-defined]
    assert len(framer.take_rejected()) <= longest
    assert time.process_time() - began < 10  # under 1 where it was written


@pytest.mark.parametrize("name", BINARY)
def test_a_quarter_of_a_megabyte_of_starts_at_once_is_soon_through(name: str) -> None:
    framer = BY_NAME[name].framer()
    began = time.process_time()
    framer.feed(STARTS[name] * (262_144 // len(STARTS[name])))
    assert time.process_time() - began < 10  # under 1 where it was written


def test_a_backlog_in_one_piece_loses_nothing() -> None:
    frames = frames_of("gt06") * 40
    assert gt06.Framer().feed(b"".join(frames)) == frames
