"""Years of a resident as the roll-up keeps them, with gaps: written where they lie, since no test lives for years."""

from datetime import datetime

from hub.store import measured, partitions
from hub.store.partitions import DAY, HOUR
from hub.store.pool import Connection, hub_now
from tests.integration.storage.days import YINCHUAN
from tests.integration.web.world import World

SIGNS = {
    "heart_rate": ("62 + 9 * sin(x / 4.0) + 4 * sin(x / 31.0)", 11), "spo2": ("96.4 + sin(x / 9.0)", 2),
    "temperature": ("36.5 + 0.2 * sin(x / 5.0)", 0.3), "systolic": ("134 + 8 * sin(x / 23.0)", 6),
    "diastolic": ("78 + 5 * sin(x / 19.0)", 4), "respiration": ("16 + 2 * sin(x / 7.0)", 3),
}  # fmt: skip
GAPS = "x %% 47 < 41 and not x between 60 and 75"
SELDOM = "x %% 3 = 0"  # blood pressure


STEPS = "case when extract(hour from at) < 14 or %(size)s = '1 day' then (400 + 300 * sin(x / 3.0))::int else 0 end"


async def _write(conn: Connection, view: str, first: datetime, count: int, device: int) -> None:
    columns = ["device_id", "arrived", "day", "messages", "worn", "off", "steps", "battery_least"]
    values = ["%(device)s", "at", "date_bin('1 day', at, %(midnight)s)", "60", "60", "0", STEPS, "80"]
    for name, (mean, spread) in SIGNS.items():
        seldom = f"case when {SELDOM} then 1 else 0 end" if name.endswith("tolic") else "60"
        columns += [f"{name}_n", f"{name}_least", f"{name}_most", f"{name}_sum"]
        values += [seldom, f"{mean} - {spread}", f"least({mean} + {spread}, 200)", f"({mean}) * ({seldom})"]
    text = (
        f"insert into measured_{view}_rolled ({', '.join(columns)}) select {', '.join(values)} from"
        f" (select x, %(first)s::timestamptz + x * %(size)s::interval as at from generate_series(0, %(count)s) x) s"
        f" where {GAPS}"
    )
    about = {"device": device, "first": first, "count": count, "size": f"1 {view}", "midnight": first}
    await conn.execute(text.encode(), about)


def years(world: World, *, days: int = 1500) -> None:
    """Wang has worn her watch for four years, and put it aside at times; her bed tells of some nights."""
    device = world.devices["watch-wang"]
    world.sql(
        "update device set bound_at = hub_now() - interval '11 years', created_at = hub_now() - interval '11 years'"
        " where id = %(d)s", d=device,
    )  # fmt: skip

    async def written(conn: Connection) -> None:
        now = await hub_now(conn)
        today = measured.floor(now, DAY, measured.midnight(YINCHUAN, now))
        for back in range(0, days + 91, 90):
            await partitions.piece(conn, partitions.DAYS, now - back * DAY)
        for back in range(0, 47, 7):
            await partitions.piece(conn, partitions.HOURS, now - back * DAY)
        await _write(conn, "day", today - days * DAY, days - 1, device)
        first = today - 40 * DAY
        await _write(conn, "hour", first, (now - first) // HOUR - 1, device)
        await conn.execute(
            "insert into home_day (resident_id, day, movements, openings, bed_out_min) select %s,"
            " current_date - x, 1, 1, 12 + x %% 30 from generate_series(1, 25) x where x %% 6 <> 0",
            (world.residents["wang"],),
        )

    world.run(written)
