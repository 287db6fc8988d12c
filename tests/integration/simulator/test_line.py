"""A simulated device's line when its connection is reset at the worst moment."""

import asyncio
import socket
import struct
from typing import Any

import pytest

from hub.loops.ending import ended
from simulator.line import Line
from simulator.neighbourhood import Endpoint
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.anyio

CONNACK, SUBACK, PUBACK = b"\x20\x02\x00\x00", b"\x90\x03%b\x01", b"\x40\x02%b"
RESET = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye


class Peer:
    """The least of a broker: lets one client in after the other, and resets it when it is told to."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)
        self.endpoint = Endpoint("127.0.0.1", self._server.getsockname()[1])

    async def lets_in(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        conn, _ = await loop.sock_accept(self._server)
        await loop.sock_recv(conn, 1000)
        await loop.sock_sendall(conn, CONNACK)
        subscribe = await loop.sock_recv(conn, 1000)
        await loop.sock_sendall(conn, SUBACK % subscribe[2:4])
        return conn

    async def hears_a_press(self, conn: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        publish = await loop.sock_recv(conn, 1000)
        after_topic = 4 + (publish[2] << 8 | publish[3])
        await loop.sock_sendall(conn, PUBACK % publish[after_topic : after_topic + 2])

    def close(self) -> None:
        self._server.close()


def reset(conn: socket.socket) -> None:
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    conn.close()


async def test_line_that_is_reset_while_it_wants_to_write_watches_no_socket_but_its_own() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    line = Line((peer := Peer()).endpoint, "w-1", "secret", subscribe=["carehub/w-1/command"])
    running = asyncio.create_task(line.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            first = await peer.lets_in()
            await line.connected()
            pressing = asyncio.create_task(line.publish("carehub/w-1/event", b"help"))
            reset(first)  # in the same turn: the press wants to write, and then the reset is read
            with await peer.lets_in() as second:
                await peer.hears_a_press(second)
                await pressing
                await ended(running)
    finally:
        running.cancel()
        peer.close()
    assert complaints == []
    assert line.connects == 2
