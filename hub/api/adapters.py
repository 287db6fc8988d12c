"""How records reach a platform: one adapter, JSON over HTTP, signed; a platform that speaks otherwise gets one more.

POST <url>/records        {"platform", "records": [{"number", "kind", "id", "sha256", "withdrawn", "body"}]}
                          200 {"acknowledged": [numbers], "refused": [{"number", "why"}]}
GET  <url>/reconciliation 200 {"kinds": {"resident": {"count", "sha256"}}}
GET  <url>/reconciliation/<kind>?after=<id>  200 {"held": [[id, "sha256"], …], "more": true|false}
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import msgspec

from hub.api import signing
from hub.api.outgoing import Answer, Outgoing

T = TypeVar("T")
HELD_PAGES = 2_000  # of one kind: beyond it something is wrong over there


class Refusal(msgspec.Struct, frozen=True):
    number: int
    why: str = ""


class Taken(msgspec.Struct, frozen=True):
    """What the platform said about a batch. What it does not mention waits and goes again."""

    acknowledged: tuple[int, ...] = ()
    refused: tuple[Refusal, ...] = ()


class Count(msgspec.Struct, frozen=True):
    count: int
    sha256: str = ""


class Counts(msgspec.Struct, frozen=True):
    kinds: dict[str, Count]


class Held(msgspec.Struct, frozen=True):
    held: tuple[tuple[int, str], ...]
    more: bool = False


class PlatformError(Exception):
    """The platform did not answer as it should; what it said is the message."""

    def __init__(self, why: str, again_s: float = 0.0) -> None:
        super().__init__(why)
        self.again_s = again_s


class Adapter(Protocol):
    """What an adapter does."""

    async def send(self, records: Sequence[Mapping[str, Any]]) -> Taken:
        """Bring records; raises PlatformError when none of them is known to have arrived."""

    async def counts(self) -> Mapping[str, Count]:
        """Return what the platform holds, by kind."""

    async def held(self, kind: str) -> dict[int, str]:
        """Return every record the platform holds of a kind: number and digest."""


@dataclass(frozen=True, kw_only=True)
class JsonHttp:
    """The documented one."""

    name: str
    url: str
    keys: tuple[str, ...]
    out: Outgoing

    async def send(self, records: Sequence[Mapping[str, Any]]) -> Taken:
        body = msgspec.json.encode({"platform": self.name, "records": records})
        first, last = records[0]["number"], records[-1]["number"]
        headers = signing.headers(self.keys, f"carehub-records-{first}-{last}", int(time.time()), body)
        return _read(await self.out.post(f"{self.url}/records", body, headers), Taken)

    async def counts(self) -> Mapping[str, Count]:
        return (await self._get("/reconciliation", Counts)).kinds

    async def held(self, kind: str) -> dict[int, str]:
        found: dict[int, str] = {}
        after = 0
        for _ in range(HELD_PAGES):
            page = await self._get(f"/reconciliation/{kind}?after={after}", Held)
            found |= dict(page.held)
            if not page.more or not page.held:
                return found
            after = max(number for number, _ in page.held)
        raise PlatformError(f"its list of {kind} does not end")

    async def _get(self, path: str, kind: type[T]) -> T:
        headers = signing.headers(self.keys, f"carehub-ask-{path}", int(time.time()), path.encode())
        return _read(await self.out.get(f"{self.url}{path}", headers), kind)


def _read(answer: Answer, kind: type[T]) -> T:
    if not answer.taken:
        raise PlatformError(answer.says, answer.again_s)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (ValueError, RecursionError):
        raise PlatformError("its answer is not what hub/api/README.md says") from None


ADAPTERS: Final = {"json": JsonHttp}
