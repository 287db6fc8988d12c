"""What the three ways in can be told: ports, certificates and named limits, with sane defaults."""

import difflib
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, kw_only=True)
class ListenerSettings:
    """The built-in MQTT endpoint."""

    host: str = "127.0.0.1"
    port: int = 1883  # 0: any free port, see `Listener.port`
    tls_cert: str = ""  # PEM paths; both or neither
    tls_key: str = ""
    tls_client_ca: str = ""  # when given, clients must show a certificate signed by it
    reuse_port: bool = False  # several ingest processes on one port

    max_connections: int = 20_000
    max_half_open: int = 2_000  # connected, CONNECT not yet seen: beyond this the oldest makes room
    connect_timeout_s: float = 10.0
    max_packet_bytes: int = 262_144
    max_connect_bytes: int = 16_384  # before we know whom we talk to
    packet_timeout_s: float = 30.0  # from a packet's first byte to its last
    max_keep_alive_s: int = 1_200  # MQTT 5 clients are told; 3.1.1 clients are held to what they asked
    idle_limit_s: float = 3_600.0  # a 3.1.1 client without keep-alive is silent for at most this long
    receive_max: int = 1_000  # messages of one connection that wait for their commit
    topic_alias_max: int = 16
    topics_cached: int = 256  # a connection's topics already checked against its credential
    clients_per_credential: int = 16
    subscriptions_per_session: int = 64
    sessions_max: int = 50_000
    session_expiry_s: int = 86_400
    inflight_out: int = 16  # downlinks one session has been sent and has not acknowledged
    retained_max: int = 10_000
    deliver_timeout_s: float = 10.0
    write_buffer_bytes: int = 65_536
    write_stall_s: float = 10.0  # a reader that takes nothing for this long is cut off
    failures_per_source: int = 10  # wrong credentials of one address before its refusals become curt
    failure_backoff_s: float = 1.0  # doubles with each further failure
    failure_backoff_max_s: float = 60.0
    sources_remembered: int = 10_000
    sweep_s: float = 0.5
    kept_bytes: int = 4_096  # of a broken packet

    def __post_init__(self) -> None:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key go together: give both, or neither")
        if not 1 <= self.receive_max <= 65_535:
            raise ValueError("receive_max is from 1 to 65535")


