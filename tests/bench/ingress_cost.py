"""What the listener itself costs: µs of CPU a QoS 1 message, with an Intake that settles at once.

python -m tests.bench.ingress_cost [--rate 18000] [--connections 1000] [--seconds 10] [--batch-ms 5]
"""

import argparse
import asyncio
import hashlib
import multiprocessing
import resource
import time
from multiprocessing.connection import Connection as Pipe

import structlog
import uvloop

from hub.ingress.arrival import Arrival, Origin
from hub.ingress.credentials import Credential, Credentials
from hub.ingress.listener import Listener
from hub.ingress.mqtt311 import Connect, Publish, write_connect, write_publish
from hub.ingress.settings import ListenerSettings

SECRET = b"0123456789abcdef0123456789abcdef"
PAYLOAD = b"x" * 200


class Discard:
    """Settles everything every `batch_ms`, as a commit would."""

    full = False

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.count = 0

    def submit(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)

    async def wait_room(self) -> None:
        return

    def rejected(self, source: str, topic: str, payload: bytes, error: str) -> None:
        print("rejected", source, topic, error)

    def technical(self, rule: str, text: str) -> None:
        print("technical", rule, text)

    def commit(self) -> None:
        touched: set[Origin] = set()
        for arrival in self.arrivals:
            arrival.origin.settle(arrival.token)
            touched.add(arrival.origin)
        for origin in touched:
            origin.flush()
        self.count += len(self.arrivals)
        self.arrivals.clear()


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def publish(port: int, index: int, rate: float, seconds: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    name = f"w-{index:04}"
    writer.write(write_connect(Connect(client_id=name, clean=True, keep_alive_s=60, username=name, password=SECRET)))
    await reader.readexactly(4)
    message = write_publish(Publish(f"carehub/{name}/vitals", PAYLOAD, 1, 1))
    start = asyncio.get_running_loop().time() + 2.0
    sent = 0
    while sent < rate * seconds:
        await asyncio.sleep(start + sent / rate - asyncio.get_running_loop().time() + index % 97 / 97 / rate)
        writer.write(message)
        sent += 1
    for _ in range(sent):
        await asyncio.wait_for(reader.readexactly(4), 10)
    writer.close()
    return sent


def generator(port: int, connections: int, rate: float, seconds: float) -> None:
    async def all_of_them() -> int:
        return sum(await asyncio.gather(*(publish(port, i, rate / connections, seconds) for i in range(connections))))

    print("acknowledged", uvloop.run(all_of_them()))


def listener(pipe: Pipe, connections: int, batch_ms: float) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))

    async def serve() -> None:
        intake = Discard()
        credentials = Credentials.of(
            Credential(
                username=f"w-{i:04}",
                secret_sha256=hashlib.sha256(SECRET).digest(),
                kind="device",
                prefix=f"carehub/w-{i:04}/",
            )
            for i in range(connections)
        )
        async with Listener(ListenerSettings(port=0), intake, credentials) as server:
            pipe.send(server.port)
            spent = cpu_s()
            began = time.monotonic()
            while not pipe.poll():
                await asyncio.sleep(batch_ms / 1000)
                intake.commit()
                if intake.count < connections:  # connecting is not what is measured
                    spent, began, skipped = cpu_s(), time.monotonic(), intake.count
            used, count = cpu_s() - spent, intake.count - skipped
            print(f"{count} messages, {count / (time.monotonic() - began):.0f}/s, {used / count * 1e6:.2f} µs CPU each")

    uvloop.run(serve())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=18_000)
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--batch-ms", type=float, default=5)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=listener, args=(theirs, options.connections, options.batch_ms))
    server.start()
    generator(ours.recv(), options.connections, options.rate, options.seconds)
    ours.send("stop")
    server.join()


if __name__ == "__main__":
    main()
