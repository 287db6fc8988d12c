"""Months and years of a resident, on the console and to her family: who sees what, and that it is written down."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from hub.store import measured, partitions
from hub.store.partitions import DAY, HOUR
from hub.store.pool import Connection, hub_now
from tests.integration.storage.days import YINCHUAN, rolled, say
from tests.integration.web.conftest import Served
from tests.integration.web.seen import visible
from tests.integration.web.test_family import consent, link
from tests.integration.web.world import World

LOOKS = "select person_id, what from access_log where resident_id = %(r)s order by id"


def lived(world: World, days: int = 5, gap: int | None = 2) -> None:
    """Wang's watch measured some days, four times each; none on the day of the gap."""
    watch = world.devices["watch-wang"]
    world.sql(
        "update device set bound_at = hub_now() - interval '30 days', created_at = hub_now() - interval '30 days'"
    )

    async def told(conn: Connection) -> datetime:
        now = await hub_now(conn)
        first = measured.floor(now, DAY, measured.midnight(YINCHUAN, now)) - days * DAY
        for back in range(days + 1):
            await partitions.ensure(conn, now - back * DAY)
        for day in range(days):
            for hour in (3, 9, 15, 21) if day != gap else ():
                await say(
                    conn, first + day * DAY + hour * HOUR, watch, heart_rate_bpm=58 + hour, spo2_pct=95, steps=100,
                    temperature_c=36.6 if day == 1 else None, systolic_mmhg=131 if day == 1 else None,
                    diastolic_mmhg=79 if day == 1 else None,
                )  # fmt: skip
        await rolled(conn, now)
        return now

    world.run(told)


def address(world: World, span: str = "week") -> str:
    return f"/registry/residents/{world.residents['wang']}/measured?span={span}"


@pytest.mark.parametrize("span", ["week", "month", "year", "decade"])
def test_operator_sees_curves_with_their_table(li: httpx.Client, world: World, span: str) -> None:
    lived(world)
    page = li.get(address(world, span)).text
    for words in ("心率", "血氧", "血压（高压 / 低压）", "体温", "步数", "数值表"):
        assert words in page
    assert page.count('<svg class="curve"') == (5 if span in ("week", "decade") else 6), (
        "nights beside, where hours are kept"
    )
    shown = visible(page)
    assert "36.6" in shown
    assert "131 / 79" in shown


def test_gap_is_a_gap_and_a_day_with_one_pressure_is_a_dot(li: httpx.Client, world: World) -> None:
    lived(world)
    page = li.get(address(world, "month")).text
    pulse, pressure = (page.split(f"<figcaption>{name}", 1)[1].split("</figure>", 1)[0] for name in ("心率 ", "血压"))
    assert (pulse.count("<polyline"), pulse.count("<circle")) == (2, 0)
    assert (pressure.count("<polyline"), pressure.count("<circle")) == (0, 2)
    assert "31 段时间中 4 段有数据" in pulse


def test_nothing_measured_is_said_in_a_sentence(li: httpx.Client, world: World) -> None:
    page = li.get(address(world, "decade"))
    assert page.status_code == 200
    assert "这段时间没有测到数据" in page.text
    assert "<svg class" not in page.text
    assert li.get(address(world, "fortnight")).status_code == 200, "a span that is none is a week"


def test_every_look_is_in_the_access_log_and_the_record_itself_is_none(li: httpx.Client, world: World) -> None:
    record = li.get(f"/registry/residents/{world.residents['wang']}").text
    assert "测量记录" in record
    assert world.sql(LOOKS, r=world.residents["wang"]) == []
    li.get(address(world))
    assert world.sql(LOOKS, r=world.residents["wang"]) == [(world.people["li"], "measured: registry")]


def test_locked_record_asks_for_a_reason_first(li: httpx.Client, world: World) -> None:
    world.sql("update resident set locked = true where id = %(r)s", r=world.residents["wang"])
    answer = li.get(address(world))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/glass?resident={world.residents['wang']}")
    assert world.sql(LOOKS, r=world.residents["wang"]) == []
    assert li.get("/registry/residents/999999/measured").status_code == 404


@pytest.fixture
def son(world: World, console: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{console.url}{link(world)}", trust_env=False, timeout=20) as client:
        yield client


def test_family_sees_heart_rate_and_oxygen_where_she_agreed_and_nothing_else(world: World, son: httpx.Client) -> None:
    lived(world)
    path = f"/{world.residents['wang']}/measured"
    consent(world, "wang")
    assert son.get(path).status_code == 404, "agreed, and not to this"
    consent(world, "wang", scope="{family_health}")
    page = son.get(path, params={"span": "month"})
    assert page.status_code == 200
    shown = visible(page.text)
    assert "心率" in shown
    assert "95" in shown
    for other in ("血压", "体温", "步数", "呼吸", "离床", "夜间心率"):
        assert other not in shown
    assert world.sql(LOOKS, r=world.residents["wang"]) == [(world.people["son"], "measured: family")]
    consent(world, "wang", given=False)
    assert son.get(path).status_code == 404
    assert son.get(f"/{world.residents['zhang']}/measured").status_code == 404


def test_device_that_was_somebody_elses_tells_of_her_days_alone(li: httpx.Client, world: World) -> None:
    lived(world, gap=None)
    watch = world.devices["watch-wang"]
    ((now,),) = world.sql("select hub_now()")
    for back, whose in ((30, "zhang"), (2, "wang")):
        world.sql(
            "insert into device_event (device_id, at, actor, action, state, facts) values (%(d)s, %(at)s,"
            " 'device', 'bind', 'live', jsonb_build_object('resident', %(r)s::bigint))",
            d=watch, at=now - timedelta(days=back), r=world.residents[whose],
        )  # fmt: skip
    assert "31 段时间中 1 段有数据" in li.get(address(world, "month")).text
