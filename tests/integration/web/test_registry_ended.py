"""Whose care has ended is nobody's work: each place that lists residents leaves her out. Her button still rings."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from hub.store import registry
from hub.store.console import Row, rows
from hub.store.pool import Connection
from hub.store.sql import queries
from tests.integration.web.world import World, sign_in

NOW = datetime.now(UTC)
ORDERS = {
    "today": NOW.date(), "now": NOW, "silent_due": 3, "silent_hours": 24, "month": "2026-11", "month_ends": NOW.date(),
    "book_month": True, "since": NOW - timedelta(days=30), "until": NOW, "repeats": 3, "zone": "Asia/Shanghai",
    "limit": 50,
}  # fmt: skip
LEDGER = {"counts": ["visit:met"], "need": ["visit"], "since": NOW, "until": NOW, "area": None, "limit": 50,
          "first_day": NOW.date() + timedelta(days=40), "last_day": NOW.date() + timedelta(days=70)}  # fmt: skip
ANY = {"area": None, "limit": 50}
Find = Callable[[Row, int], bool]


def by_id(found: Row, number: int) -> bool:
    return found.get("id", found.get("resident_id")) == number


def by_list(found: Row, number: int) -> bool:
    return any(one["resident"] == number for one in found["called_for"])


# Where residents are listed: queries, its name, what it is asked, how she is known there.
PLACES: dict[str, tuple[str, str, dict[str, Any], Find]] = {
    "coverage": ("coverage", "households", {"areas": None, "resident": None}, by_id),
    "doctor": ("doctor", "duty", {}, lambda found, _: found["residents"] == 4),
    "people list": ("register", "residents", {"area": None}, by_id),
    "people list, of whom": ("register", "people", {"area": None}, by_list),
    "console search": ("search", "residents", {"like": "%张德福%", "ids": [], "digits": None, "limit": 9}, by_id),
    "console search by initials": ("search", "names", {"limit": 99}, by_id),
    "console search of callers": ("search", "callers", {"like": "%王小明%", "digits": None, "limit": 9}, by_id),
    "dry run of a policy": ("policies", "residents", {"id": None, "name": None, "limit": 99}, by_id),
    "fleet": ("fleet", "silent", {"model": None, **ANY}, lambda found, _: found["resident"] == "张德福"),
    "visits, form": ("visiting", "find", {"number": None, "word": "张"}, by_id),
    "work orders": ("work_orders", "wanted", ORDERS, by_id),
    "api": ("api", "residents", {"after": 0, "id": None, "organisation": None, "ended": False, "locked": True, **ANY},
            by_id),
    "platforms": ("exchange", "resident", {"ids": None, "after": 0, "areas": [], "limit": 99}, by_id),
    "platforms, devices": ("exchange", "device", {"ids": None, "after": 0, "areas": [], "limit": 99},
                           lambda found, number: found["body"]["resident"] == number),
    "family": ("family", "residents", {"limit": 9}, by_id),
    "installer": ("installs", "residents", {"areas": None, "area": "", "number": None, "word": "张", "limit": 9},
                  by_id),
    "devices' files": ("devices", "names", {}, by_id),
    "map": ("desk", "homes_near", {"lat": 38.0, "lon": 106.0, "span": 0.1, "resident": None},
            lambda found, _: found["lat"] == 38.001),
    "import": ("registry_imports", "residents", {}, by_id),
    "caller": ("telephony", "callers", {"number": "0951 777 0001", "limit": 9}, by_id),
    "figures": ("oversight", "residents", {"area": None}, lambda found, _: found["n"] == 4),
}  # fmt: skip


@pytest.fixture
def zhang(world: World) -> int:
    """张德福 has everything that is listed anywhere: family, a silent watch, a place on the map, monthly visits."""
    number = world.residents["zhang"]
    world.circle("zhang", "son", "侄子", 20)
    world.sql("update resident set lat = 38.001, lon = 106.001, phone = '0951 777 0001' where id = %(r)s", r=number)
    world.sql("insert into device_silence (device_id, since, found_at) values (%(d)s, hub_now() - interval '3 days',"
              " hub_now())", d=world.devices["watch-zhang"])  # fmt: skip
    world.sql("insert into visiting (resident_id, since, reason, entered_by, entered_at) values (%(r)s,"
              " '2020-01-01', 'alone', 'hub', hub_now())", r=number)  # fmt: skip
    return number


def there(world: World, place: str, number: int) -> bool:
    noun, name, asked, finds = PLACES[place]

    async def ask(conn: Connection) -> list[Row]:
        values = {"person": world.people["son"]} if noun == "family" else {}
        return await rows(conn, getattr(queries(noun), name), **asked, **values)

    return any(finds(found, number) for found in world.run(ask))


def test_who_is_not_served_any_more_is_in_no_list(world: World, zhang: int) -> None:
    assert [place for place in PLACES if not there(world, place, zhang)] == []
    world.sql("update resident set ended_at = hub_now(), ended_why = 'moved' where id = %(r)s", r=zhang)
    assert [place for place in PLACES if there(world, place, zhang)] == []


def test_end_of_care_takes_her_off_the_ledger_and_nobody_is_sent(world: World, zhang: int) -> None:
    watch = world.devices["watch-zhang"]
    world.sql("insert into visit (device_id, resident_id, reason, booked_at, due) values (%(d)s, %(r)s, 'battery',"
              " hub_now(), current_date)", d=watch, r=zhang)  # fmt: skip
    world.sql("update device set state = 'retired', resident_id = null where id = %(d)s", d=watch)

    async def end(conn: Connection) -> list[Row]:
        await registry.end(conn, zhang, "moved")
        return await rows(conn, queries("visiting").ledger, **LEDGER)

    assert world.run(end) == []
    assert world.sql("select until is not null, since from visiting") == [(True, date(2020, 1, 1))]
    assert world.sql("select status, note from visit") == [("done", "ended")]
    assert not there(world, "fleet", zhang)  # a retired device is silent for good


def test_retired_device_is_silent_in_no_list(world: World, zhang: int) -> None:
    world.sql(
        "update device set state = 'retired', resident_id = null where id = %(d)s", d=world.devices["watch-zhang"]
    )
    assert not there(world, "fleet", zhang)
    assert not there(world, "work orders", zhang) or not world.sql(
        "select 1 from device_silence s join device d on d.id = s.device_id where d.resident_id is not null"
    )


def test_device_is_given_to_nobody_whose_care_has_ended(world: World, zhang: int) -> None:
    world.sql("update resident set ended_at = hub_now() where id = %(r)s", r=zhang)

    async def ask(conn: Connection) -> list[Row]:
        return await rows(conn, queries("devices").resident_exists, resident_id=zhang)

    assert world.run(ask) == []


def test_button_of_somebody_whose_care_has_ended_rings_and_says_so(world: World, li: httpx.Client) -> None:
    world.sql(
        "update resident set ended_at = hub_now(), ended_why = 'moved' where id = %(r)s", r=world.residents["zhang"]
    )
    case = world.alert("watch-zhang")
    assert world.sql("select count(*) from page where incident_id = %(i)s", i=case)[0][0] > 0
    page = li.get(f"/incidents/{case}").text
    assert "张德福" in page
    assert "照护已于" in page
    assert sign_in(li, "li").status_code == 303
