"""The built-in MQTT endpoint: 3.1.1 and 5, for devices that hold a credential. Not a general broker.

A device publishes below its own topic prefix and subscribes below it, and hears PUBACK after the commit.
"""

import asyncio
import ipaddress
import secrets
import ssl
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Self, cast

import structlog

from devices.adapter import Downlink
from hub import clock
from hub.ingress import counters
from hub.ingress.arrival import Arrival, Intake
from hub.ingress.connection import (
    ADMINISTRATIVE,
    KEEP_ALIVE,
    SHUTTING_DOWN,
    TAKEN_OVER,
    TOO_LARGE,
    Connection,
)
from hub.ingress.credentials import Credential, Credentials, Failures
from hub.ingress.mqtt311 import Connect, Refusal, Subscribe
from hub.ingress.reception import BACKLOG, Reception
from hub.ingress.session import Session, Sessions
from hub.ingress.settings import ListenerSettings
from hub.ingress.topics import matches, prefixes

log = structlog.get_logger(__name__)

FULL_ALERT_S = 600.0  # a full listener is one technical alert in this time, not one a refused device


class Listener(Reception[Connection]):
    """Accepts devices. `async with Listener(settings, intake, credentials)`; also an `Outlet`."""

    name = "listener"

    def __init__(self, settings: ListenerSettings, intake: Intake, credentials: Credentials) -> None:
        super().__init__(intake, settings.sweep_s)
        self.settings = settings
        self.taken = self.sent = 0  # messages since the last sweep
        self.port = settings.port
        self._credentials = credentials
        self._half_open: dict[Connection, None] = {}  # oldest first
        self._by_prefix: dict[str, set[Connection]] = {}
        self._sessions = Sessions(settings.sessions_max)
        self._retained: OrderedDict[str, Downlink] = OrderedDict()
        self._failures = Failures(
            tolerated=settings.failures_per_source,
            backoff_s=settings.failure_backoff_s,
            backoff_max_s=settings.failure_backoff_max_s,
            remembered=settings.sources_remembered,
        )
        self._reachable: list[Callable[[], None]] = []
        self._full_told_at = -FULL_ALERT_S
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        settings = self.settings
        self._credentials.watch(self._recheck)
        self._server = await self.loop.create_server(
            lambda: Connection(self),
            settings.host,
            settings.port,
            backlog=BACKLOG,
            reuse_port=settings.reuse_port or None,
            ssl=_tls(settings),
            ssl_handshake_timeout=settings.connect_timeout_s if settings.tls_cert else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._start(self._sweeps(), "listener sweep")
        log.info("listening", host=settings.host, port=self.port, tls=bool(settings.tls_cert))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.graceful = True  # it is we who leave: no device went offline
            connection.end("shutting down", SHUTTING_DOWN)
        await self._ended()
        self._count()

    # Connections come and go.

    def opened(self, connection: Connection) -> None:
        """Somebody connected."""
        settings = self.settings
        counters.OPENED.labels("listener").inc()
        self._connections.add(connection)
        self._half_open[connection] = None
        if len(self._connections) > settings.max_connections:
            connection.end("too many connections", 0)
            if self.loop.time() - self._full_told_at >= FULL_ALERT_S:
                self._full_told_at = self.loop.time()
                self.intake.technical("listener_full", f"{settings.max_connections} connections, the limit")
        elif len(self._half_open) > settings.max_half_open:
            next(iter(self._half_open)).end("half-open, made room", 0)
        if self.paused and connection.transport is not None and not connection.ended:
            connection.transport.pause_reading()

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._half_open.pop(connection, None)
        if connection.live:
            self._depart(connection)
        counters.ENDED.labels("listener", connection.ended).inc()
        say = log.debug if connection.ended in ("disconnected", "shutting down") else log.info
        say(
            "connection ended",
            reason=connection.ended,
            device=connection.credential.username if connection.live else None,
            network=None if connection.live else network(connection.source),
        )

    def _depart(self, connection: Connection) -> None:
        """Detach a live connection from its session, and let its will speak."""
        session = connection.session
        if session.connection is not connection:
            return
        self._sessions.detach(session, self.loop.time())
        kept = self._by_prefix[connection.credential.prefix]
        kept.discard(connection)
        if not kept:
            del self._by_prefix[connection.credential.prefix]
        will = connection.connect.will
        if will is None or connection.graceful:
            return
        delay_s = min(will.delay_s, session.expiry_s)
        if delay_s:
            session.will_timer = self.loop.call_later(delay_s, self._speak, connection)
        else:
            self._speak(connection)

    def _speak(self, connection: Connection) -> None:
        """Hand a will to ingest as what it is: a message on its topic that nobody waits for."""
        connection.session.will_timer = None
        will = connection.connect.will
        if will is not None:
            self.taken += 1
            self.intake.submit(Arrival(will.topic, will.payload, clock.now_ms(), connection, 0))

    def admit(self, connection: Connection, connect: Connect) -> None:
        """Decide on a CONNECT."""
        credential = self._credentials.check(connect.username, connect.password)
        if credential is None:
            self._turn_away(connection)
            return
        self._failures.forget(connection.source)
        refusal = self._refusal(connect, credential)
        if refusal is not None:
            why, reason = refusal
            connection.write(connection.wire.refuse(why))
            connection.end(reason, 0)
            return
        self._half_open.pop(connection, None)
        self._welcome(connection, connect, credential)

    def _turn_away(self, connection: Connection) -> None:
        self.reject("wrong credentials", "", b"")
        if self._failures.curt(connection.source, self.loop.time()):
            connection.end("wrong credentials, backed off", 0)
        else:
            connection.write(connection.wire.refuse(Refusal.CREDENTIALS))
            connection.end("wrong credentials", 0)

    def _refusal(self, connect: Connect, credential: Credential) -> tuple[Refusal, str] | None:
        if connect.auth_method:
            return Refusal.NOT_AUTHORISED, "authentication method not supported"
        if not connect.client_id and not connect.clean and connect.session_expiry_s is None:
            return Refusal.CLIENT_ID, "no client id and no clean session"
        if connect.will is not None and not connect.will.topic.startswith(credential.prefix):
            return Refusal.NOT_AUTHORISED, "will topic not authorised"
        known = self._sessions.get(credential.username, connect.client_id)
        taken_over = known is not None and known.connection is not None
        if not taken_over and self._sessions.connected(credential.username) >= self.settings.clients_per_credential:
            return Refusal.UNAVAILABLE, "too many clients of one credential"
        return None

    def _welcome(self, connection: Connection, connect: Connect, credential: Credential) -> None:
        client_id = connect.client_id or f"auto-{secrets.token_hex(8)}"
        old = self._sessions.get(credential.username, client_id)
        if old is not None and old.connection is not None:
            self._take_over(old.connection)
            old = self._sessions.get(credential.username, client_id)
        if old is not None and old.will_timer is not None:
            old.will_timer.cancel()  # back in time: it never was away
            old.will_timer = None
        present = old is not None and not connect.clean
        session = cast("Session", old) if present else Session(username=credential.username, client_id=client_id)
        limit_s = self.settings.session_expiry_s
        session.expiry_s = (
            min(connect.session_expiry_s, limit_s)
            if connect.session_expiry_s is not None
            else 0
            if connect.clean
            else limit_s
        )
        self._sessions.attach(session, connection)
        self._by_prefix.setdefault(credential.prefix, set()).add(connection)
        connection.accepted(connect, credential, session)
        assigned = "" if connect.client_id else client_id
        connection.write(connection.wire.connack(self.settings, connect, present=present, assigned=assigned))
        connection.send_again()
        if session.filters:
            self._tell_reachable()

    def _take_over(self, connection: Connection) -> None:
        """The same client connects again: the old connection ends, and its will speaks before the new one does."""
        connection.end("session taken over", TAKEN_OVER)
        self._depart(connection)

    def _recheck(self) -> None:
        """Credentials changed: whoever's is gone or different must leave."""
        for connection in list(self._connections):
            if connection.live and self._credentials.current(connection.credential.username) != connection.credential:
                connection.end("credential revoked", ADMINISTRATIVE)

    def reject(self, reason: str, topic: str, payload: bytes) -> None:
        """Count and keep what never became a message."""
        counters.REJECTED.labels("listener", reason).inc()
        self.intake.rejected("listener", topic, payload, reason)

    # Silence, slowness.

    def _sweep(self, now: float) -> None:
        """End the silent and the slow; bring the counts to the metrics."""
        settings = self.settings
        for connection in list(self._connections):
            if connection.ended:
                if connection.transport is not None and connection.transport.get_write_buffer_size():
                    connection.transport.abort()
            elif connection.stalled_at and now - connection.stalled_at > settings.write_stall_s:
                connection.end("slow reader", 0)
            elif not self.paused and now - connection.heard_at > connection.silence_s:
                connection.end("keep-alive expired" if connection.live else "no CONNECT in time", KEEP_ALIVE)
            elif not self.paused and connection.part_at and now - connection.part_at > settings.packet_timeout_s:
                connection.end("packet too slow", TOO_LARGE)
        self._sessions.expire(now)
        self._count()

    def _count(self) -> None:
        counters.MESSAGES_IN.labels("listener").inc(self.taken)
        counters.MESSAGES_OUT.labels("listener").inc(self.sent)
        counters.CONNECTIONS.labels("listener").set(len(self._connections))
        self.taken = self.sent = 0

    # To devices.

    def subscribe(self, connection: Connection, asked: Subscribe) -> None:
        """Grant what lies below the credential's prefix, refuse the rest, filter by filter."""
        session, prefix = connection.session, connection.credential.prefix
        codes: list[int] = []
        new: list[str] = []
        for pattern, qos in asked.filters:
            room = pattern in session.filters or len(session.filters) < self.settings.subscriptions_per_session
            if room and pattern.startswith(prefix):
                session.filters[pattern] = min(qos, 1)
                codes.append(min(qos, 1))
                new.append(pattern)
            else:
                codes.append(0x80)
                self.reject("filter not authorised", pattern, b"")
        connection.write(connection.wire.suback(asked.packet_id, codes))
        for pattern in new:
            if pattern not in asked.skip_retained:
                self._give_retained(connection, pattern)
        if new:
            self._tell_reachable()

    def _give_retained(self, connection: Connection, pattern: str) -> None:
        if "+" not in pattern and "#" not in pattern:
            found = [self._retained[pattern]] if pattern in self._retained else []
        else:
            found = [downlink for topic, downlink in self._retained.items() if matches(pattern, topic)]
        for downlink in found:
            connection.send_retained(downlink)

    def remember(self, downlink: Downlink) -> None:
        """Keep the last retained downlink of a topic for those who subscribe later; empty bytes forget it."""
        self._retained.pop(downlink.topic, None)
        if downlink.payload:
            self._retained[downlink.topic] = downlink
            if len(self._retained) > self.settings.retained_max:
                self._retained.popitem(last=False)

    def when_reachable(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever a device has subscribed, or has come back with its subscriptions."""
        self._reachable.append(tell)

    def _tell_reachable(self) -> None:
        for tell in self._reachable:
            tell()

    def _hearers(self, topic: str) -> list[Connection]:
        return [
            connection
            for prefix in prefixes(topic)
            for connection in self._by_prefix.get(prefix, ())
            if connection.session.granted(topic) >= 0
        ]

    def reaches(self, topic: str) -> bool:
        """Whether a connected device has subscribed to this topic."""
        return bool(self._hearers(topic))

    async def deliver(self, downlink: Downlink, key: str = "") -> bool:
        """Send to all who hear this topic; True as soon as one of them has acknowledged."""
        if downlink.retain:
            self.remember(downlink)
        sent = [connection.send(downlink, key) for connection in self._hearers(downlink.topic)]
        waiting = {heard for heard in sent if heard is not None}
        until = self.loop.time() + self.settings.deliver_timeout_s
        while waiting:
            done, waiting = await asyncio.wait(
                waiting, timeout=max(0.0, until - self.loop.time()), return_when=asyncio.FIRST_COMPLETED
            )
            if any(heard.result() for heard in done):
                return True
            if not done:
                return False
        return False


def network(source: str) -> str:
    """Return an address's network, which is enough to find a fault: a home's full address stays out of the log."""
    try:
        address = ipaddress.ip_address(source.split("%", 1)[0])
    except ValueError:
        return source
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


def _tls(settings: ListenerSettings) -> ssl.SSLContext | None:
    if not settings.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    if settings.tls_client_ca:
        context.load_verify_locations(settings.tls_client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
