"""Settings: one TOML file, then the environment. Every fault is reported at once, with what to write instead.

`CAREHUB_<SECTION>_<KEY>` overrides a key: `CAREHUB_CONSOLE_PORT=8443`. Secrets belong in the environment.
"""

import dataclasses
import difflib
import os
import shlex
import sys
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import available_timezones

from hub.api.settings import ApiSettings
from hub.channel_settings import AliyunSettings, ChannelSettings, SmtpSettings, TencentSettings
from hub.errors import HubError
from hub.ingress.settings import BridgeSettings, GatewaySettings, ListenerSettings
from hub.keeping.settings import BackupSettings
from hub.map_settings import MapSettings
from hub.telephone_settings import TelephoneSettings
from hub.watch_settings import AuditSettings

PREFIX = "CAREHUB_"
RUNNING_FILE, SECRETS_FILE = "running.json", "secrets.json"  # what a running hub leaves in its folder, mode 0600
OWN_SECRETS = frozenset({"LINK_KEY", "WEBHOOK_KEY", "CALLBACK_KEY", "VAPID_KEY"})  # `carehub up` makes these by itself
APPRISE = "CAREHUB_APPRISE_"  # CAREHUB_APPRISE_<NAME> is the URL of that target: it holds a token
OF_TESTS = (
    "TEST_DSN",
    "SHOTS",
    "CROWD",
    "SEED",
    "HISTORIES",
    "DAYS",
    "DAY",
    "DAY_SEED",
    "SOAK_KILLS",
    "SOAK_SEED",
    "SOAK_KEEP",
)
NOT_SETTINGS = frozenset(f"CAREHUB_{name}" for name in ("CONFIG", "DATA", "SEAL_KEY", *OF_TESTS))


