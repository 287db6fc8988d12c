"""A relative's webhook: checks what a provider would check, and remembers every copy it was sent."""

import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CLOCK_SKEW_S = 300


class Receiver:
    """Counts copies per Idempotency-Key; a wrong or missing signature is refused and remembered as a fault."""

    def __init__(self, key: str, skew_s: float = CLOCK_SKEW_S) -> None:
        self._key = key
        self._skew_s = skew_s
        self._lock = threading.Lock()
        self.copies: Counter[str] = Counter()
        self.bodies: dict[str, dict[str, Any]] = {}
        self.faults: list[str] = []

    def take(self, headers: Any, body: bytes) -> int:
        stamp = headers.get("X-Carehub-Timestamp", "")
        wanted = "v1=" + hmac.digest(self._key.encode(), stamp.encode() + b"." + body, sha256).hex()
        page_key = headers.get("Idempotency-Key", "")
        with self._lock:
            if not hmac.compare_digest(wanted, headers.get("X-Carehub-Signature", "")) or not page_key:
                self.faults.append(f"unsigned page {page_key}")
                return 401
            if abs(time.time() - int(stamp)) > self._skew_s:
                self.faults.append(f"page {page_key} is dated {stamp}")
                return 401
            self.copies[page_key] += 1
            self.bodies[page_key] = json.loads(body)
        return 200


@contextmanager
def webhook(key: str, skew_s: float = CLOCK_SKEW_S) -> Iterator[tuple[Receiver, str]]:
    """Serve a receiver on 127.0.0.1; yields it and its URL."""
    receiver = Receiver(key, skew_s)

    class Page(BaseHTTPRequestHandler):
        timeout = 10
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            if len(body) < length:  # the sender was killed in the middle of its sentence: that was no message
                self.close_connection = True
                return
            self.send_response(receiver.take(self.headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="webhook", daemon=True)
    thread.start()
    try:
        yield receiver, f"http://127.0.0.1:{server.server_address[1]}/page"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
