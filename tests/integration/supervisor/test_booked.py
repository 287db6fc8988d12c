"""Work nobody has to think of: a silent device, the end of a month, a battery: booked once, closed with its visit."""

from hub.store import work_orders
from hub.store.pool import Connection, hub_now
from tests.integration.supervisor.busy_month import busy_month
from tests.integration.supervisor.duty_log import CHINA, DutyLog


def booked(log: DutyLog) -> list[tuple[object, ...]]:
    async def now(conn: Connection) -> None:
        await work_orders.book(conn, await hub_now(conn), CHINA)

    log.world.run(now)
    return log.world.sql("select source, kind, due::text from work_order where ended_at is null order by id")


def test_resident_not_reached_and_silent_device_are_booked_once(october: DutyLog) -> None:
    log = busy_month(october)
    sun = log.world.residents["sun"]
    month = (f"month:{sun}:2026-10", "visit", "2026-10-31")
    assert booked(log) == [month]
    ((number,),) = log.world.sql(
        "insert into device_silence (device_id, since, found_at)"
        " values (%(d)s, hub_now() - interval '25 hours', hub_now()) returning id", d=log.world.devices["watch-he"],
    )  # fmt: skip
    log.world.sql(
        "insert into device_silence (device_id, since, found_at)"
        " values (%(d)s, hub_now() - interval '23 hours', hub_now())",
        d=log.world.devices["watch-zhang"],
    )  # fmt: skip
    silent = (f"silence:{number}", "silence", "2026-11-02")
    assert booked(log) == [month, silent]
    assert booked(log) == [month, silent], "looking again books nothing twice"


def test_visit_for_a_battery_is_done_when_its_order_was_checked(october: DutyLog) -> None:
    october.at(6, "09:00")
    ((visit,),) = october.world.sql(
        "insert into visit (device_id, resident_id, reason, booked_at, due) values (%(d)s, %(r)s, 'battery', hub_now(),"
        " '2026-10-13') returning id", d=october.world.devices["watch-he"], r=october.world.residents["he"],
    )  # fmt: skip
    assert booked(october) == [(f"visit:{visit}", "battery", "2026-10-13")]
    ((order,),) = october.world.sql("select id from work_order")
    li, ma = (f"person:{october.world.people[short]}" for short in ("li", "ma"))

    async def gone(conn: Connection) -> None:
        await work_orders.move(conn, order, "assign", li, assignee=october.world.people["worker"])
        for verb in ("accept", "arrive", "finish"):
            await work_orders.move(conn, order, verb, li, words="换了电池")
        assert await work_orders.move(conn, order, "check", ma, words="设备已上线") == "checked"

    october.world.run(gone)
    worker = f"person:{october.world.people['worker']}"
    assert october.world.sql("select status, done_by, note from visit") == [("done", worker, "设备已上线")]
    assert booked(october) == [], "and nothing is booked for it again"
