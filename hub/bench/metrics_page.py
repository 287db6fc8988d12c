"""What the hub's processes say of themselves on their metrics pages, read by those who measure them."""

import urllib.request


def stored_messages(port: int) -> int:
    """Return how many messages the hub says it has committed."""
    return int(float(metric(page(port, "metrics"), 'carehub_stored_messages_total{lane="telemetry"}') or 0))


def slow_slices_pct(port: int) -> float:
    """Return how often, of all looks, the event loop was more than 5 ms late."""
    text = page(port, "metrics")
    within = float(metric(text, 'carehub_loop_lag_seconds_bucket{le="0.005"}') or 0)
    total = float(metric(text, "carehub_loop_lag_seconds_count") or 0)
    return 100 * (1 - within / total) if total else 0.0


def metric(text: str, name: str) -> str | None:
    """Return one value out of a metrics page."""
    found = (line.rpartition(" ")[2] for line in text.splitlines() if line.rpartition(" ")[0] == name)
    return next(found, None)


def page(port: int, name: str) -> str:
    """Return a page of the hub's, empty while there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""
