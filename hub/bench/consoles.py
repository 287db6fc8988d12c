"""Many operators' browsers as programs: each holds its stream, and fetches what a browser would when it is told."""

import asyncio
import gzip
import hashlib
import random
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
import msgspec

from hub.store.pool import Connection

COOKIE = "carehub_session"
FETCH_LIMIT_S = 30.0
PRESSES = re.compile(rb'id="row-(\d+)".{0,700}?data-presses="(\d+)"', re.DOTALL)


@dataclass(kw_only=True)
class Change:
    """One change of one case, and when who knew of it. Seconds of one monotonic clock."""

    incident: int
    presses: int
    committed: float = 0.0
    notified: float | None = None  # a bare LISTEN beside the consoles
    told: list[float] = field(default_factory=list)  # the event was there
    seen: list[float] = field(default_factory=list)  # its row was there


@dataclass(kw_only=True)
class Browser:
    """One console: a session, a stream, and the fetching of rows."""

    url: str
    token: str
    client: aiohttp.ClientSession
    on_told: Callable[[int], None]
    on_seen: Callable[[int, int], None]
    partial: bool = True  # takes the rows that come with an event, as our page does
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    fetched_bytes: int = 0
    fetches: int = 0
    pushed_bytes: int = 0
    _every_s: float = field(default_factory=lambda: random.uniform(15.0, 20.0))  # as the page does
    _again: float = 0.0
    _wanted: set[int] = field(default_factory=set)
    _stir: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self) -> None:
        """Read the stream until cancelled."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=FETCH_LIMIT_S)
        async with self.client.get(f"{self.url}/stream", cookies={COOKIE: self.token}, timeout=timeout) as answer:
            answer.raise_for_status()
            name = b""
            async for line in answer.content:
                if line.startswith(b"event: "):
                    name = line[7:].strip()
                elif line.startswith(b"data: "):
                    self._heard(name, line[6:])

    def _heard(self, name: bytes, data: bytes) -> None:
        if name == b"hub:hello":
            self.connected.set()
        elif name == b"hub:changed":
            said = msgspec.json.decode(data)
            changed = set(said["incidents"])
            for incident in changed:
                self.on_told(incident)
            if self.partial and "queue" in said:  # the rows came with it
                self.pushed_bytes += len(data)
                self._read(said["queue"]["rows"].encode())
                changed &= {0}
            self._wanted |= changed
            self._stir.set()
        elif name == b"hub:refresh" or (name == b"hub:beat" and time.monotonic() > self._again):
            self._again = time.monotonic() + self._every_s
            self._wanted.add(0)
            self._stir.set()

    async def fetch(self) -> None:
        """Fetch what changed, one request at a time; what comes meanwhile is fetched together afterwards."""
        while True:
            await self._stir.wait()
            self._stir.clear()
            wanted, self._wanted = self._wanted, set()
            if named := sorted(wanted - {0}):
                path = f"/queue/rows?ids={','.join(map(str, named))}" if self.partial else "/queue"
                self._read(await self._get(path))
            if 0 in wanted:
                self._read(await self._get("/queue"))

    async def _get(self, path: str) -> bytes:
        headers = {"HX-Request": "true"}
        async with self.client.get(self.url + path, cookies={COOKIE: self.token}, headers=headers) as answer:
            answer.raise_for_status()
            body = await answer.read()
        self.fetches += 1
        self.fetched_bytes += len(body)
        return body

    def _read(self, body: bytes) -> None:
        for incident, presses in PRESSES.findall(body):
            self.on_seen(int(incident), int(presses))


async def seat(conn: Connection, number: int) -> str:
    """Register an operator with a session of her own; returns what her browser would keep in its cookie."""
    token = secrets.token_urlsafe(32)
    person = await (
        await conn.execute(
            "insert into person (name, role, login, created_at) values (%s, 'operator', %s, hub_now()) returning id",
            (f"坐席{number:02d}", f"bench{number:02d}"),
        )
    ).fetchone()
    assert person is not None
    await conn.execute(
        "insert into contact (person_id, channel, address) values (%s, 'console', %s)",
        (person[0], f"console:{person[0]}"),
    )
    await conn.execute(
        "insert into web_session (token_sha256, person_id, csrf, created_at, seen_at, expires_at)"
        " values (%s, %s, %s, hub_now(), hub_now(), hub_now() + interval '12 hours')",
        (hashlib.sha256(token.encode()).digest(), person[0], secrets.token_urlsafe(24)),
    )
    return token


@dataclass(frozen=True, kw_only=True)
class Weight:
    """What one opening of the page costs: bytes over the line, gzipped, and seconds to its first row."""

    page: int
    page_gz: int
    files: int
    files_gz: int
    first_row_s: float


async def weigh(client: aiohttp.ClientSession, url: str, token: str) -> Weight:
    """Open the page as a browser with an empty cache does."""
    began = time.monotonic()
    first_row_s = 0.0
    async with client.get(url, cookies={COOKIE: token}) as answer:
        answer.raise_for_status()
        body = b""
        async for part in answer.content.iter_any():
            body += part
            if not first_row_s and b'class="row ' in body:
                first_row_s = time.monotonic() - began
    files = []
    for path in sorted(set(re.findall(rb'(?:src|href)="(/static/[^"]+)"', body))):
        async with client.get(url + path.decode()) as answer:
            answer.raise_for_status()
            files.append(await answer.read())
    return Weight(
        page=len(body), page_gz=len(gzip.compress(body, 6)), files=sum(map(len, files)),
        files_gz=sum(len(gzip.compress(each, 6)) for each in files), first_row_s=first_row_s,
    )  # fmt: skip