@dataclass(frozen=True, kw_only=True)
class BridgeSettings:
    """Subscriber to an existing broker (Mosquitto, EMQX)."""

    enabled: bool = False
    name: str = "carehub"  # client ids are `<name>-urgent` and `<name>-telemetry`
    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    tls_ca: str = ""  # PEM path; empty: the system's authorities
    urgent: tuple[str, ...] = ("carehub/+/event", "carehub/responder/+/answer", "zigbee2mqtt/#")
    telemetry: tuple[str, ...] = ("carehub/+/vitals", "carehub/+/accel", "carehub/+/status")
    session_expiry_s: int = 7 * 86_400
    receive_max: int = 4_000
    max_packet_bytes: int = 1_048_576
    keep_alive_s: int = 15
    connect_timeout_s: float = 10.0
    backoff_s: float = 0.2
    backoff_max_s: float = 10.0
    deliver_timeout_s: float = 5.0
    inflight_out: int = 256
    write_buffer_bytes: int = 1_048_576
    disconnected_alert_s: float = 30.0
    alert_sweep_s: float = 1.0
    dropped_topic: str = "$SYS/broker/publish/messages/dropped"  # empty: the broker tells nothing

    def __post_init__(self) -> None:
        if not 1 <= self.receive_max <= 65_535:
            raise ValueError("receive_max is from 1 to 65535")
        if both := sorted(set(self.urgent) & set(self.telemetry)):
            raise ValueError(f"{both[0]} is urgent and telemetry: a message must come in once")


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """TCP for watches and trackers that do not speak MQTT. Each protocol has a port of its own."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = 5093  # of watch3g
    # Which protocols are served: "gt06" on the port its vendor uses, "gt06:7023" on another, "all" of them. Their
    # names and ports are those of devices/protocols.py.
    protocols: tuple[str, ...] = ("watch3g",)
    idle: tuple[str, ...] = ()  # "gt06:1800": this protocol's devices may be silent for so many seconds
    idle_s: float = 900.0  # all others, but those of IDLE_S; heartbeats come every few minutes
    first_frame_s: float = 60.0  # until a device has said who it is
    max_connections: int = 10_000
    max_nameless: int = 5_000  # connections that have not said who they are: beyond this the oldest makes room
    buffer_bytes: int = 32_768  # of one connection: an unfinished frame beyond this ends it; voice comes in 24 KB
    garbage_bytes: int = 4_096  # between frames, more than there are bytes in frames
    garbage_kept: int = 16  # pieces of it that are kept, of one connection; all are counted
    frames_per_s: float = 200.0  # of one connection, in the long run: one that sends more is read more slowly
    frames_burst: int = 2_000  # what a tracker may have stored while it had no line
    unanswered_max: int = 200  # frames of one connection that wait for their commit
    ids_per_connection: int = 16  # a relay may carry several watches, not a town
    write_buffer_bytes: int = 65_536
    write_stall_s: float = 10.0
    unacknowledged_s: float = 60.0  # a peer whose TCP confirms nothing we wrote for this long is gone
    deliver_timeout_s: float = 10.0
    sweep_s: float = 0.5
    kept_bytes: int = 4_096

    def __post_init__(self) -> None:
        doors = self.doors()
        taken: dict[int, str] = {}
        for door in doors:
            if door.port and (other := taken.setdefault(door.port, door.name)) != door.name:
                raise ValueError(f'protocols: {other} and {door.name} on port {door.port}; write "{door.name}:<port>"')
        if self.frames_per_s <= 0 or self.frames_burst < 1:
            raise ValueError("frames_per_s and frames_burst are greater than 0")

    def doors(self) -> list["Door"]:
        """Return what is served, in the order of the settings.

        Raises:
            ValueError: A protocol nobody knows, a port or a time that is no number.
        """
        idle = {name: _seconds(word, given) for name, word, given in map(_named, self.idle)}
        ports: dict[str, int | None] = {}
        for name, word, given in map(_named, self.protocols):
            if word and name in (WATCH, "all"):
                raise ValueError(f"protocols: {given!r}: no port goes with it; that of {WATCH} is gateway.port")
            if name == "all":
                ports = dict.fromkeys(known_ports()) | ports
            else:
                ports[name] = _port(word, given)
        return [
            Door(
                name=name,
                port=self.port if name == WATCH else known_ports()[name] if port is None else port,
                idle_s=idle.get(name, IDLE_S.get(name, self.idle_s)),
            )
            for name, port in ports.items()
        ]


class Door(NamedTuple):
    """One protocol that is served."""

    name: str
    port: int  # 0: any free one
    idle_s: float


WATCH = "watch3g"
# Who may be silent for longer than the rest: Queclink's heartbeat comes every 6 hours at the rarest; the others have
# none that all models send, and speak as often as they are set to, which for a worn one is once an hour.
IDLE_S = {
    "gl200text": 22_500.0,
    **dict.fromkeys(
        ("eview", "laipac", "megastek", "mictrack", "minifinder", "xexun", "xexun_lines", "xexun2", "xexun3"), 7_500.0
    ),
}


def known_ports() -> dict[str, int]:
    """Return every protocol's own port, by name. All grammars are loaded for it: 0.3 s that most commands need not."""
    from devices.protocols import PROTOCOLS  # noqa: PLC0415

    return {protocol.name: protocol.port for protocol in PROTOCOLS}


def _named(given: str) -> tuple[str, str, str]:
    """Return (name, what stands behind its colon, both) of an entry, whose name is known."""
    name, _, word = given.partition(":")
    name = name.strip()
    if name not in (WATCH, "all") and name not in known_ports():
        near = difflib.get_close_matches(name, [*known_ports(), "all"], 1)
        like = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known_ports()))}, and all"
        raise ValueError(f"no protocol is called {name!r}; {like}")
    return name, word.strip(), given


def _port(word: str, given: str) -> int | None:
    """Return the port behind a protocol's name, None if there is none."""
    if not word:
        return None
    if not (word.isascii() and word.isdecimal() and int(word) <= 65_535):
        raise ValueError(f'protocols: {given!r} has no port behind its colon; write "gt06:7023", or "gt06" for its own')
    return int(word)


def _seconds(word: str, given: str) -> float:
    if not (word.isascii() and word.isdecimal() and int(word)):
        raise ValueError(f'idle: {given!r} has no seconds behind its colon; write "gt06:1800"')
    return float(word)
