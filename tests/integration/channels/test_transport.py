"""The transport under every HTTP channel: real sockets, and httpx's own errors whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from hub.channels.transport import AiohttpTransport

pytestmark = pytest.mark.anyio
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def provider(serve: Serve) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def client(connections: int = 8) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=AiohttpTransport(connections), trust_env=False) as http:
        yield http


def answering(*answers: bytes, heard: list[bytes] | None = None, lines: list[int] | None = None) -> Serve:
    """A provider that gives these answers one after the other on each connection, then closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if lines is not None:
            lines.append(1)
        try:
            for answer in answers:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                body = await reader.readexactly(size)
                if heard is not None:
                    heard.append(head + body)
                writer.write(answer)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    return serve


NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


async def test_page_arrives_with_its_body_and_headers_on_a_kept_line() -> None:
    heard, lines = list[bytes](), list[int]()
    async with provider(answering(NO_CONTENT, NO_CONTENT, heard=heard, lines=lines)) as url, client() as http:
        for number in (1, 2):
            answer = await http.post(
                f"{url}/a%2Fb?x=%20", content=b"page %d" % number, headers={"Idempotency-Key": "k"}
            )
            assert answer.status_code == 204
    assert heard[0].startswith(b"POST /a%2Fb?x=%20 HTTP/1.1\r\n")
    assert b"idempotency-key: k\r\n" in heard[0].lower()
    assert heard[1].endswith(b"\r\n\r\npage 2")
    assert len(lines) == 1


async def test_answer_is_read_as_it_was_sent() -> None:
    body = b'{"ok": true}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nSet-Cookie: a=b\r\n\r\n%b" % (len(body), body)
    async with provider(answering(answer)) as url, client() as http:
        got = await http.get(url)
    assert got.json() == {"ok": True}
    assert got.headers["set-cookie"] == "a=b"


async def test_redirect_is_an_answer_like_any_other() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    async with provider(answering(answer)) as url, client() as http:
        assert (await http.post(url, content=b"x")).status_code == 302


async def test_endless_answer_that_is_not_read_to_its_end_costs_its_line() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000
    lines = list[int]()
    async with provider(answering(endless, lines=lines)) as url, client() as http:
        for _ in range(2):
            async with http.stream("POST", url, content=b"x") as answer:
                assert await anext(answer.aiter_raw())
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("serve", "error"),
    [
        (answering(b""), httpx.RemoteProtocolError),
        (answering(b"this is no HTTP\r\n\r\n"), httpx.HTTPError),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), httpx.HTTPError),
    ],
)
async def test_what_a_provider_does_wrong_is_an_error_of_httpx(serve: Serve, error: type[Exception]) -> None:
    async with provider(serve) as url, client() as http:
        with pytest.raises(error):
            await http.post(url, content=b"x")


async def test_provider_that_says_nothing_is_a_timeout() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side gives up
        writer.close()

    async with provider(listen) as url, client() as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(url, content=b"x", timeout=httpx.Timeout(10, read=0.05))


async def test_nobody_listening_is_a_connect_error() -> None:
    async with client() as http:
        with pytest.raises(httpx.ConnectError):
            await http.post("http://127.0.0.1:1/", content=b"x")


async def test_address_that_is_no_url_is_said_so() -> None:
    async with client() as http:
        with pytest.raises(httpx.UnsupportedProtocol):
            await http.post("ftp://127.0.0.1/", content=b"x")
