"""The load of the benches on one thread: a thousand MQTT 3.1.1 watches, or a town's behind some hundred gateways.

No MQTT library: packets are made from templates, and acknowledgements are counted by their bytes. A watch of its own
costs about 10 µs a message, one behind a gateway about half. Runs as
`python -m hub.bench.load PORT RATE SECONDS CONNECTIONS COUNTERS [DEVICES]`, so that its cost is its own process's; with
DEVICES so many watches speak in turn, each connection a gateway that carries its share of them.
"""

import mmap
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hub.bench.packets import SEED, SIZE, Packets

TICK_S = 0.005  # what is due is sent this often
READ_EVERY = 8  # messages of one connection between two looks at its acknowledgements
CONNECT_LIMIT_S = 30.0
PAYLOAD_BYTES = 200
FIRST_SEQUENCE = 1_000_000_000  # so that every sequence has ten digits
COUNTERS = struct.Struct("<qqqq")  # ready, sent, acknowledged, ended
PASSWORD = "bench-secret-of-no-worth"  # noqa: S105 - the database it opens lives for one bench
PUBACK_BYTES = 4
GATHER_TICKS, GATHER_TICK_S = 5, 0.01  # a gateway passes on together what its watches said in so many ticks
GATEWAY = "town"  # the account all gateways of the town sign in with: their watches have no common beginning else
WINDOW = 900  # messages of one gateway that may wait for their acknowledgements: the listener lets 1,000
BEHIND_S = 1.0  # beyond this the schedule starts anew: what cannot be offered is not offered

PAYLOAD = (
    b'{"seq":%d,"at":%d,"hr":72,"spo2":97,"rr":16,"temp":36.4,"sys":131,"dia":78,"steps":0,"battery":83,"worn":true,'
    b'"fw":"'
)


def name(number: int) -> str:
    """Return the device name, user name and client id of one watch."""
    return f"bench{number:05d}"


@dataclass
class Watch:
    """One connection: a prebuilt head, its packet ids, what it has not been answered yet."""

    line: socket.socket
    head: bytes
    sent: int = 0
    acknowledged: int = 0
    part: bytes = b""
    unsent: bytes = field(default=b"", repr=False)

    def publish(self, now_ms: int) -> bool:
        """Send the next message; False when the line takes no more."""
        if not self.ready():
            return False
        self.sent += 1
        body = PAYLOAD % (FIRST_SEQUENCE + self.sent, now_ms)
        packet = b"%b%b%b%b" % (self.head, ((self.sent - 1) % 65_535 + 1).to_bytes(2, "big"), body, TAIL[len(body)])
        self.push(packet)
        return True

    def ready(self) -> bool:
        """Send what the line did not take; whether it takes more."""
        return not self.unsent or self.push(self.unsent)

    def read(self) -> int:
        """Count the acknowledgements that have come; they are the only thing we are sent."""
        try:
            got = self.line.recv(65_536)
        except BlockingIOError:
            return 0
        if not got:
            raise ConnectionError("the line was closed under load")
        whole, rest = divmod(len(self.part) + len(got), PUBACK_BYTES)
        self.part = (self.part + got)[-rest:] if rest else b""
        self.acknowledged += whole
        return whole

    def push(self, packets: bytes | memoryview) -> bool:
        """Hand bytes to the kernel; what it does not take is kept. False if it did not take all."""
        try:
            done = self.line.send(packets)
        except BlockingIOError:
            done = 0
        self.unsent = bytes(packets[done:])
        return not self.unsent


TAIL = {size: b"x" * (PAYLOAD_BYTES - size - 2) + b'"}' for size in range(100, 190)}


def head(number: int) -> bytes:
    """Return the fixed part of a watch's PUBLISH: QoS 1, its topic."""
    topic = f"carehub/{name(number)}/vitals".encode()
    return b"\x32" + length(2 + len(topic) + 2 + PAYLOAD_BYTES) + len(topic).to_bytes(2, "big") + topic


def length(size: int) -> bytes:
    """Return MQTT's variable length."""
    out = b""
    while True:
        size, low = divmod(size, 128)
        out += bytes((low | (128 if size else 0),))
        if not size:
            return out


