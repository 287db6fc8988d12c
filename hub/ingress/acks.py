"""Acknowledgements of one connection: made ready by the commit, written in the order in which messages came."""

import asyncio
from collections import deque


class InOrder:
    """What every connection with acknowledgements is. Settling may come in any order; the peer never sees that.

    A token is the position of a message in its connection's life, from 1; 0 is a message nobody waits for.
    """

    transport: asyncio.Transport | None = None

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()  # what to write for each unsettled message, oldest first
        self._oldest = 1  # the token of _waiting[0]
        self._early: set[int] = set()  # settled before an older one
        self._ready: list[bytes] = []

    @property
    def unsettled(self) -> int:
        """Messages whose commit is still to come."""
        return len(self._waiting)

    def expect(self, answer: bytes) -> int:
        """Put a message at the end of the line; `answer` is what its sender hears once it is settled."""
        waiting = self._waiting
        waiting.append(answer)
        return self._oldest + len(waiting) - 1

    def settle(self, token: int) -> None:
        """Make the answer to this message ready as soon as all before it are."""
        oldest = self._oldest
        if token == oldest:
            self._ready.append(self._waiting.popleft())
            self._oldest = oldest + 1
            if self._early:
                self._catch_up()
        elif oldest < token < oldest + len(self._waiting):
            self._early.add(token)

    def refuse(self, token: int) -> None:
        """This message is not taken: its sender hears nothing of it, and those behind it do not wait for it."""
        at = token - self._oldest
        if 0 <= at < len(self._waiting):
            self._waiting[at] = b""
            InOrder.settle(self, token)

    def _catch_up(self) -> None:
        while self._oldest in self._early:
            self._early.remove(self._oldest)
            self._ready.append(self._waiting.popleft())
            self._oldest += 1

    def flush(self) -> None:
        """Write what is ready, in one go."""
        ready = self._ready
        if ready:
            transport = self.transport
            if transport is not None and not transport.is_closing():
                transport.write(ready[0] if len(ready) == 1 else b"".join(ready))
            ready.clear()
