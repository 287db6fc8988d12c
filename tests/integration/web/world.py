"""A small neighbourhood in a real database, and a console process in front of it: what the web tests stand on."""

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

from alerts.model import Alert, AlertKind, Severity
from hub import incidents, links
from hub.passwords import hash_password
from hub.ports import free_port
from hub.store.pool import Connection, connect, hub_now
from tests.patience import PATIENCE_S

PASSWORD = "correct horse battery"
LINK_KEY = "a key for tests that is long enough"
START_S = 3 * PATIENCE_S  # a process that loads everything, on a machine whose tests all do
ROOT = Path(__file__).resolve().parents[3]
T = TypeVar("T")


@dataclass
class World:
    """People, residents and devices by short name; numbers are the database's."""

    dsn: str
    people: dict[str, int] = field(default_factory=dict)
    residents: dict[str, int] = field(default_factory=dict)
    devices: dict[str, int] = field(default_factory=dict)
    presses: int = 0
    _line: psycopg.Connection | None = field(default=None, repr=False, compare=False)

    def sql(self, text: str, **values: Any) -> list[tuple[Any, ...]]:
        with nullcontext(self._line) if self._line else psycopg.connect(self.dsn, autocommit=True) as conn:
            cursor = conn.execute(text.encode(), values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def on_one_line(self) -> Iterator[None]:
        """What is said meanwhile goes over one connection: each takes longer to open than what is said."""
        with psycopg.connect(self.dsn, autocommit=True) as line:
            self._line = line
            try:
                yield
            finally:
                self._line = None

    def person(self, short: str, name: str, role: str, **more: Any) -> int:
        hashed = _hash() if more.pop("login", False) else None
        row = self.sql(
            "insert into person (name, role, phone, login, password_hash, area, language, created_at) values"
            " (%(name)s, %(role)s, %(phone)s, %(login)s, %(hash)s, %(area)s, %(language)s, hub_now()) returning id",
            name=name, role=role, phone=more.get("phone", ""), login=short if hashed else None, hash=hashed,
            area=more.get("area", ""), language=more.get("language", "zh-CN"),
        )  # fmt: skip
        self.people[short] = row[0][0]
        if role not in ("family", "operator", "supervisor"):
            self.sql(
                "insert into shift (person_id, during) values"
                " (%(p)s, tstzrange(hub_now() - interval '1 hour', hub_now() + interval '11 hours'))",
                p=self.people[short],
            )  # fmt: skip
        if role in ("operator", "supervisor"):
            self.contact(short, "console", f"console:{self.people[short]}")
        return self.people[short]

    def contact(self, short: str, channel: str, address: str) -> None:
        self.sql(
            "insert into contact (person_id, channel, address) values (%(p)s, %(c)s, %(a)s)",
            p=self.people[short], c=channel, a=address,
        )  # fmt: skip

    def resident(self, short: str, name: str, **more: Any) -> int:
        columns = {"name": name, "area": "和平社区", "language": "宁夏话", **more}
        names = ", ".join(columns)
        holes = ", ".join(f"%({c})s" for c in columns)
        insert = f"insert into resident ({names}, created_at) values ({holes}, hub_now()) returning id"
        row = self.sql(insert, **columns)
        self.residents[short] = row[0][0]
        return self.residents[short]

    def device(self, short: str, resident: str | None = None, **more: Any) -> int:
        row = self.sql(
            "insert into device (address, model, resident_id, room, state, created_at) values"
            " (%(address)s, %(model)s, %(resident)s, %(room)s, 'live', hub_now()) returning id",
            address=f"carehub:{short}", model=more.get("model", ""), room=more.get("room", ""),
            resident=self.residents[resident] if resident else None,
        )  # fmt: skip
        self.devices[short] = row[0][0]
        return self.devices[short]

    def circle(self, resident: str, person: str, relation: str, minutes: float) -> None:
        self.sql(
            "insert into care_circle (resident_id, person_id, relation, position, minutes_away) values"
            " (%(r)s, %(p)s, %(relation)s, (select count(*) from care_circle), %(minutes)s)",
            r=self.residents[resident], p=self.people[person], relation=relation, minutes=minutes,
        )  # fmt: skip

    def alert(self, device: str, kind: str = "sos", severity: int = 1, **more: Any) -> int:
        """Raise an alert the way ingest does, and return its incident."""
        self.presses += 1
        number = self.presses

        async def raise_it(conn: Connection) -> int:
            async with conn.transaction():
                now = await hub_now(conn)
                row = await (
                    await conn.execute("select resident_id from device where id = %s", (self.devices[device],))
                ).fetchone()
                assert row is not None
                raised = await incidents.raise_alert(
                    conn,
                    Alert(
                        alert_id=f"{device}:{number}", kind=AlertKind(kind), severity=Severity(severity), raised_at=now,
                        device_id=self.devices[device], resident_id=row[0], area=more.get("area", "和平社区"),
                        identity=str(number), rule=more.get("rule"), test=more.get("test", False),
                        countdown_s=more.get("countdown_s", 0.0), evidence=more.get("evidence", {}),
                    ),
                )  # fmt: skip
            assert raised.incident_id is not None
            return raised.incident_id

        return self.run(raise_it)

    def run(self, act: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something with a connection of its own."""

        async def inside() -> T:
            async with await connect(self.dsn, name="test") as conn:
                return await act(conn)

        with ThreadPoolExecutor(1) as apart:  # the browser's driver has a loop of its own in this thread
            return apart.submit(asyncio.run, inside()).result()

    def link(self, page_id: int) -> str:
        async def made(conn: Connection) -> str:
            return links.make(LINK_KEY, page_id, await hub_now(conn))

        return self.run(made)

    def question(self, number: int) -> str:
        """Return the token of a question to a contact."""

        async def made(conn: Connection) -> str:
            return links.make(LINK_KEY, number, await hub_now(conn), kind=links.Kind.CONTACT)

        return self.run(made)

    def heart_rates(self, device: str, values: list[float], every: timedelta = timedelta(minutes=1)) -> None:
        """Write telemetry that ends now."""
        for index, bpm in enumerate(reversed(values)):
            self.sql(
                "insert into telemetry (received_at, device_id, batch, measured_at, heart_rate_bpm, spo2_pct,"
                " battery_pct, worn) values"
                " (hub_now() - %(ago)s, %(device)s, 1, hub_now() - %(ago)s, %(bpm)s, 95, 61, true)",
                ago=every * index, device=self.devices[device], bpm=bpm,
            )  # fmt: skip


_HASHED: list[str] = []


def _hash() -> str:
    """Hash the tests' one password once: it takes a twentieth of a second."""
    if not _HASHED:
        _HASHED.append(hash_password(PASSWORD))
    return _HASHED[0]


def neighbourhood(dsn: str) -> World:
    """Two operators, a supervisor, a family, a guard, four residents with their devices."""
    world = World(dsn)
    with world.on_one_line():
        _move_in(world)
    return world


def _move_in(world: World) -> None:
    world.person("li", "李雪", "operator", login=True)
    world.person("chen", "陈刚", "operator", login=True)
    world.person("ma", "马班长", "supervisor", login=True)
    world.person("son", "王小明", "family", login=True, phone="138 0000 0001")
    world.person("guard", "赵保安", "property", area="和平社区", phone="138 0000 0002")
    world.person("worker", "孙社工", "community", area="和平社区", phone="138 0000 0003")
    for short in ("son", "guard", "worker"):
        world.contact(short, "webhook", f"http://127.0.0.1:9/{short}")
    world.resident(
        "wang", "王秀英", born=date(1944, 3, 2), address="和平里 3 号楼 2 单元 501",
        entrance="电梯到 5 楼右手，门口有狗", ability="失能", risks=["lives_alone", "heart_failure", "falls", "dog"],
        key_place="物业前台", door_code="4471#", phone="0951 000 0001", lat=38.47, lon=106.26,
    )  # fmt: skip
    for short, name, born, address, risk in (
        ("zhang", "张德福", date(1939, 8, 20), "和平里 5 号楼 1 单元 102", "copd"),
        ("liu", "刘桂芳", date(1950, 1, 5), "光明巷 12 号", "lives_alone"),
        ("he", "何玉兰", date(1947, 6, 11), "和平里 8 号楼 3 单元 203", "falls"),
    ):
        world.resident(short, name, born=born, address=address, ability="半失能", risks=[risk])
    world.device("watch-wang", "wang", model="腕表 W2")
    world.device("button-wang", "wang", model="SOS 按钮", room="卫生间")
    world.device("watch-zhang", "zhang", model="腕表 W2")
    world.device("button-liu", "liu", model="SOS 按钮", room="卧室")
    world.device("watch-he", "he", model="腕表 W2")
    world.device("stray")
    world.circle("wang", "son", "儿子", 38)


class Console:
    """`carehub console` as a child process."""

    def __init__(self, dsn: str, port: int | None = None) -> None:
        self.dsn = dsn
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.more: dict[str, str] = {}  # settings besides

    def start(self) -> "Console":
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CAREHUB_")} | {
            "CAREHUB_DATABASE_DSN": self.dsn, "CAREHUB_CONSOLE_PORT": str(self.port),
            "CAREHUB_SECRETS_LINK_KEY": LINK_KEY, "CAREHUB_SEAL_KEY": os.environ["CAREHUB_SEAL_KEY"], **self.more,
        }  # fmt: skip
        self.process = subprocess.Popen([sys.executable, "-m", "hub", "console"], cwd=ROOT, env=environ)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                    if answer.status == 200:
                        return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        ended = self.process.poll()
        self.stop(hard=True)
        raise AssertionError("the console did not become ready" if ended is None else f"the console ended: {ended}")

    def stop(self, *, hard: bool = False) -> float:
        """End it and return how many seconds that took."""
        assert self.process is not None
        began = time.monotonic()
        if hard:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.process = None
        return time.monotonic() - began

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S)


def csrf_of(page: str) -> str:
    """Return the form token out of a page."""
    return page.split('name="csrf" value="', 1)[1].split('"', 1)[0]


def sign_in(client: httpx.Client, login: str = "li", password: str = PASSWORD) -> httpx.Response:
    form = client.get("/login")
    return client.post("/login", data={"csrf": csrf_of(form.text), "login": login, "password": password})


def eventually(condition: Callable[[], Any], limit_s: float = PATIENCE_S) -> Any:
    """Wait until `condition` gives something true, and return it."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
