"""A subscriber's server and a platform's, as somebody else would write them: they check what they are sent."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOLERANCE_S = 300


def checked(secret: str, headers: Any, body: bytes) -> str:
    """Return what is wrong with a message by Standard Webhooks; empty when nothing is. Nothing of the hub's is used."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > TOLERANCE_S:
        return "not of now"
    right = base64.b64encode(hmac.new(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
    given = [one.partition(",")[2] for one in headers.get("webhook-signature", "").split(" ") if one.startswith("v1,")]
    return "" if any(hmac.compare_digest(one, right) for one in given) else "not signed"


class Receiver:
    """Keeps what it was told; `answers` are given in turn, then 200."""

    def __init__(self) -> None:
        self.secret = ""
        self.told: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.answers: list[int] = []
        self.url = ""

    def take(self, headers: Any, body: bytes) -> int:
        if fault := checked(self.secret, headers, body):
            self.faults.append(fault)
            return 401
        if self.answers and (status := self.answers.pop(0)) != 200:
            return status
        said = json.loads(body)
        assert headers["webhook-id"] == said["id"]
        self.told.append(said)
        return 200


class Platform:
    """A district's platform: keeps records by kind and number, checks digests, counts, and can lose or refuse."""

    def __init__(self) -> None:
        self.secret = ""
        self.held: dict[str, dict[int, dict[str, Any]]] = {}
        self.numbers: list[int] = []
        self.faults: list[str] = []
        self.refuse: set[tuple[str, int]] = set()
        self.silent = False  # keeps what it is brought, and its answer is lost
        self.away = False
        self.url = ""

    def bring(self, body: bytes) -> tuple[int, Any]:
        if self.away:
            return 503, {}
        taken, refused = [], []
        for one in json.loads(body)["records"]:
            text = json.dumps(one["body"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            if not one["withdrawn"] and hashlib.sha256(text.encode()).hexdigest() != one["sha256"]:
                self.faults.append(f"{one['number']}: not what its digest says")
            if (one["kind"], one["id"]) in self.refuse:
                refused.append({"number": one["number"], "why": "身份证号缺失"})
                continue
            self.numbers.append(one["number"])
            kind = self.held.setdefault(one["kind"], {})
            kind[one["id"]] = one
            if one["withdrawn"]:
                del kind[one["id"]]
            taken.append(one["number"])
        return (500, {}) if self.silent else (200, {"acknowledged": taken, "refused": refused})

    def ask(self, path: str) -> tuple[int, Any]:
        parts = urlsplit(path)
        kind = parts.path.rpartition("/reconciliation")[2].strip("/")
        if kind:
            after = int(parse_qs(parts.query)["after"][0])
            rest = sorted((n, one["sha256"]) for n, one in self.held.get(kind, {}).items() if n > after)
            return 200, {"held": rest[:2], "more": len(rest) > 2}
        return 200, {"kinds": {
            name: {"count": len(kept), "sha256": hashlib.sha256(
                "\n".join(f"{n}:{kept[n]['sha256']}" for n in sorted(kept)).encode()).hexdigest() if kept else ""}
            for name, kept in self.held.items()
        }}  # fmt: skip


@contextmanager
def serving(who: "Receiver | Platform") -> Iterator[None]:
    """Run it on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if isinstance(who, Receiver):
                self._answer(who.take(self.headers, body), {})
            elif fault := checked(who.secret, self.headers, body):
                who.faults.append(fault)
                self._answer(401, {})
            else:
                self._answer(*who.bring(body))

        def do_GET(self) -> None:
            assert isinstance(who, Platform)
            asked = self.path.removeprefix("/exchange")
            fault = checked(who.secret, self.headers, asked.encode())
            self._answer(*((401, {}) if fault else who.ask(asked)))

        def _answer(self, status: int, said: Any) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's word
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    who.url = f"http://127.0.0.1:{server.server_address[1]}/exchange"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="receiver")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
