"""What the TCP gateway costs: memory a connection, and µs of CPU a frame, with an Intake that settles at once.

python -m tests.bench.gateway_cost [--connections 5000] [--back-at-once 1000] [--frames 20]
"""

import argparse
import asyncio
import multiprocessing
import os
import time
from multiprocessing.connection import Connection as Pipe

import structlog
import uvloop

from hub.bench.crowd import allow_files, resident_kb
from hub.ingress.gateway import Gateway
from hub.ingress.settings import GatewaySettings
from tests.bench.ingress_cost import Discard, cpu_s
from tests.integration.ingress.trackers import gt06_location, gt06_login

ANSWER = 10  # bytes, of every GT06 frame here
COMMIT_S = 0.005
CONNECTING = 200  # at once: the time of the others is not measured
LIMIT_S = 60.0


def gateway(pipe: Pipe, connections: int) -> None:
    """Serve until told to stop; at every word on the pipe say memory, CPU and frames so far."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    allow_files(3 * connections + 100)

    async def serve() -> None:
        intake = Discard()
        async with Gateway(GatewaySettings(port=0, protocols=("gt06:0",)), intake) as way_in:
            pipe.send(way_in.ports["gt06"])
            while True:
                await asyncio.sleep(COMMIT_S)
                intake.commit()
                if pipe.poll():
                    if pipe.recv() == "stop":
                        return
                    pipe.send((resident_kb(os.getpid()), cpu_s(), intake.count))

    uvloop.run(serve())


class Crowd:
    """All trackers, and what the gateway says of itself."""

    def __init__(self, pipe: Pipe, port: int) -> None:
        self.pipe, self.port = pipe, port
        self.lines: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def cost(self) -> tuple[int, float, int]:
        self.pipe.send("cost")
        kb, cpu, count = self.pipe.recv()
        return int(kb), float(cpu), int(count)

    async def sign_in(self, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(gt06_login(f"86200000{number:07}"))
        await reader.readexactly(ANSWER)
        return reader, writer

    async def come(self, count: int) -> None:
        for first in range(0, count, CONNECTING):
            several = range(first, min(first + CONNECTING, count))
            self.lines += await asyncio.gather(*(self.sign_in(number) for number in several))

    async def come_back(self, count: int) -> float:
        """Return the seconds until so many, all at once, have signed in anew over their old lines."""
        began = time.monotonic()
        back = await asyncio.gather(*(self.sign_in(number) for number in range(count)))
        took_s = time.monotonic() - began
        for _, writer in self.lines[:count]:
            writer.transport.abort()
        self.lines[:count] = back
        return took_s

    async def report(self, frames: int) -> None:
        for serial in range(frames):
            frame = gt06_location(serial)
            for _, writer in self.lines:
                writer.write(frame)
            await asyncio.gather(*(reader.readexactly(ANSWER) for reader, _ in self.lines))


async def measure(crowd: Crowd, connections: int, back_at_once: int, frames: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        empty = crowd.cost()
        await crowd.come(connections)
        full = crowd.cost()
        print(f"{connections} connections: {(full[0] - empty[0]) / connections:.1f} kB each")
        print(f"signing in: {(full[1] - empty[1]) / connections * 1e6:.0f} µs CPU each")
        took_s = await crowd.come_back(back_at_once)
        again = crowd.cost()
        print(f"{back_at_once} back at once: all answered after {took_s:.2f} s, {again[1] - full[1]:.2f} s of CPU")
        await crowd.report(frames)
        spoken = crowd.cost()
        print(f"{spoken[2] - again[2]} frames: {(spoken[1] - again[1]) / (spoken[2] - again[2]) * 1e6:.1f} µs CPU each")
        print(f"afterwards: {(spoken[0] - empty[0]) / connections:.1f} kB each")
    for _, writer in crowd.lines:
        writer.transport.abort()
    await asyncio.sleep(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=5_000)
    parser.add_argument("--back-at-once", type=int, default=1_000)
    parser.add_argument("--frames", type=int, default=20)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=gateway, args=(theirs, options.connections))
    server.start()
    allow_files(3 * options.connections + 100)
    crowd = Crowd(ours, ours.recv())
    try:
        uvloop.run(measure(crowd, options.connections, options.back_at_once, options.frames))
    finally:
        ours.send("stop")
        server.join()


if __name__ == "__main__":
    main()
