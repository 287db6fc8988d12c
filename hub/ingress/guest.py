"""A connection that somebody opened to us: who it is, when it was heard, and when to stop and to go on reading it."""

import asyncio
from typing import Protocol, cast

from hub.ingress.acks import InOrder


class House(Protocol):
    """What guests need of the listener or gateway that took them in."""

    loop: asyncio.AbstractEventLoop
    paused: bool  # ingest is full: nobody is read


class Guest(InOrder, asyncio.Protocol):
    """The transport's side of a connection, the same for every protocol spoken on it.

    Args:
        write_buffer_bytes: of what we send; a peer that leaves more untaken is not read until it has taken it.
        unsettled_max: messages of this connection that may wait for their commit.
    """

    def __init__(self, house: House, *, write_buffer_bytes: int, unsettled_max: int) -> None:
        super().__init__()
        self._house = house
        self._write_buffer_bytes = write_buffer_bytes
        self._unsettled_max = unsettled_max
        self._crowded = False
        self.source = ""
        self.heard_at = self.stalled_at = 0.0
        self.ended = ""

    def came(self) -> None:
        """Tell the house, now that the transport is there."""
        raise NotImplementedError

    def gone(self) -> None:
        """Tell the house; `ended` says why."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A device has connected, or somebody has."""
        self.transport = transport = cast("asyncio.Transport", transport)
        transport.set_write_buffer_limits(high=self._write_buffer_bytes)
        peer = transport.get_extra_info("peername")
        self.source = str(peer[0]) if peer else "unix"
        self.heard_at = self._house.loop.time()
        self.came()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, however that came about."""
        self.ended = self.ended or (f"lost: {type(exc).__name__}" if exc else "closed by peer")
        self.gone()

    def pause_writing(self) -> None:
        """The peer does not take what we send: hear nothing more from it until it does."""
        self.stalled_at = self._house.loop.time()
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It takes again."""
        self.stalled_at = 0.0
        self.read_on()

    def read_on(self) -> None:
        """Resume reading unless something else still speaks against it."""
        if self.transport is None or self.transport.is_closing() or self.stalled_at or self._house.paused:
            return
        if self.unsettled < self._unsettled_max:
            self._crowded = False
            self.heard_at = self._house.loop.time()
            self.transport.resume_reading()
