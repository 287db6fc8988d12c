"""Settings of the process that watches: the siren, the heartbeat to a watcher elsewhere, the canary."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    """`[audit]`. What holds a secret (heartbeat_url, siren_password) belongs in the environment: CAREHUB_AUDIT_…"""

    siren_command: tuple[str, ...] = ()  # makes a noise on this machine and ends: ["aplay", "-q", "/srv/siren.wav"]
    siren_pause_s: float = 5.0  # between two runs of it
    siren_limit_s: float = 30.0  # a run that takes longer is killed, and the siren is broken
    siren_topic: str = ""  # a siren or a relay at a broker that is not this hub's
    siren_host: str = "127.0.0.1"
    siren_port: int = 1883
    siren_username: str = ""
    siren_password: str = field(default="", repr=False)
    siren_on: str = "ON"
    siren_off: str = "OFF"
    siren_after_s: float = 3.0  # a fault that lasts this long sounds: a hiccup of a second wakes nobody
    siren_again_min: float = 10.0  # acknowledged and still wrong: it sounds again after this long
    heartbeat_url: str = field(default="", repr=False)  # asked while all is well; its owner calls when it stays away
    heartbeat_every_s: float = 30.0
    heartbeat_fail: str = ""  # appended to the URL once when something goes wrong: "/fail" at healthchecks.io
    canary: bool = True
    canary_every_s: float = 60.0
    canary_limit_s: float = 15.0  # each stage of a canary's way must have come through by then
    canary_listener: str = ""  # host:port where devices connect; empty: the [listener] of this machine
    canary_console: str = ""  # the console's address as seen from here; empty: the [console] of this machine

    def __post_init__(self) -> None:
        for name in ("siren_pause_s", "siren_limit_s", "siren_again_min", "heartbeat_every_s", "canary_every_s",
                     "canary_limit_s"):  # fmt: skip
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        if self.canary_listener and not self.canary_listener.rpartition(":")[2].isdecimal():
            raise ValueError("canary_listener is host:port")
