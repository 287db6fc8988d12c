"""A real HTTP server that answers as it was told: well, late, never, twice, or with a refusal."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

HANG = 0  # an answer that never comes
OVERLOADED = 503
MOMENT = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    target: str  # path and query as they came
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    code: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Imitation:
    """What every imitation has. `next` holds what to do with the coming requests: an HTTP code, or an error code."""

    now: datetime = MOMENT  # the provider's clock
    port: int = 0
    next: list[int | str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # what a provider would not have let pass
    heard: list[dict[str, Any]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fault(self, condition: bool, text: str) -> bool:
        """Note what is wrong with a request; returns whether it is."""
        if condition:
            self.faults.append(text)
        return condition

    def answer(self, request: Request) -> Reply | None:
        """Answer one request; None: never."""
        raise NotImplementedError

    def told(self) -> int | str | None:
        """What to do with this request, apart from checking it."""
        return self.next.pop(0) if self.next else None


@contextmanager
def serving(imitation: Imitation) -> Iterator[None]:
    """Let it be reached for the length of the block."""

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = imitation.answer(Request(method="POST", target=self.path, headers=headers, body=body))
            if reply is None:
                imitation.stop.wait(30)
                self.close_connection = True
                return
            self.send_response(reply.code)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Receiver)
    imitation.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="imitation", daemon=True)
    thread.start()
    try:
        yield
    finally:
        imitation.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def push(url: str, content: bytes, *, times: int = 1) -> list[int]:
    """Call back as a provider does, `times` over; returns the answers' codes."""
    headers = {"Content-Type": "application/json"}
    with httpx.Client(trust_env=False, timeout=10) as client:
        return [client.post(url, content=content, headers=headers).status_code for _ in range(times)]
