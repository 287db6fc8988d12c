"""A busy October: eight calls, orders, visits, purchases and a week of wearing, for pages and reports to tell."""

from datetime import date, timedelta

from hub.store import work_orders
from hub.store.pool import Connection, hub_now
from tests.integration.supervisor.duty_log import CHINA, DutyLog

CALLS = (  # day, time, device, kind, severity, answered after s, at the door after min, ending
    (2, "02:14", "watch-wang", "fall", 1, 22, 18, "lifted"),
    (5, "08:40", "button-liu", "sos", 1, 41, None, "reassured"),
    (8, "21:05", "watch-he", "vitals", 2, 58, 31, "hospital"),
    (11, "13:30", "button-wang", "sos", 1, 74, 52, "found_well"),
    (15, "03:20", "watch-zhang", "sos", 1, 15, None, "accidental"),
    (19, "17:45", "watch-wang", "fall", 1, 33, 47, "lifted"),
    (23, "06:10", "watch-he", "sos", 1, 190, None, "accidental"),
)


def busy_month(log: DutyLog) -> DutyLog:
    """Play it, and leave the clock on the last evening of the month, with one call that nobody answered."""
    for day, clock, device, kind, severity, answered, door, ending in CALLS:
        area = "光明社区" if device == "button-liu" else "和平社区"
        case = log.at(day, clock).press(device, kind, severity, area=area)
        log.later(answered).take(case)
        if door is not None:
            log.later(2).send(case, "guard")
            log.later(10).says(case, "guard", "accept")
            log.later(door * 60 - answered - 12).says(case, "guard", "arrived")
        log.later(90).resolve(case, "voice" if door is None else "scene")
        log.later(30).close(case, ending)
    log.at(31, "20:00").press("watch-zhang")
    _wear(log)
    _visits(log)
    _money(log)
    log.later(600).read()
    log.world.run(_book)
    return log


async def _book(conn: Connection) -> None:
    await work_orders.book(conn, await hub_now(conn), CHINA)


def _wear(log: DutyLog) -> None:
    for back in range(20):
        log.world.sql(
            "insert into device_day (device_id, day, worn_min) values (%(d)s, %(day)s, %(m)s)",
            d=log.world.devices["watch-wang"], day=date(2026, 10, 31) - timedelta(days=back), m=900 if back % 4 else 20,
        )  # fmt: skip


def _visits(log: DutyLog) -> None:
    log.world.resident("sun", "孙桂兰", born=date(1948, 2, 9), address="和平里 1 号楼 1 单元 101", ability="自理")
    for short, reason in (
        ("sun", "alone"),
        ("wang", "alone"),
        ("liu", "empty_nest"),
        ("he", "disabled"),
        ("zhang", "hardship"),
    ):
        log.world.sql(
            "insert into visiting (resident_id, since, reason, entered_by, entered_at)"
            " values (%(r)s, '2026-09-01', %(w)s, 'hub', hub_now())", r=log.world.residents[short], w=reason,
        )  # fmt: skip
    log.world.sql("update resident set ability = '失能' where name = '何玉兰'")


def _money(log: DutyLog) -> None:
    for item, fen, invoice in (
        ("电动护理床", 1_280_000, "26312000000001"), ("智能手表", 69_900, "26312000000002"), ("坐便椅", 35_000, ""),
        ("卫生间改造", 560_000, "26312000000003"),
    ):  # fmt: skip
        log.world.sql(
            "insert into purchase (resident_id, scheme, item, price_fen, invoice, bought_on, entered_by, entered_at)"
            " values (%(r)s, 'renewal', %(i)s, %(p)s, %(n)s, '2026-10-09', 'hub', hub_now())",
            r=log.world.residents["wang"], i=item, p=fen, n=invoice,
        )  # fmt: skip
