"""An operator at the console: signs in, hears the stream, takes, sends, closes. Through the pages a browser gets."""

import asyncio
import contextlib
import html
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from simulator.ledger import Ledger, now
from simulator.neighbourhood import Console
from simulator.scenario import Scenario

LOOK_S = 1.0  # at least this often she looks at the queue, bell or no bell
NOBODY_AFTER_S = 6.0  # taken, and nobody on the way: send the next step
HANDED_OVER_WITHIN_S = 60.0  # then a case is closed by what the scene has said so far; longer where people are slow
BACKOFF_S = 1.0

# What the console's pages carry; read as a browser's script would, by attribute and class.
ROW = re.compile(r'<a class="row\b(.*?)</a>', re.DOTALL)
INCIDENT = re.compile(r'data-incident="(\d+)"')
PAGES = re.compile(r'data-pages="([\d ]*)"')
STATE = re.compile(r'class="state state-(\w+)"')
RESIDENT = re.compile(r"<strong>(.*?)</strong>")
WHAT = re.compile(r'class="row-what">(.*?)</span>', re.DOTALL)
HANDLED = re.compile(r"<span>(?:坐席|Operator) ")
GOES = re.compile(r"<span>→ ")
ALONE = re.compile(r'class="no-operator"')
NOTICE = re.compile(r'class="notice" data-pages="(\d+)"')
PLACE = re.compile(r'<section class="place\b(.*?)</section>', re.DOTALL)
PROPOSED = re.compile(r'class="surge is-proposed"')
OFFERED = re.compile(r'name="person" value="(\d+)" required( disabled)?><span><b>[^<]*</b><small>([^<]*)')
TOKEN = re.compile(r'name="csrf" (?:value|content)="([^"]+)"')
KINDS = {"跌倒": "fall", "Fall": "fall", "烟雾": "smoke", "Smoke": "smoke", "体征": "vitals", "Vital": "vitals",
         "呼救": "sos", "SOS": "sos"}  # fmt: skip

DISPOSITION = {
    "sos": ("reassured", "电话里说话清楚，到场的人陪着"),
    "fall": ("lifted", "到场的人扶起，查看无外伤"),
    "smoke": ("found_well", "锅烧干了，已关火开窗"),
    "vitals": ("treated_home", "到场测量复核，吸氧后回升"),
}
ON_THE_WAY = frozenset({"dispatched", "en_route", "on_scene", "handed_over"})


@dataclass(frozen=True)
class Case:
    """One row of the queue."""

    incident: int
    state: str
    kind: str
    resident: str
    pages: tuple[int, ...]  # console pages not yet confirmed as shown
    responder: bool  # somebody has said that they go
    handled: bool  # a colleague has it
    alone: bool = False  # somebody goes, and no operator has it any more

    @property
    def standing(self) -> tuple[str, bool, bool]:
        """What of it makes an operator look again."""
        return self.state, self.responder, self.alone


@dataclass(frozen=True)
class House:
    """In disaster mode: the cases of a house, below one heading."""

    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Offered:
    """Somebody whom the window for a whole house offers to send."""

    person: int
    role: str  # as it stands there
    can: bool  # on duty and within reach


Test: TypeAlias = Callable[[Case], bool]


class SignedOutError(PermissionError):
    """The console does not know her any more: her session has ended."""


