"""Half a request, and nothing more: whoever is slow is hung up on, and nobody else waits for him."""

import socket
import time

import pytest

from hub.web import security, slow
from tests.integration.web.conftest import Served

SOON_S = 0.4
LONG_S = 10.0


def answered(console: Served, *parts: bytes, then: bytes = b"") -> tuple[bytes, float]:
    """Send parts one after the other, then a byte now and again until the other side hangs up."""
    began = time.monotonic()
    heard = b""
    with socket.create_connection(("127.0.0.1", console.port), timeout=0.1) as line:
        for part in parts:
            line.sendall(part)
        while time.monotonic() - began < LONG_S:
            try:
                if then:
                    line.sendall(then)
                got = line.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                break
            if not got:
                break
            heard += got
    return heard, time.monotonic() - began


def test_head_that_does_not_end_is_hung_up_on(console: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "HEAD_S", SOON_S)
    for head in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
        heard, took_s = answered(console, head, then=b"x: y\r\n" if head else b"")
        assert heard == b""
        assert SOON_S / 2 < took_s < LONG_S
    with console.client() as quick:
        assert quick.get("/login").status_code == 200


def test_second_head_on_a_line_has_its_time_too(console: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "HEAD_S", SOON_S)
    heard, took_s = answered(console, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /hea")
    assert heard.startswith(b"HTTP/1.1 200")
    assert took_s < LONG_S


def test_body_that_does_not_come_is_told_so(console: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "BODY_S", SOON_S)
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\n"
    head = b"POST /login HTTP/1.1\r\nHost: x\r\n" + form
    heard, took_s = answered(console, head, b"login=", then=b"l")
    assert heard.startswith(b"HTTP/1.1 408")
    assert took_s < LONG_S
