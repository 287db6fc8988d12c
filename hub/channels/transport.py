"""httpx's requests through aiohttp's connections: a third of the CPU a page costs, where thousands leave at once."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import aiohttp
import httpx
import yarl

CHUNK_BYTES = 16_384


class AiohttpTransport(httpx.AsyncBaseTransport):
    """What httpx.AsyncClient sends with. Certificates are checked as httpx checks them; no redirects, no cookies.

    Args:
        connections: open at once, to everybody together.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._context: ssl.SSLContext | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._context = httpx.create_ssl_context()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=self._context),
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
        )  # fmt: skip
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self._session is not None  # entered with its client
        body = await request.aread()
        with translated(request):
            answer = await self._session.request(
                request.method, yarl.URL(str(request.url), encoded=True), data=body or None,
                headers=request.headers.multi_items(), allow_redirects=False, timeout=_timeout(request),
            )  # fmt: skip
        return httpx.Response(
            answer.status, headers=list(answer.raw_headers), stream=_Body(request, answer), request=request
        )  # fmt: skip


class _Body(httpx.AsyncByteStream):
    def __init__(self, request: httpx.Request, answer: aiohttp.ClientResponse) -> None:
        self._request, self._answer = request, answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with translated(self._request):
            async for chunk in self._answer.content.iter_chunked(CHUNK_BYTES):
                yield chunk

    async def aclose(self) -> None:
        # What was not read to its end is not fit to be used again.
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


@contextmanager
def translated(request: httpx.Request) -> Iterator[None]:
    """Turn aiohttp's errors into httpx's, which is what channels know."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as err:
        raise httpx.ConnectTimeout(str(err), request=request) from err
    except TimeoutError as err:
        raise httpx.ReadTimeout(str(err), request=request) from err
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as err:
        raise httpx.UnsupportedProtocol(str(err), request=request) from err
    except aiohttp.ClientConnectorError as err:
        raise httpx.ConnectError(str(err), request=request) from err
    except aiohttp.ServerDisconnectedError as err:
        raise httpx.RemoteProtocolError(str(err), request=request) from err
    except (aiohttp.ClientError, OSError) as err:
        raise httpx.ReadError(str(err), request=request) from err


def _timeout(request: httpx.Request) -> aiohttp.ClientTimeout:
    given: dict[str, float | None] = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        total=None, connect=given.get("pool"), sock_connect=given.get("connect"), sock_read=given.get("read")
    )  # fmt: skip
