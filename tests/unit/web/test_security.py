"""What may be posted, and what every answer carries, whatever made it."""

from collections.abc import Iterable

import pytest
from starlette.types import Message, Receive, Scope, Send

from hub.web.security import BODY_LIMIT, StrictPages, policy


async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that takes a whole body and says how much that was."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOWALL")]})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def answer(parts: Iterable[bytes] = (b"",), path: str = "/", *, secure: bool = False) -> tuple[Message, bytes]:
    waiting = list(parts)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    await StrictPages(reads_all, secure=secure)({"type": "http", "path": path, "headers": []}, receive, send)
    return sent[0], sent[1]["body"]


def header(start: Message, name: bytes) -> list[bytes]:
    return [value for key, value in start["headers"] if key.lower() == name]


async def test_form_of_exactly_the_limit_is_taken() -> None:
    start, body = await answer([b"x" * (BODY_LIMIT - 1), b"x"])
    assert (start["status"], body) == (200, str(BODY_LIMIT).encode())


async def test_body_sent_in_small_pieces_meets_the_same_limit() -> None:
    start, body = await answer([b"x" * 1024] * (BODY_LIMIT // 1024) + [b"x"])
    assert (start["status"], body) == (413, b"too large\n")
    assert header(start, b"content-security-policy")


async def test_page_cannot_loosen_what_the_frame_sets() -> None:
    start, _ = await answer()
    assert header(start, b"x-frame-options") == [b"DENY"]


@pytest.mark.parametrize(("path", "kept"), [("/incidents/3", [b"no-store"]), ("/static/console.js", [])])
async def test_only_static_files_may_be_kept(path: str, kept: list[bytes]) -> None:
    start, _ = await answer(path=path)
    assert header(start, b"cache-control") == kept


@pytest.mark.parametrize("secure", [True, False])
async def test_browser_is_bound_to_tls_only_where_there_is_tls(secure: bool) -> None:
    start, _ = await answer(secure=secure)
    assert bool(header(start, b"strict-transport-security")) == secure


async def test_start_of_the_process_passes_untouched() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])
        assert "state" not in scope

    async def never() -> Message:
        raise AssertionError("nothing is to be received")

    async def nothing(message: Message) -> None:
        raise AssertionError(message)

    await StrictPages(app, secure=True)({"type": "lifespan"}, never, nothing)
    assert seen == ["lifespan"]


def test_script_runs_by_nonce_alone() -> None:
    rules = dict(rule.split(" ", 1) for rule in policy("abc").split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'nonce-abc'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in policy("abc")


@pytest.mark.parametrize(
    ("path", "worker", "position"),
    [("/r/abc", True, b"(self)"), ("/me/abc", True, b"()"), ("/", False, b"()"), ("/rosters", False, b"()")],
)
async def test_only_the_phones_pages_start_a_worker_and_only_a_call_asks_for_a_position(
    path: str, worker: bool, position: bytes
) -> None:
    start, _ = await answer(path=path)
    (rules,) = header(start, b"content-security-policy")
    assert (b"worker-src 'self'" in rules) == (b"carehub-worker" in rules) == worker
    assert (b"trusted-types htmx" in rules) != worker
    assert b"geolocation=" + position in header(start, b"permissions-policy")[0]