class ConsoleClient:
    """The console over HTTP: what the browser would send."""

    def __init__(self, base_url: str, console: Console) -> None:
        self._console = console
        self._http = httpx.AsyncClient(base_url=base_url, timeout=10.0, follow_redirects=True)
        self._token = ""
        self.houses: tuple[House, ...] = ()  # as the last look at the queue showed them
        self.proposed = False  # the console proposes disaster mode

    async def sign_in(self) -> None:
        """Fill the form in.

        Raises:
            httpx.HTTPError: The console is not there.
            PermissionError: It refuses.
        """
        form = await self._http.get("/login")
        me = self._console
        words = {"login": me.login, "password": me.password, "csrf": _token(form.text), "next": "/"}
        page = await self._http.post("/login", data=words)
        if page.status_code != 200 or page.url.path == "/login":
            raise PermissionError(f"sign-in as {self._console.login} answered {page.status_code}")
        self._token = _token(page.text)

    async def queue(self) -> tuple[list[Case], tuple[int, ...]]:
        """Return the open incidents, worst first, and the pages of notices that are shown beside them."""
        page = _known(await self._http.get("/queue", headers={"HX-Request": "true"}))
        page.raise_for_status()
        self.houses = tuple(House(tuple(cases(section))) for section in PLACE.findall(page.text))
        self.proposed = bool(PROPOSED.search(page.text))
        return cases(page.text), tuple(int(number) for number in NOTICE.findall(page.text))

    async def declare(self, reason: str, minutes: int) -> tuple[int, str]:
        """Declare disaster mode for everywhere: a supervisor's button."""
        return await self._post("/surge", area="", reason=reason, minutes=str(minutes))

    async def offered(self, incidents: Sequence[int]) -> list[Offered]:
        """Open the window for a whole house; return who may be sent."""
        words = {"ids": ",".join(map(str, incidents))}
        page = _known(await self._http.get("/group/sheet", params=words, headers={"HX-Request": "true"}))
        page.raise_for_status()
        return [Offered(int(number), role.strip(), not cannot) for number, cannot, role in OFFERED.findall(page.text)]

    async def group(self, incidents: Sequence[int], verb: str, **words: str) -> tuple[int, str]:
        """Press a button that is meant for a whole house."""
        return await self._post(f"/group/{verb}", ids=",".join(map(str, incidents)), **words)

    async def row(self, incident: int) -> Case | None:
        """Return one case as the queue shows it now; None: it is not in the queue any more."""
        return next((case for case in await self.rows([incident]) if case.incident == incident), None)

    async def rows(self, incidents: Sequence[int]) -> list[Case]:
        """Return those of these cases that are in the queue now."""
        page = _known(await self._http.get("/queue/rows", params={"ids": ",".join(map(str, incidents))}))
        page.raise_for_status()
        return cases(page.text)

    async def shown(self, pages: tuple[int, ...], read: int | None = None) -> None:
        """Confirm that the browser shows these pages: the receipt of the console channel."""
        body = json.dumps({"delivered": pages, "read": read})
        answer = _known(await self._http.post("/seen", content=body, headers={"X-CSRF-Token": self._token}))
        answer.raise_for_status()

    async def do(self, incident: int, verb: str, **words: str) -> tuple[int, str]:
        """Press a button; return the status and what the console said."""
        return await self._post(f"/incidents/{incident}/{verb}", **words)

    async def _post(self, path: str, **words: str) -> tuple[int, str]:
        headers = {"HX-Request": "true"}
        answer = _known(await self._http.post(path, data={"csrf": self._token, **words}, headers=headers))
        return answer.status_code, re.sub(r"<[^>]+>|\s+", " ", answer.text).strip()[:120]

    async def events(self) -> AsyncIterator[str]:
        """Yield the names of the stream's events until it ends."""
        timeout = httpx.Timeout(10.0, read=30.0)
        async with self._http.stream("GET", "/stream", timeout=timeout) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if line.startswith("event:"):
                    yield line.removeprefix("event:").strip()

    async def aclose(self) -> None:
        await self._http.aclose()


def _known(answer: httpx.Response) -> httpx.Response:
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise SignedOutError(f"signed out: {answer.request.url.path} answered 401")
    return answer


def cases(page: str) -> list[Case]:
    """Read the queue's rows."""
    return [_case(row.group(1)) for row in ROW.finditer(page) if INCIDENT.search(row.group(1))]


