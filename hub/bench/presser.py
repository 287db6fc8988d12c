"""Presses many buttons at one moment: `python -m hub.bench.presser PORT FIRST NUMBER`, a process of its own.

Connects NUMBER watches, says `ready`, waits for a line, publishes one SOS from each and waits for every PUBACK. Prints
one JSON object: when it began, and the seconds from there to each PUBACK.
"""

import json
import selectors
import sys
import time

from hub.bench.load import Watch, connect, length, name

LIMIT_S = 180.0
READY_WORD = "ready"


def packet(watch: str) -> bytes:
    """Return a PUBLISH, QoS 1, of an SOS press."""
    topic = f"carehub/{watch}/event".encode()
    body = json.dumps({"seq": 1, "event": "sos", "id": f"press-{watch}"}).encode()
    return b"\x32" + length(2 + len(topic) + 2 + len(body)) + len(topic).to_bytes(2, "big") + topic + b"\0\1" + body


def press(watches: list[tuple[str, Watch]]) -> dict[str, object]:
    """Send everything at once; returns when it began and how long each PUBACK took."""
    with selectors.DefaultSelector() as selector:
        for who, watch in watches:
            selector.register(watch.line, selectors.EVENT_READ, (who, watch))
        began = time.time()
        for who, watch in watches:
            watch.line.send(packet(who))
        acked: dict[str, float] = {}
        while len(acked) < len(watches) and time.time() - began < LIMIT_S:
            for key, _ in selector.select(1.0):
                who, watch = key.data
                if watch.read():
                    acked[who] = time.time() - began
                    selector.unregister(watch.line)
    return {"began": began, "acked": acked}


def main(argv: list[str]) -> int:
    port, first, number = map(int, argv)
    watches = [(name(n), connect(port, n)) for n in range(first, first + number)]
    sys.stdout.write(f"{READY_WORD}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(press(watches)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
