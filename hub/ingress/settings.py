"""What the three ways in can be told: ports, certificates and named limits, with sane defaults."""

from dataclasses import dataclass, field


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
    """TCP for watches that do not speak MQTT."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = 5093
    max_connections: int = 10_000
    buffer_bytes: int = 16_384  # of one connection: an unfinished frame beyond this ends it
    idle_s: float = 900.0  # watches say LK every few minutes
    first_frame_s: float = 60.0
    garbage_bytes: int = 4_096  # between frames, in a connection's life
    unanswered_max: int = 200  # frames of one connection that wait for their commit
    ids_per_connection: int = 16  # a relay may carry several watches, not a town
    write_buffer_bytes: int = 65_536
    write_stall_s: float = 10.0
    sweep_s: float = 0.5
    kept_bytes: int = 4_096
