"""Ports of a hub's own: two demos that start side by side would both find the usual ones free."""

from hub.ports import free_port

PORTS = ("CONSOLE_PORT", "LISTENER_PORT", "GATEWAY_PORT", "METRICS_INGEST_PORT", "METRICS_DISPATCH_PORT",
         "METRICS_AUDIT_PORT")  # fmt: skip


def own_ports() -> dict[str, str]:
    """Return settings for the environment: a free port for every door of `carehub up`."""
    return {f"CAREHUB_{name}": str(free_port()) for name in PORTS}
