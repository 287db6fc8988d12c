"""Falls told of, cancelled, called out and closed: what the false-alarm rate is counted from."""

import asyncio
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.model import Disposition
from hub import desk
from hub.commands import devices
from hub.store import falls
from hub.store.falls import Line
from hub.store.fleet import Wish
from hub.store.pool import hub_now
from tests.integration.ingest.conftest import Hub
from tests.integration.ingest.test_fall_witnesses import Home

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def home(hub: Hub, dsn: str) -> Home:
    settled = await Home(hub, dsn).settle()
    await hub.conn.execute("update device set model = 'R-1' where id = %s", (settled.radar,))
    return settled


async def operator(home: Home) -> int:
    return int(await home.hub.one(
        "insert into person (name, role, created_at) values ('李雪', 'operator', now()) returning id"
    ))  # fmt: skip


async def closed(home: Home, disposition: Disposition) -> int:
    """An operator takes the open case and closes it; returns it."""
    who = await operator(home)
    case = int(await home.hub.one("select id from incident where dedup_key is not null"))
    await desk.take(home.hub.conn, case, who)
    await desk.resolve(home.hub.conn, case, who, "voice")
    await desk.close(
        home.hub.conn, case, who, disposition=disposition, done="检查过", with_whom="女儿", called_back=True
    )
    return case


async def worn(home: Home, hours: list[float]) -> None:
    for back, each in enumerate(hours):
        await home.hub.conn.execute(
            "insert into device_day (device_id, day, worn_min) values"
            " (%s, (hub_now() at time zone 'Asia/Shanghai')::date - %s::int, %s)", (home.watch, back, each * 60)
        )  # fmt: skip


async def counted(home: Home, model: str | None = None) -> tuple[list[Line], list[Line]]:
    conn = home.hub.conn
    now = await hub_now(conn)
    today = now.astimezone(ZONE).date()
    while await falls.read_cases(conn, now):
        pass
    await falls.count_worn(conn, now, ZONE, again=True)
    wish = Wish(model=model)
    return await falls.by_model(conn, wish, today, ZONE), await falls.by_wearer(conn, wish, today, ZONE)


def told(line: Line) -> dict[str, Any]:
    one = line.falls
    return {"suspected": one.suspected, "cancelled": one.cancelled, "false": one.false, "real": one.real,
            "days": one.worn_days}  # fmt: skip


async def test_falls_are_counted_by_how_they_ended(home: Home) -> None:
    await worn(home, [12, 14, 0, 9, 10, 11, 8, 13])
    await home.watch_says("suspected", name="1")
    await home.watch_cancels()
    await home.watch_says("confirmed", name="2")
    await closed(home, Disposition.ACCIDENTAL)
    await home.watch_says("confirmed", name="3")
    await closed(home, Disposition.LIFTED)
    await home.watch_says("suspected", name="4")
    ((model,), (wearer,)) = await counted(home)
    assert model.about["model"] == "CW-1"
    assert told(model) == told(wearer) == {"suspected": 4, "cancelled": 1, "false": 1, "real": 1, "days": 7}
    assert (model.falls.under_way, model.falls.proceeded, round(model.falls.worn_hours)) == (0, 2, 77)
    assert model.falls.per_week(model.falls.false_alarms) == 2.0
    assert 0 <= wearer.about["after_s"] < 10


async def test_fall_that_two_devices_told_of_is_one_of_hers_and_one_of_each_model(home: Home) -> None:
    await home.radar_says("fall_detected")
    await home.hub_finds()
    await home.radar_says("cancelled")
    await home.watch_cancels()
    (models, (wearer,)) = await counted(home)
    assert {line.about["model"]: line.falls.suspected for line in models} == {"CW-1": 1, "R-1": 1}
    assert told(wearer) == {"suspected": 1, "cancelled": 1, "false": 0, "real": 0, "days": 0}
    assert wearer.falls.per_week(1) is None
    assert [line.about["model"] for line in (await counted(home, "R-1"))[0]] == ["R-1"]


async def test_second_fall_hours_later_in_a_case_still_open_is_a_second_one(home: Home) -> None:
    await home.watch_says("confirmed", name="1")
    await home.hub.conn.execute("update alert set raised_at = raised_at - interval '2 hours'")
    await home.watch_says("suspected", name="2")
    await home.radar_says("fall_detected")
    assert len(await home.cases()) == 1
    assert await home.hub.one("select count(*) from fall") == 2
    apart = await home.hub.one("select next_at - began_at from fall where next_at < 'infinity'")
    assert timedelta(hours=1, minutes=59) < apart < timedelta(hours=2, minutes=1)


async def test_cancel_that_came_too_late_is_counted_and_the_fall_is_not_called_cancelled(home: Home) -> None:
    await home.watch_says("confirmed", name="1")
    await home.watch_cancels()
    (_, (wearer,)) = await counted(home)
    assert (wearer.falls.cancelled, wearer.falls.late, wearer.falls.under_way) == (0, 1, 1)


async def test_operator_who_spoke_with_her_in_time_is_counted_apart(home: Home) -> None:
    await home.watch_says("suspected", name="1")
    case = await home.hub.one("select id from incident")
    await desk.cancel(home.hub.conn, case, await operator(home))
    (_, (wearer,)) = await counted(home)
    assert (wearer.falls.cancelled, wearer.falls.at_desk, wearer.falls.false_alarms) == (0, 1, 1)


async def test_installers_trial_is_no_fall(home: Home) -> None:
    await home.watch_says("confirmed", name="1")
    await home.hub.conn.execute("update incident set test = true")
    assert await counted(home) == ([], [])


async def test_case_page_is_told_of_her_other_falls(home: Home) -> None:
    await home.watch_says("suspected", name="1")
    await home.watch_cancels()
    await home.watch_says("suspected", name="2")
    resident = await home.hub.one("select distinct resident_id from incident")
    case = await home.hub.one("select max(id) from incident")
    found = await falls.of_resident(home.hub.conn, resident, case)
    assert found == {"suspected": 1, "cancelled": 1, "false": 0, "real": 0}
    assert [row["what"] for row in await falls.taken_back(home.hub.conn, case - 1)] == ["cancelled"]


async def test_administrator_reads_them(
    home: Home, dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    await worn(home, [12] * 14)
    await home.watch_says("suspected", name="1")
    await home.watch_cancels()
    assert await asyncio.to_thread(devices.main, ["falls"]) == 0
    printed = capsys.readouterr().out
    assert "CW-1" in printed
    assert "0.50" in printed  # one in two weeks worn
    assert "0.01–2.78" in printed  # Poisson's exact interval for one event ends at 5.57
