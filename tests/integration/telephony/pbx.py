"""A telephone system imitated from hub/telephony/README.md: a real server that checks every request as it says."""

import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

KEY = "a key that only the tests' telephone system has"
WINDOW_S = 300
HANG = 0
_numbers = itertools.count(1)


@dataclass(kw_only=True)
class Pbx:
    """`orders` are the calls it made, each once; `next` what it answers to the coming requests instead."""

    hub: str = ""  # where it reports to
    port: int = 0
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the hub's number of the call
    asked: list[str] = field(default_factory=list)  # method and path of every request that was right
    faults: list[str] = field(default_factory=list)
    next: list[int | str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    hung_up: list[str] = field(default_factory=list)
    standing: dict[str, dict[str, Any]] = field(default_factory=dict)  # what it says when it is asked, by either number
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/box"

    @property
    def order(self) -> dict[str, Any]:
        """The last call it was asked for."""
        return list(self.orders.values())[-1]

    def answer(  # noqa: PLR0911 - one for each of its answers
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]] | None:  # fmt: skip
        wrong = self._signed(method, path, headers, body)
        if wrong:
            self.faults.append(wrong)
            return 401, {"error": "refused"}
        self.asked.append(f"{method} {path}")
        told = self.next.pop(0) if self.next else 200
        if told == HANG:
            self._take(body) if path == "/box/calls" else None
            return None
        if isinstance(told, str):
            return 409, {"error": told}
        if told != 200:
            return told, {}
        if method == "POST" and path == "/box/calls":
            return self._take(body)
        if method == "POST" and path.endswith("/hangup"):
            self.hung_up.append(path.split("/")[-2])
            return 200, {}
        known = self.standing.get(path.rpartition("/")[2])
        return (200, known) if method == "GET" and known else (404, {})

    def _take(self, body: bytes) -> tuple[int, dict[str, Any]]:
        order = json.loads(body)
        if set(order) != {"call", "desk", "number", "record", "longest_s"} or not order["number"].startswith("+"):
            self.faults.append(f"not an order: {sorted(order)}")
            return 422, {"error": "bad_number"}
        known = self.orders.setdefault(order["call"], order | {"reference": f"pbx-{next(_numbers)}"})
        return 200, {"reference": known["reference"]}

    def _signed(self, method: str, path: str, headers: dict[str, str], body: bytes) -> str:
        stamp, nonce = headers.get("x-carehub-timestamp", ""), headers.get("x-carehub-nonce", "")
        text = f"{stamp}.{nonce}.{method}.{path}.".encode() + body
        right = "v1=" + hmac.new(KEY.encode(), text, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, headers.get("x-carehub-signature", "")):
            return "the signature does not match"
        if abs(time.time() - int(stamp)) > WINDOW_S:
            return "too old or from the future"
        if nonce in self.nonces:
            return "this nonce came before"
        self.nonces.add(nonce)
        return ""

    # ---- what it reports ----

    def say(self, event: str, **facts: Any) -> httpx.Response:
        """Report what happened to the last call it was asked for, or to the one that is named.

        `nonce`, `late_s` and `key` are how it is signed: again, too late, by another.
        """
        nonce, late_s, key = facts.pop("nonce", ""), facts.pop("late_s", 0.0), facts.pop("key", KEY)
        if "reference" not in facts:
            facts |= {"reference": self.order["reference"], "call": self.order["call"]}
        body = json.dumps({"event": event, **facts}).encode()
        path, stamp = "/telephony/pbx/events", str(int(time.time() - late_s))
        nonce = nonce or f"nonce-of-the-pbx-{next(_numbers):06d}"
        text = f"{stamp}.{nonce}.POST.{path}.".encode() + body
        headers = {
            "X-Carehub-Timestamp": stamp, "X-Carehub-Nonce": nonce, "Content-Type": "application/json",
            "X-Carehub-Signature": "v1=" + hmac.new(key.encode(), text, hashlib.sha256).hexdigest(),
        }  # fmt: skip
        return httpx.post(f"{self.hub}{path}", content=body, headers=headers, trust_env=False, timeout=20)

    def rings(self, number: str, reference: str = "", **more: Any) -> str:
        """Somebody calls the centre; returns the PBX's number of the call."""
        reference = reference or f"in-{next(_numbers)}"
        answer = self.say("ringing", reference=reference, direction="in", **{"from": number}, **more)
        assert answer.status_code == 200, answer.text
        return reference


@contextmanager
def open_pbx() -> Iterator[Pbx]:
    pbx = Pbx()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._do("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def do_GET(self) -> None:
            self._do("GET", b"")

        def _do(self, method: str, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = pbx.answer(method, self.path, headers, body)
            if found is None:
                pbx.stop.wait(30)
                self.close_connection = True
                return
            text = json.dumps(found[1]).encode()
            self.send_response(found[0])
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Receiver)
    pbx.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="pbx", daemon=True)
    thread.start()
    try:
        yield pbx
    finally:
        pbx.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
