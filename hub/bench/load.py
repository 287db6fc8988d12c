"""The load of `carehub bench ingest`: a thousand MQTT 3.1.1 watches on one thread, about 10 µs a message.

No MQTT library: packets are made from templates, and acknowledgements are counted by their bytes. Runs as
`python -m hub.bench.load PORT RATE SECONDS COUNTERS`, so that its cost is its own process's.
"""

import mmap
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

TICK_S = 0.005  # what is due is sent this often
READ_EVERY = 8  # messages of one connection between two looks at its acknowledgements
CONNECT_LIMIT_S = 30.0
PAYLOAD_BYTES = 200
FIRST_SEQUENCE = 1_000_000_000  # so that every sequence has ten digits
COUNTERS = struct.Struct("<qqqq")  # ready, sent, acknowledged, ended
PASSWORD = "bench-secret-of-no-worth"  # noqa: S105 - the database it opens lives for one bench
PUBACK_BYTES = 4
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
        if self.unsent and not self._push(self.unsent):
            return False
        self.sent += 1
        body = PAYLOAD % (FIRST_SEQUENCE + self.sent, now_ms)
        packet = b"%b%b%b%b" % (self.head, ((self.sent - 1) % 65_535 + 1).to_bytes(2, "big"), body, TAIL[len(body)])
        self._push(packet)
        return True

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

    def _push(self, packet: bytes) -> bool:
        try:
            done = self.line.send(packet)
        except BlockingIOError:
            done = 0
        self.unsent = packet[done:]
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


def connect(port: int, number: int) -> Watch:
    """Open one connection and wait for CONNACK."""
    line = socket.create_connection(("127.0.0.1", port), CONNECT_LIMIT_S)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    words = [name(number).encode(), name(number).encode(), PASSWORD.encode()]
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
    deadline = time.monotonic() + CONNECT_LIMIT_S
    while acknowledged < sent and time.monotonic() < deadline:
        acknowledged += sum(watch.read() for watch in watches)
        COUNTERS.pack_into(counters, 0, 1, sent, acknowledged, 0)
        time.sleep(TICK_S)
    COUNTERS.pack_into(counters, 0, 1, sent, acknowledged, 1)


def main(argv: list[str]) -> int:
    port, rate, seconds, connections, path = argv
    with Path(path).open("r+b") as file, mmap.mmap(file.fileno(), COUNTERS.size) as counters:
        run(int(port), float(rate), float(seconds), int(connections), counters)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
