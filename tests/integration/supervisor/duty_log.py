"""Cases as they happened, minute by minute, at the real desk, the hub's clock held: figures are held against them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from alerts.events import Due
from alerts.model import Disposition
from hub import desk, incidents
from hub.store import service_levels
from hub.store.pool import Connection, hub_now
from tests.integration.web.world import World, neighbourhood

CHINA = ZoneInfo("Asia/Shanghai")
OCTOBER = datetime(2026, 10, 5, 0, 0, tzinfo=CHINA)  # a Monday, midnight on the wall


def duty_log(dsn: str) -> "DutyLog":
    """The neighbourhood in October 2026, everybody on duty all month, in a small tree of areas."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("insert into clock (at) values (%s)", (OCTOBER,))
    log = DutyLog(neighbourhood(dsn))
    log.world.sql("update shift set during = tstzrange('2026-09-01', '2026-12-31')")
    log.area("银川市", "city")
    log.area("兴庆区", "county", "银川市")
    log.area("丽景街道", "township", "兴庆区")
    log.area("和平社区", "community", "丽景街道")
    log.area("光明社区", "community", "丽景街道")
    log.area("金凤区", "county", "银川市")
    log.world.sql("update resident set area = '光明社区' where name = '刘桂芳'")
    log.organisation("和平物业", "property", "guard")
    log.organisation("和平社区居委会", "community", "worker")
    return log


@dataclass
class DutyLog:
    """A world whose clock stands where the story is."""

    world: World
    now: datetime = OCTOBER
    nonces: int = 0
    orgs: dict[str, int] = field(default_factory=dict)

    def at(self, day: int, clock: str) -> "DutyLog":
        """Go to a day of October and a time on the wall."""
        hours, minutes, *seconds = (int(part) for part in clock.split(":"))
        where = datetime(2026, 10, day, hours, minutes, sum(seconds), tzinfo=CHINA)
        self.now = where.astimezone(UTC)
        self.world.sql(
            "insert into clock (at) values (%(at)s) on conflict (one) do update set at = excluded.at", at=self.now
        )
        return self

    def later(self, seconds: float) -> "DutyLog":
        self.now += timedelta(seconds=seconds)
        self.world.sql("update clock set at = %(at)s", at=self.now)
        return self

    def area(self, name: str, level: str, parent: str | None = None) -> None:
        self.world.sql("insert into area (name, level, parent) values (%(n)s, %(l)s, %(p)s)", n=name, l=level, p=parent)

    def organisation(self, name: str, kind: str, *people: str) -> int:
        row = self.world.sql(
            "insert into organisation (name, kind, created_at) values (%(n)s, %(k)s, hub_now()) returning id",
            n=name, k=kind,
        )  # fmt: skip
        self.orgs[name] = int(row[0][0])
        for short in people:
            self.world.sql(
                "update person set organisation_id = %(o)s where id = %(p)s",
                o=self.orgs[name], p=self.world.people[short],
            )  # fmt: skip
        return self.orgs[name]

    def press(self, device: str, kind: str = "sos", severity: int = 1, **more: Any) -> int:
        return self.world.alert(device, kind, severity, **more)

    def timers(self) -> None:
        """Let every timer that is due by now fire, as the escalator would."""

        async def fired(conn: Connection) -> None:
            due = await (await conn.execute("select incident_id from timer where due_at <= hub_now()")).fetchall()
            for (number,) in due:
                async with conn.transaction():
                    await incidents.advance(conn, number, Due(), "timer")

        self.world.run(fired)

    def take(self, case: int, who: str = "li") -> None:
        self.world.run(lambda conn: desk.take(conn, case, self.world.people[who]))

    def send(self, case: int, whom: str, by: str = "li") -> None:
        self.world.run(lambda conn: desk.dispatch(conn, case, self.world.people[by], self.world.people[whom]))

    def says(self, case: int, who: str, verb: str) -> None:
        """A responder taps on his phone."""
        person = self.world.people[who]
        page = self.world.sql(
            "select max(id) from page where incident_id = %(i)s and person_id = %(p)s", i=case, p=person
        )[0][0]  # fmt: skip
        self.nonces += 1
        self.world.run(lambda conn: desk.answer(conn, person, page, f"n{self.nonces}", verb))

    def resolve(self, case: int, how: str = "voice", by: str = "li") -> None:
        self.world.run(lambda conn: desk.resolve(conn, case, self.world.people[by], how))

    def close(self, case: int, disposition: str = "reassured", by: str = "li") -> None:
        self.world.run(lambda conn: desk.close(
            conn, case, self.world.people[by], disposition=Disposition(disposition), done="已处理", with_whom="本人",
            called_back=True,
        ))  # fmt: skip

    def cancel(self, case: int, by: str = "li") -> None:
        self.world.run(lambda conn: desk.cancel(conn, case, self.world.people[by]))

    def make_real(self, case: int, by: str = "li") -> None:
        self.world.run(lambda conn: desk.make_real(conn, case, self.world.people[by]))

    def read(self) -> None:
        """Have the hub read its own log."""

        async def told(conn: Connection) -> None:
            while await service_levels.read_cases(conn, await hub_now(conn)):
                pass

        self.world.run(told)
