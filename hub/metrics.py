"""/metrics, /healthz and /readyz for the processes that serve no other pages."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from hub.errors import HubError

REQUEST_LIMIT_S = 5.0


@contextmanager
def serve(
    host: str, port: int, ready: Callable[[], str | None], standing: Callable[[], str | None] = lambda: None
) -> Iterator[int]:
    """Serve until the block ends; yields the port (useful with port 0).

    Args:
        ready: returns None when this process can do its work, else what it waits for. Called from another thread.
        standing: returns None while the event loop turns, else since when it does not. These pages are served by a
            thread, which answers when the loop is blocked for good: only the loop's own beat proves anything.
    """

    class Page(BaseHTTPRequestHandler):
        timeout = REQUEST_LIMIT_S

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(), CONTENT_TYPE_LATEST)
            elif self.path == "/healthz":
                self._say(standing())
            elif self.path == "/readyz":
                self._say(standing() or ready())
            else:
                self._answer(404, b"there are /metrics, /healthz, /readyz\n", "text/plain")

        def _say(self, wrong: str | None) -> None:
            self._answer(503 if wrong else 200, f"{wrong or 'ok'}\n".encode(), "text/plain")

        def _answer(self, code: int, body: bytes, kind: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    try:
        server = ThreadingHTTPServer((host, port), Page)
    except OSError as error:
        words = f"/metrics cannot be served on {host}:{port} ({error.strerror}); is this role running here already?"
        raise HubError(words) from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