class ConfigError(HubError):
    """The settings have faults; `faults` lists every one."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(["these settings cannot be used:", *(f"  {f}" for f in faults)]))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    dsn: str = ""  # empty: an embedded PostgreSQL below run_dir


DAYS_MOST = 36_500  # that anything of a device is kept


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    batch_messages: int = 2048  # telemetry messages in one transaction, at most
    batch_wait_ms: int = 80  # … or as many as came in this time: 40 cost two microseconds more of each at 18,000/s
    urgent_connections: int = 4  # presses written side by side
    waiting_messages: int = 100_000  # received and not yet committed; beyond it sockets are not read
    new_devices_per_hour: int = 1_000  # unknown devices registered; beyond it their telemetry is kept raw only
    raw_keep_days: int = 3
    raw_keep_mb: int = 20_000
    # Every message, by hour, by day; at least 14, 31 and 366 days: what is made of one is made before it goes
    telemetry_keep_days: int = 180
    hours_keep_days: int = 180
    days_keep_days: int = 3_653
    # Free on the database's disk: below it raw telemetry is not kept; below it telemetry is not taken, presses are
    storage_low_mb: int = 2_048
    storage_short_mb: int = 1_024
    storage_reserve_mb: int = 64  # a file given up when nothing else is left
    unreadable_keep_mb: int = 64
    accel_streams: int = 20_000  # devices whose wrist acceleration is followed at once
    checkpoint_s: float = 10.0
    default_deadline_s: int = 0  # heartbeat deadline of a device that has none of its own; 0 = not supervised
    watch_allow_list: bool = False  # true: what speaks TCP must be registered before its telemetry is believed

    def __post_init__(self) -> None:
        least = {"telemetry_keep_days": 14, "hours_keep_days": 31, "days_keep_days": 366}
        for name, days in least.items():
            if not days <= getattr(self, name) <= DAYS_MOST:
                raise ValueError(f"{name}: from {days} to {DAYS_MOST} days")


@dataclass(frozen=True, kw_only=True)
class DispatchSettings:
    senders: int = 64  # pages under way at once, for each channel: a provider that hangs holds each of its own for 10 s
    lease_s: float = 30.0  # a page whose sender hangs is taken back after this long
    webhook_timeout_s: float = 10.0


SIGN_IN_ROLES = frozenset({"operator", "supervisor", "dispatcher", "installer", "administrator", "auditor"})


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""  # what responders' links begin with; empty: http://host:port
    zone: str = "Asia/Shanghai"  # the district's: the console and the commands show times in it
    language: str = "zh-CN"
    secure_cookies: bool = False  # true behind TLS
    session_hours: int = 12
    # A code besides the password: off, offered, required of everybody, or the roles it is required of.
    second_factor: tuple[str, ...] = ("offered",)
    desk_phone: str = ""  # the operators' number, offered on responders' pages
    drill: str = ""  # what is drilled here: every page says that nothing on it is real

    def __post_init__(self) -> None:
        if self.zone not in available_timezones():
            raise ValueError(f"zone: {self.zone!r} is no time zone; write Asia/Shanghai, Europe/Berlin …")
        words = set(self.second_factor)
        alone = len(words) == 1 and words <= {"off", "offered", "required"}
        if not words or not (alone or words <= SIGN_IN_ROLES):
            said = ", ".join(self.second_factor)
            raise ValueError(
                f'second_factor: {said!r} is none of "off", "offered", "required", nor a list of the roles it is'
                f" required of: {', '.join(sorted(SIGN_IN_ROLES))}"
            )


@dataclass(frozen=True, kw_only=True)
class InstallSettings:
    contacts_min: int = 0  # fewer confirmed contacts keep a device 未生效; 0: below three is a doubt that is listed


@dataclass(frozen=True, kw_only=True)
class CoverageSettings:
    radius_min: float = 15.0  # help within so many minutes counts as cover
    days: int = 14  # worked out ahead


@dataclass(frozen=True, kw_only=True)
class MetricsSettings:
    host: str = "127.0.0.1"
    ingest_port: int = 9101
    dispatch_port: int = 9102
    audit_port: int = 9103


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """From the environment only: CAREHUB_SECRETS_LINK_KEY and the like. No secret stands in a repr."""

    link_key: str = field(default="", repr=False)  # signs responders' links
    webhook_key: str = field(default="", repr=False)  # signs webhooks
    callback_key: str = field(default="", repr=False)  # makes the paths providers call back, signs references
    vapid_key: str = field(default="", repr=False)  # private key of Web Push, of `carehub push keys`
    smtp_username: str = field(default="", repr=False)
    smtp_password: str = field(default="", repr=False)
    aliyun_key_id: str = field(default="", repr=False)
    aliyun_key_secret: str = field(default="", repr=False)
    tencent_id: str = field(default="", repr=False)
    tencent_key: str = field(default="", repr=False)
    telephone_key: str = field(default="", repr=False)  # signs what a PBX is asked and what it reports
    apprise: Mapping[str, str] = field(default_factory=dict, repr=False)  # name in lower case: URL


@dataclass(frozen=True, kw_only=True)
class Settings:
    run_dir: Path = Path(".carehub")
    log_level: str = "info"
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    listener: ListenerSettings = field(default_factory=ListenerSettings)
    bridge: BridgeSettings = field(default_factory=BridgeSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    dispatch: DispatchSettings = field(default_factory=DispatchSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    map: MapSettings = field(default_factory=MapSettings)
    install: InstallSettings = field(default_factory=InstallSettings)
    coverage: CoverageSettings = field(default_factory=CoverageSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    channels: ChannelSettings = field(default_factory=ChannelSettings)
    smtp: SmtpSettings = field(default_factory=SmtpSettings)
    aliyun: AliyunSettings = field(default_factory=AliyunSettings)
    tencent: TencentSettings = field(default_factory=TencentSettings)
    telephone: TelephoneSettings = field(default_factory=TelephoneSettings)
    backup: BackupSettings = field(default_factory=BackupSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    secrets: Secrets = field(default_factory=Secrets)

    @property
    def public_url(self) -> str:
        return self.console.public_url or f"http://{self.console.host}:{self.console.port}"


def required_dsn(settings: Settings) -> str:
    """Return the database's address.

    Raises:
        HubError: None is configured.
    """
    if not settings.database.dsn:
        running, name = settings.run_dir / RUNNING_FILE, "CAREHUB_DATABASE_DSN"
        why = f"no database is configured: set {name}"
        if running.exists():
            raise HubError(f'{why}, to that of the hub here:\n  export {name}="$({_word(running, "dsn")})"')
        raise HubError(f"{why}, or run `carehub up`, which brings one and leaves word in {running}")
    return settings.database.dsn


def _word(file: Path, key: str) -> str:
    """Return the shell's way to read one word of a JSON file, whatever is not installed."""
    return f"{shlex.quote(sys.executable)} -c 'import json, sys; print(json.load(open(sys.argv[1]))[\"{key}\"])' " + (
        shlex.quote(str(file))
    )


def secret_beside(settings: Settings, name: str) -> str:
    """Say how to come by a secret: in the environment, and of a hub running here in the file that keeps its own."""
    kept = settings.run_dir / SECRETS_FILE
    if name.removeprefix(f"{PREFIX}SECRETS_") not in OWN_SECRETS or not kept.exists():
        return f"set {name}"
    return f'set {name}, to that of the hub here:\n  export {name}="$({_word(kept, name)})"'


