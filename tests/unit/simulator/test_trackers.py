"""Trackers over a real socket: who they are first, one answer for many frames, half a frame, frames in pieces."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from devices.protocols import BY_NAME
from simulator import makers
from simulator.lockstep import Lockstep
from simulator.speakers import Speaker
from simulator.town_file import Counted, Endpoint
from simulator.wire import TcpLine, Traffic
from tests.patience import PATIENCE_S
from tests.unit.simulator.test_speakers import SHE, press

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)


class Server:
    """What the hub's gateway does, frame by frame; `holds` answers until so many frames have come."""

    def __init__(self, family: str, holds: int = 1) -> None:
        self.protocol, self.holds = BY_NAME[family], holds
        self.frames: list[bytes] = []
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer, answers = self.protocol.framer(), list[bytes]()
        while chunk := await reader.read(4096):
            for frame in framer.feed(chunk):
                self.frames.append(frame)
                answers.append(self.protocol.reply(frame) or b"")
            if len(answers) >= self.holds:
                writer.write(b"".join(answers))
                answers.clear()
        writer.close()
        await writer.wait_closed()
        self.ended.set()


def played(family: str, do: Callable[[Speaker], Awaitable[None]], holds: int = 1) -> tuple[Server, Speaker]:
    """Let a tracker do something against a server, until nothing is on its way."""

    async def run() -> tuple[Server, Speaker]:
        server = Server(family, holds)
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            endpoint = Endpoint(host="127.0.0.1", port=listening.sockets[0].getsockname()[1])
            traffic = Traffic()
            clock = Lockstep("http://127.0.0.1:1/step", "k", NOON, traffic)
            device = Speaker(makers.worn(family, 17, 5), SHE, clock, Counted(family=family), seed="1")
            device.tcp = TcpLine(endpoint, device.device.name, traffic, device.hear_tcp)
            async with asyncio.timeout(PATIENCE_S):
                await do(device)
                await traffic.idle.wait()
            assert traffic.faults == []
            writer = device.tcp._writer
            device.tcp.close()
            assert writer is not None
            await writer.wait_closed()
            await server.ended.wait()
            return server, device

    return asyncio.run(run())


def test_tracker_says_who_it_is_and_waits_for_the_answer_before_it_says_more() -> None:
    async def presses(device: Speaker) -> None:
        assert press(device).saved_at is None

    server, device = played("jt808", presses)
    kinds = [frame.lstrip(b"\x7e")[:2].hex() for frame in server.frames]
    assert kinds == ["0100", "0200"]  # registers, then presses
    assert device.words.memory["code"]
    assert (device.counted.sent, device.counted.saved) == (1, 1)


def test_one_answer_of_many_that_come_in_one_piece_settles_the_last_frame() -> None:
    async def keeps(device: Speaker) -> None:
        encoder = device.encoder
        assert encoder.position is not None
        for _ in range(3):
            device.say(encoder.position(device.words, NOON, device.words.fix))
        device.condition.offline = True
        for _ in range(4):
            device.say(encoder.position(device.words, NOON, device.words.fix))
        device.condition.offline = False
        device.back()

    server, device = played("gt06", keeps)
    assert len(server.frames) == 1 + 3 + 4
    assert device.counted.saved == 7


def test_half_a_frame_is_not_waited_for_and_the_press_goes_again_whole() -> None:
    async def presses(device: Speaker) -> None:
        device.condition.cut = 1.0
        sent = press(device)
        await device.clock.quiet()
        assert (sent.saved_at, sent.spoilt) == (None, 1)
        device.condition.cut = 0.0
        while device.clock._heap and sent.saved_at is None:
            device.clock._heap.pop(0)[2]()
            await device.clock.quiet()
        assert sent.saved_at == NOON

    server, _ = played("gt06", presses)
    assert len(server.frames) >= 2


def test_frames_in_pieces_are_frames() -> None:
    async def reports(device: Speaker) -> None:
        assert device.tcp is not None
        device.tcp.pieces = random.Random(3)
        press(device)

    server, device = played("eview", reports)
    assert server.frames
    assert device.counted.saved == 1
