"""What outlives a connection: a client's subscriptions, the downlinks it has not acknowledged, its open QoS 2 ids.

Kept in memory only. After a restart a client finds no session and subscribes again; downlinks are rows of a table
and messages without their acknowledgement come again from the device, so nothing is lost with it.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devices.adapter import Downlink
from hub.ingress.topics import matches

if TYPE_CHECKING:
    from hub.ingress.connection import Connection


UNCLAIMED_MAX = 64


@dataclass(kw_only=True)
class Pending:
    """A downlink on its way to a client; `heard` is answered by the client's PUBACK."""

    downlink: Downlink
    key: str
    heard: asyncio.Future[bool]


@dataclass(kw_only=True)
class Held:
    """A QoS 2 message taken and not yet released. `again` waits on a newer connection for the same commit."""

    committed: bool = False
    again: "tuple[Connection, int] | None" = None


@dataclass(kw_only=True)
class Session:
    """One client id of one credential."""

    username: str
    client_id: str
    expiry_s: int = 0
    filters: dict[str, int] = field(default_factory=dict)
    outbound: dict[int, Pending] = field(default_factory=dict)
    unclaimed: dict[str, None] = field(default_factory=dict)  # keys acknowledged while nobody waited to hear it
    held: dict[int, Held] = field(default_factory=dict)
    connection: "Connection | None" = None
    ended_at: float = 0.0
    last_id: int = 0
    will_timer: asyncio.TimerHandle | None = None

    def granted(self, topic: str) -> int:
        """Return the best QoS any filter grants this topic, -1 for none."""
        return max((qos for pattern, qos in self.filters.items() if matches(pattern, topic)), default=-1)

    def next_id(self) -> int:
        """Return a packet id no downlink of this session uses."""
        while True:
            self.last_id = self.last_id % 65_535 + 1
            if self.last_id not in self.outbound:
                return self.last_id

    def waiting_for(self, downlink: Downlink, key: str) -> Pending | None:
        """Return the same downlink already on its way: the one of this key or, without a key, of these bytes."""
        for pending in self.outbound.values():
            if pending.key == key and pending.downlink == downlink:
                return pending
        return None

    def acknowledged(self, packet_id: int, good: bool) -> None:
        """The client acknowledged a downlink, perhaps one that an earlier connection sent."""
        pending = self.outbound.pop(packet_id, None)
        if pending is None:
            return
        if not pending.heard.done():
            pending.heard.set_result(good)
        elif good and pending.key:
            self.unclaimed[pending.key] = None
            if len(self.unclaimed) > UNCLAIMED_MAX:
                del self.unclaimed[next(iter(self.unclaimed))]

    def let_go(self) -> None:
        """The connection is gone: nobody will answer the ones who wait. The downlinks stay for the next one."""
        for pending in self.outbound.values():
            if not pending.heard.done():
                pending.heard.set_result(False)


class Sessions:
    """All sessions, at most `limit`; the longest disconnected goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._all: OrderedDict[tuple[str, str], Session] = OrderedDict()
        self._clients: dict[str, int] = {}

    def get(self, username: str, client_id: str) -> Session | None:
        """Return this client's session, if there is one."""
        return self._all.get((username, client_id))

    def connected(self, username: str) -> int:
        """Return how many clients of a credential are connected."""
        return self._clients.get(username, 0)

    def attach(self, session: Session, connection: "Connection") -> None:
        """The session's client is connected."""
        self._all[session.username, session.client_id] = session
        self._all.move_to_end((session.username, session.client_id))
        session.connection = connection
        self._clients[session.username] = self._clients.get(session.username, 0) + 1
        if len(self._all) > self._limit:
            self._make_room()

    def detach(self, session: Session, now: float) -> None:
        """The session's client is gone; the session stays as long as the client asked."""
        session.connection = None
        session.ended_at = now
        session.let_go()
        left = self._clients.get(session.username, 1) - 1
        if left:
            self._clients[session.username] = left
        else:
            self._clients.pop(session.username, None)
        if not session.expiry_s:
            self.drop(session)

    def drop(self, session: Session) -> None:
        """Forget a session, if it is still the one of its client."""
        if self._all.get((session.username, session.client_id)) is session:
            del self._all[session.username, session.client_id]

    def expire(self, now: float) -> None:
        """Forget sessions whose time is over."""
        for session in [s for s in self._all.values() if s.connection is None and now > s.ended_at + s.expiry_s]:
            self.drop(session)

    def _make_room(self) -> None:
        for session in self._all.values():
            if session.connection is None:
                self.drop(session)
                return
