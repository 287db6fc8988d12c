"""Requests to addresses that others gave us: never into our own network, never on to another address, never for long.

The name is looked up once, and what was looked up and allowed is what is connected to: a name that answers
differently a moment later leads nowhere else.
"""

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from hub.errors import HubError
from hub.hosts import is_address

LONGEST_URL = 500
CONNECT_S, ANSWER_S = 5.0, 15.0
ANSWER_BYTES = 1 << 20  # more of an answer is not read
CONNECTIONS = 32
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenAddressError(HubError):
    """It leads where nothing of ours may go."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Which addresses requests may go to: the internet's, and the private networks the settings name."""

    private: tuple[str, ...] = ()

    def allows(self, address: str) -> bool:
        """Whether something may be sent to this IP address."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip.sixtofour or (
                ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip
            )  # fmt: skip
        return (ip.is_global and not ip.is_multicast) or self._named(ip)

    def _named(self, ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        networks = map(ipaddress.ip_network, self.private)
        return any(ip.version == network.version and ip in network for network in networks)

    def wrong(self, url: str) -> str:
        """Return what is wrong with an address as it is written; empty when it will do. Names are looked up later."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return "not a URL"
        if len(url) > LONGEST_URL or not url.isprintable() or " " in url or not host:
            return "write https://host/path"
        if parts.scheme not in ("https", "http") or "@" in parts.netloc or parts.fragment:
            return "an https URL, without a password and without a #part"
        if parts.scheme == "http" and not self.private:
            return "only https: plain http is for receivers in api.private_networks"
        if is_address(host) and not self.allows(host):
            return "an address inside a private network: name it in api.private_networks"
        return ""


class GuardedResolver(AbstractResolver):
    """Looks names up, and knows only addresses that are allowed."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._names = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        if kept := [one for one in found if self._guard.allows(one["host"])]:
            return kept
        raise OSError(f"{host} leads into a private network: name it in api.private_networks")

    async def close(self) -> None:
        await self._names.close()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; status 0: nothing, and `why` says so."""

    status: int
    body: bytes = b""
    why: str = ""
    again_s: float = 0.0

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def says(self) -> str:
        return f"HTTP {self.status}" if self.status else self.why


class Outgoing:
    """Sends. One for a process; to be entered."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS, resolver=GuardedResolver(self.guard), use_dns_cache=False
            ),
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=False,
            timeout=aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S),
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        return await self._ask("POST", url, data=body, headers={"Content-Type": "application/json", **headers})

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        return await self._ask("GET", url, headers=headers)

    async def _ask(self, method: str, url: str, **more: Any) -> Answer:
        assert self._session is not None
        if wrong := self.guard.wrong(url):
            return Answer(status=0, why=wrong)
        try:
            async with self._session.request(method, url, allow_redirects=False, **more) as answer:
                body = await _some(answer)
                return Answer(
                    status=answer.status, body=body, again_s=_again_s(answer.headers.getall("Retry-After", []))
                )
        except TimeoutError:
            return Answer(status=0, why="no answer in time")
        except aiohttp.ClientConnectorDNSError as err:
            return Answer(status=0, why=str(err.os_error)[:200])
        except (aiohttp.ClientError, OSError, ValueError) as err:
            return Answer(status=0, why=type(err).__name__)


async def _some(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > ANSWER_BYTES:
            answer.close()
            break
    return bytes(body[:ANSWER_BYTES])


def _again_s(given: Sequence[str]) -> float:
    """Return how long the other side asks us to wait; an hour at most."""
    return min(float(given[0]), 3600.0) if given and given[0].isdecimal() and len(given[0]) < 8 else 0.0