T = TypeVar("T")


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `path` (or the file CAREHUB_CONFIG names, or nothing) and the environment.

    Raises:
        ConfigError: Unknown sections or keys, wrong types, an unreadable file: all of them at once.
    """
    faults: list[str] = []
    named = path or (Path(environ["CAREHUB_CONFIG"]) if environ.get("CAREHUB_CONFIG") else None)
    table = _file(named, faults) if named else {}
    if isinstance(table.get("secrets"), dict):
        faults.append("secrets: do not keep secrets in a file; set CAREHUB_SECRETS_LINK_KEY and the like instead")
        del table["secrets"]
    _refuse_secrets_of_the_watch(table, faults)
    _overlay(table, environ, faults)
    settings = _read(Settings, table, "", faults)
    targets = {n.removeprefix(APPRISE).lower(): url for n, url in environ.items() if n.startswith(APPRISE)}
    settings = dataclasses.replace(settings, secrets=dataclasses.replace(settings.secrets, apprise=targets))
    if faults:
        raise ConfigError(faults)
    return settings


def _refuse_secrets_of_the_watch(table: dict[str, Any], faults: list[str]) -> None:
    section = table.get("audit")
    if not isinstance(section, dict):
        return
    faults += [
        f"audit.{name}: may hold a secret; set CAREHUB_AUDIT_{name.upper()} in the environment instead"
        for name in ("heartbeat_url", "siren_password")
        if section.pop(name, None)
    ]


def _file(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        faults.append(f"{path}: cannot be read ({err.strerror}); give the right path or unset CAREHUB_CONFIG")
    except tomllib.TOMLDecodeError as err:
        faults.append(f"{path}: not TOML: {err}")
    return {}


def _overlay(table: dict[str, Any], environ: Mapping[str, str], faults: list[str]) -> None:
    sections = {f.name for f in dataclasses.fields(Settings) if dataclasses.is_dataclass(f.type)}
    plain = {f.name for f in dataclasses.fields(Settings)} - sections
    named = (n for n in environ if n.startswith(PREFIX) and not n.startswith(APPRISE) and n not in NOT_SETTINGS)
    for name in sorted(named):
        key = name.removeprefix(PREFIX).lower()
        section, _, rest = key.partition("_")
        if key in plain:
            table[key] = environ[name]
        elif section in sections and isinstance(table.setdefault(section, {}), dict):
            table[section][rest] = environ[name]
        else:
            faults.append(f"{name}: no such setting{_like(key, plain | sections)}")


def _read(cls: type[T], table: Mapping[str, Any], at: str, faults: list[str]) -> T:
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in hints:
            faults.append(f"{at}{key}: no such setting{_like(key, hints)}")
        elif dataclasses.is_dataclass(hints[key]) and isinstance(value, Mapping):
            values[key] = _read(typing.cast("type[Any]", hints[key]), value, f"{at}{key}.", faults)
        else:
            try:
                values[key] = _convert(value, hints[key])
            except (TypeError, ValueError) as err:
                faults.append(f"{at}{key}: {err}")
    try:
        return cls(**values)
    except ValueError as err:  # a section's own check in __post_init__
        faults.append(f"{at.rstrip('.')}: {err}")
        return cls()


def _convert(value: Any, wanted: Any) -> Any:
    """Return `value` as the wanted type; strings from the environment are read as that type."""
    args = typing.get_args(wanted)
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        return None if value in (None, "") else _convert(value, next(a for a in args if a is not type(None)))
    if typing.get_origin(wanted) is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list):
            raise TypeError(f'{value!r} is not a list; write ["a", "b"]')
        return tuple(_convert(item.strip() if isinstance(item, str) else item, args[0]) for item in items if item != "")
    if wanted is bool:
        return _boolean(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(f"{value!r} is not {_named(wanted)}")
    if wanted in (int, float) and not isinstance(value, str):
        if wanted is int and isinstance(value, float):
            raise TypeError(f"{value!r} is not a whole number")
        return wanted(value)
    if wanted in (str, Path) and not isinstance(value, str):
        raise TypeError(f'{value!r} is not text; write "{value}"')
    try:
        return wanted(value)
    except ValueError:
        raise ValueError(f"{value!r} is not {_named(wanted)}") from None


def _boolean(value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise TypeError(f"{value!r} is not true or false")


def _named(wanted: Any) -> str:
    return {int: "a whole number", float: "a number", str: "text", Path: "a path"}.get(wanted, str(wanted))


def _like(key: str, known: typing.Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(known), 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"


def reachable(host: str) -> str:
    """Where something that listens everywhere is found from here."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
