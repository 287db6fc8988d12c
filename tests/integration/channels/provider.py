"""A responder's provider: a real HTTP server that checks every signature before it believes a message."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.integration.incidents.world import WEBHOOK_KEY
from tests.patience import PATIENCE_S

HANG = 0  # an answer that never comes
ENDLESS = 1  # an answer that never ends


@dataclass(kw_only=True)
class Provider:
    """Answers the given codes one after the other, then 200. `heard` has every request whose signature was right."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    forged: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    when_heard: Callable[[], object] = lambda: None  # what befalls the sender before it is answered

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/page"

    @property
    def keys(self) -> set[str]:
        return {request["key"] for request in self.heard}


@contextmanager
def open_provider(*answers: int, key: str = WEBHOOK_KEY) -> Iterator[Provider]:
    provider = Provider(answers=list(answers))

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signed = self.headers["X-Carehub-Timestamp"].encode() + b"." + body
            right = "v1=" + hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(right, self.headers["X-Carehub-Signature"]):
                provider.forged += 1
                self._answer(401)
                return
            request = {"key": self.headers["Idempotency-Key"], "attempt": int(self.headers["X-Carehub-Attempt"])}
            provider.heard.append(request | {"body": json.loads(body), "text": body.decode()})
            provider.when_heard()
            code = provider.answers.pop(0) if provider.answers else 200
            if code == HANG:
                provider.stop.wait(PATIENCE_S)
                self.close_connection = True
            elif code == ENDLESS:
                self._endless()
            else:
                self._answer(code)

        def _answer(self, code: int) -> None:
            self.send_response(code)
            if 300 <= code < 400:
                self.send_header("Location", "/page")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def _endless(self) -> None:
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                while not provider.stop.is_set():
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Receiver)
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, name="provider", daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