def connect(port: int, number: int, account: str = "") -> Watch:
    """Open one connection and wait for CONNACK; `account` is who it signs in as, if not as itself."""
    line = socket.create_connection(("127.0.0.1", port), CONNECT_LIMIT_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    words = [name(number).encode(), (account or name(number)).encode(), PASSWORD.encode()]
    body = b"\x00\x04MQTT\x04\xc2\x00\x00" + b"".join(len(w).to_bytes(2, "big") + w for w in words)
    line.sendall(b"\x10" + length(len(body)) + body)
    answer = line.recv(4)
    if answer != b"\x20\x02\x00\x00":
        raise ConnectionError(f"CONNACK {answer!r} for {name(number)}")
    line.setblocking(False)
    return Watch(line=line, head=head(number))


def run(port: int, rate: float, seconds: float, connections: int, counters: mmap.mmap) -> None:
    """Offer `rate` messages a second, evenly over all watches, and write down how it goes."""
    watches = [connect(port, number) for number in range(connections)]
    COUNTERS.pack_into(counters, 0, 1, 0, 0, 0)
    sent = acknowledged = due = turn = 0
    start = time.monotonic()
    end = start + seconds
    while (now := time.monotonic()) < end:
        due = int((now - start) * rate)
        if due - sent > rate * BEHIND_S:
            start += (due - sent) / rate
            due = sent
        now_ms = int(time.time() * 1000)
        for _ in range(due - sent):
            watch = watches[turn]
            turn = (turn + 1) % connections
            sent += watch.publish(now_ms)
            if watch.sent % READ_EVERY == 0:
                acknowledged += watch.read()
        COUNTERS.pack_into(counters, 0, 1, sent, acknowledged, 0)
        time.sleep(max(0.0, TICK_S - (time.monotonic() - now)))
    wait_acknowledged(watches, sent, counters)


class Gateways:
    """A town's watches behind some connections, each watch in its turn: all of them once, then all once more."""

    def __init__(self, lines: list[Watch], devices: int) -> None:
        self.lines = lines
        order = np.random.default_rng(SEED).permutation(devices)
        self._order = [order[place :: len(lines)] for place in range(len(lines))]
        self._packets = Packets(devices)
        self._sent = np.zeros(len(lines), np.int64)  # of each, whole packets handed to the kernel or kept in `unsent`
        self._first = int(time.time())  # sequences go on where those of an earlier run ended

    def flush(self, places: list[int], due: int) -> int:
        """Let some gateways pass on what is due of theirs, `due` being everybody's; returns how many messages."""
        counts = [self._count(place, due) for place in places]
        total = sum(counts)
        if total == 0:
            return 0
        packets = memoryview(self._made(places, counts))
        at = 0
        for place, count in zip(places, counts, strict=True):
            line = self.lines[place]
            line.push(packets[at * SIZE : (at + count) * SIZE])
            line.sent += count
            self._sent[place] += count
            at += count
        return total

    def _count(self, place: int, due: int) -> int:
        line = self.lines[place]
        line.read()
        if not line.ready():
            return 0
        wanted = (due - place + len(self.lines) - 1) // len(self.lines) - line.sent
        return max(0, min(wanted, WINDOW - (line.sent - line.acknowledged)))

    def _made(self, places: list[int], counts: list[int]) -> bytes:
        nth = [np.arange(count) + self._sent[place] for place, count in zip(places, counts, strict=True)]
        device = [self._order[place][one % len(self._order[place])] for place, one in zip(places, nth, strict=True)]
        turn = [one // len(self._order[place]) for place, one in zip(places, nth, strict=True)]
        number = np.concatenate(nth)
        made = self._packets.make(
            np.concatenate(device), number % 65_535 + 1, np.concatenate(turn) + self._first, int(time.time() * 1000)
        )
        return made.tobytes()


def run_gateways(lines: list[Watch], devices: int, rate: float, seconds: float, counters: mmap.mmap) -> None:
    """Offer `rate` messages a second of so many watches, and write down how it goes."""
    connections, town = len(lines), Gateways(lines, devices)
    COUNTERS.pack_into(counters, 0, 1, 0, 0, 0)
    sent = missed = tick = 0
    start = time.monotonic()
    end = start + seconds
    while (now := time.monotonic()) < end:
        due = int((now - start) * rate) - missed
        if due - sent > rate * BEHIND_S:
            missed += due - sent
            due = sent
        sent += town.flush(list(range(tick % GATHER_TICKS, connections, GATHER_TICKS)), due)
        tick += 1
        COUNTERS.pack_into(counters, 0, 1, sent, sum(line.acknowledged for line in lines), 0)
        time.sleep(max(0.0, GATHER_TICK_S - (time.monotonic() - now)))
    wait_acknowledged(lines, sent, counters)


def wait_acknowledged(lines: list[Watch], sent: int, counters: mmap.mmap) -> None:
    """Return when everything is acknowledged, or nobody will any more."""
    deadline = time.monotonic() + CONNECT_LIMIT_S
    while (acknowledged := sum(line.acknowledged for line in lines)) < sent and time.monotonic() < deadline:
        for line in lines:
            line.ready()
            line.read()
        COUNTERS.pack_into(counters, 0, 1, sent, acknowledged, 0)
        time.sleep(TICK_S)
    COUNTERS.pack_into(counters, 0, 1, sent, acknowledged, 1)


def main(argv: list[str]) -> int:
    port, rate, seconds, connections, path, *devices = argv
    with Path(path).open("r+b") as file, mmap.mmap(file.fileno(), COUNTERS.size) as counters:
        if devices:
            lines = [connect(int(port), number, GATEWAY) for number in range(int(connections))]
            run_gateways(lines, int(devices[0]), float(rate), float(seconds), counters)
        else:
            run(int(port), float(rate), float(seconds), int(connections), counters)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