def _case(row: str) -> Case:
    what = _first(WHAT, row)
    return Case(
        incident=int(_first(INCIDENT, row)), state=_first(STATE, row), resident=html.unescape(_first(RESIDENT, row)),
        kind=next((kind for word, kind in KINDS.items() if word in what), "other"),
        pages=tuple(int(number) for number in _first(PAGES, row).split()), responder=bool(GOES.search(row)),
        handled=bool(HANDLED.search(row)), alone=bool(ALONE.search(row)),
    )  # fmt: skip


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(1) if found else ""


def _token(page: str) -> str:
    return _first(TOKEN, page)


@dataclass
class Operator:
    """One operator working everything that rings."""

    client: ConsoleClient
    person: int
    scenario: Scenario
    ledger: Ledger
    seed: str = ""
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _cases: dict[int, Case] = field(default_factory=dict)
    _working: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _looks: asyncio.Condition = field(default_factory=asyncio.Condition)
    looked: int = 0

    async def run(self) -> None:
        """Work until cancelled; a console that is away is tried again."""
        while True:
            try:
                await self.client.sign_in()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._listen(), name="operator listens")
                    await self._work(group)
            except* (httpx.HTTPError, httpx.StreamError, PermissionError) as errors:
                self._working.clear()  # who worked on them was stopped with the group
                self.ledger.fault(f"operator: {errors.exceptions[0]!r}")
            await asyncio.sleep(BACKOFF_S)

    @property
    def queue_empty(self) -> bool:
        """Whether the last look found nothing open."""
        return self.looked > 0 and not self._cases

    async def _listen(self) -> None:
        async for _ in self.client.events():
            self._bell.set()
        raise httpx.StreamClosed

    async def _work(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._bell.clear()
            found, notices = await self.client.queue()
            if pages := (*notices, *(page for case in found for page in case.pages)):
                await self.client.shown(pages)
            self._cases = {case.incident: case for case in found}
            self.looked += 1
            async with self._looks:
                self._looks.notify_all()
            for case in found:
                if case.incident not in self._working:
                    self._working[case.incident] = group.create_task(
                        self._handle(case), name=f"incident {case.incident}"
                    )
            with contextlib.suppress(TimeoutError):  # wait_for would lose a cancel that comes with the bell
                async with asyncio.timeout(LOOK_S):
                    await self._bell.wait()

    async def _handle(self, case: Case) -> None:
        """One case from the bell to the disposition."""
        draw = random.Random(f"{self.seed}:{case.incident}")
        await self._until(case.incident, lambda seen: seen.state != "confirming")
        await asyncio.sleep(self.scenario.patience(case.resident) * draw.uniform(0.8, 1.2))
        if case.incident not in self._cases or self._cases[case.incident].handled:
            return
        await self._do(case, "take")
        await self.client.shown((), read=case.incident)
        if not await self._until(
            case.incident, lambda seen: seen.responder or seen.state in ON_THE_WAY, limit_s=NOBODY_AFTER_S
        ):
            await self._do(case, "dispatch", no_speech="1")
        slowly = max(HANDED_OVER_WITHIN_S, 2 * self.scenario.operator_takes_after_s)
        await self._until(case.incident, lambda seen: seen.state in ("handed_over", "resolved"), limit_s=slowly)
        if case.incident not in self._cases:
            return
        disposition, done = DISPOSITION.get(case.kind, ("device_fault", "电话核实，已报修"))
        await self._do(
            case, "close", disposition=disposition, done=done, with_whom="到场的人", how="scene", called_back="1"
        )

    async def _until(self, incident: int, seen_as: Test, limit_s: float = 60.0) -> bool:
        """Return whether a look at the queue showed the case so in time; a case that is gone counts as so."""
        deadline = asyncio.get_running_loop().time() + limit_s
        while asyncio.get_running_loop().time() < deadline:
            case = self._cases.get(incident)
            if case is None or seen_as(case):
                return True
            async with self._looks:
                await self._looks.wait()
        return False

    async def _do(self, case: Case, verb: str, **words: str) -> None:
        status, said = await self.client.do(case.incident, verb, **words)
        self.ledger.operator.append(
            {"at": now().isoformat(), "incident": case.incident, "verb": verb, "status": status, "said": said}
        )
