"""What a monitor sees of a role without pages of its own."""

import pytest

from hub.metrics import serve
from hub.pulse import Pulse
from tests.pages import page


def test_role_is_healthy_before_it_is_ready() -> None:
    waits: list[str | None] = ["the database"]
    with serve("127.0.0.1", 0, lambda: waits[0]) as port:
        assert page(port, "healthz") == (200, "ok\n")
        assert page(port, "readyz") == (503, "the database\n")
        waits[0] = None
        assert page(port, "readyz") == (200, "ok\n")


def test_role_whose_loop_stands_is_neither_healthy_nor_ready() -> None:
    pulse = Pulse()
    with serve("127.0.0.1", 0, lambda: None, pulse.standing) as port:
        assert page(port, "healthz") == (200, "ok\n")
        pulse.at -= 60
        status, why = page(port, "healthz")
        assert (status, page(port, "readyz")[0]) == (503, 503)
        assert "the event loop stands since 60" in why


def test_metrics_are_prometheus_text() -> None:
    with serve("127.0.0.1", 0, lambda: None) as port:
        status, text = page(port, "metrics")
        assert status == 200
        assert "python_info" in text


@pytest.mark.parametrize("path", ["", "metrics/../etc/passwd", "readyz?x"])
def test_other_paths_are_not_found(path: str) -> None:
    with serve("127.0.0.1", 0, lambda: None) as port:
        assert page(port, path)[0] == 404
