"""Settings of the three ways in, with their named limits."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ListenerSettings:
    host: str = "127.0.0.1"
    port: int = 1883


@dataclass(frozen=True, kw_only=True)
class BridgeSettings:
    host: str = ""  # empty: no bridge
    port: int = 1883


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    host: str = "127.0.0.1"
    watch3g_port: int = 5093
