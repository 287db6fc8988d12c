"""The load generator: everybody speaks in turn, what is sent is what a watch would send, and nothing is sent twice."""

import contextlib
import json
import socket
from collections import Counter
from collections.abc import Iterator

import numpy as np

from devices.adapters.carehub_columns import decode_vitals
from hub.bench import load, packets
from hub.bench.packets import ID_AT, PAYLOAD_BYTES, SIZE, Packets
from hub.ingress.mqtt311 import frame, read_publish

AT_MS = 1_790_000_000_123
FIRST = 1_790_000_000  # a sequence has ten digits


def made(device: list[int], packet_id: list[int], sequence: list[int]) -> list[bytes]:
    rows = Packets(1_000).make(np.array(device), np.array(packet_id), np.array(sequence), AT_MS)
    return [bytes(row) for row in rows]


@contextlib.contextmanager
def town(devices: int, connections: int) -> Iterator[tuple[load.Gateways, list[socket.socket]]]:
    """Gateways on lines of their own, and the other ends."""
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(connections)]
        for ours, far in pairs:
            ours.setblocking(False)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            stack.enter_context(ours)
            stack.enter_context(far)
        lines = [load.Watch(line=ours, head=b"") for ours, _ in pairs]
        yield load.Gateways(lines, devices), [far for _, far in pairs]


def said(line: socket.socket) -> list[tuple[str, int, int]]:
    """Return (device, packet id, sequence) of what came over a line."""
    body = line.recv(1 << 20)
    one = [body[at : at + SIZE] for at in range(0, len(body), SIZE)]
    messages = [read_publish(packet[0], packet, 3, len(packet)) for packet in one]
    return [(m.topic.split("/")[1], m.packet_id, json.loads(m.payload)["seq"]) for m in messages]


def test_packet_is_one_publish_of_two_hundred_bytes() -> None:
    (packet,) = made([7], [513], [1_790_000_000])
    assert frame(packet, 0) == (3, SIZE)
    message = read_publish(packet[0], packet, 3, SIZE)
    assert (message.topic, message.qos, message.packet_id) == (f"carehub/{packets.name(7)}/vitals", 1, 513)
    assert len(message.payload) == PAYLOAD_BYTES
    assert packet[ID_AT : ID_AT + 2] == b"\x02\x01"


def test_payload_is_read_by_the_hubs_own_columns_without_a_fault() -> None:
    bodies = [packet[-PAYLOAD_BYTES:] for packet in made(list(range(500)), [1] * 500, list(range(FIRST, FIRST + 500)))]
    told = decode_vitals(bodies, np.full(500, AT_MS))
    assert told.ok.all()
    assert not told.implausible.any()
    assert told.sequence.tolist() == list(range(FIRST, FIRST + 500))
    assert 56 <= told.heart_rate_bpm.min() <= told.heart_rate_bpm.max() <= 83


def test_everybody_speaks_once_before_anybody_speaks_twice() -> None:
    with town(devices=10, connections=3) as (gateways, far):
        assert gateways.flush([0, 1, 2], due=10) == 10
        first = [one for line in far for one in said(line)]
        assert Counter(device for device, _, _ in first) == {packets.name(number): 1 for number in range(10)}
        gateways.flush([0, 1, 2], due=20)
        second = [one for line in far for one in said(line)]
        assert {sequence for _, _, sequence in first} == {first[0][2]}
        assert {device for device, _, sequence in second if sequence == first[0][2] + 1} == {d for d, _, _ in second}


def test_watch_speaks_through_the_same_gateway_every_time() -> None:
    with town(devices=9, connections=3) as (gateways, far):
        gateways.flush([0, 1, 2], due=9)
        before = [{device for device, _, _ in said(line)} for line in far]
        gateways.flush([0, 1, 2], due=18)
        assert [{device for device, _, _ in said(line)} for line in far] == before


def test_packet_ids_of_a_line_rise_by_one() -> None:
    with town(devices=4, connections=1) as (gateways, far):
        gateways.flush([0], due=3)
        gateways.flush([0], due=6)
        assert [number for _, number, _ in said(far[0])] == [1, 2, 3, 4, 5, 6]


def test_gateway_whose_messages_are_not_acknowledged_sends_no_more_than_its_window() -> None:
    with town(devices=5, connections=1) as (gateways, far):
        assert gateways.flush([0], due=5_000) == load.WINDOW
        assert gateways.flush([0], due=5_000) == 0
        far[0].sendall(b"\x40\x02\x00\x01" * 10)
        assert gateways.flush([0], due=5_000) == 10
        assert gateways.lines[0].acknowledged == 10
