"""A district's devices in a bad week, written straight into the tables that supervision keeps."""

import random
from datetime import timedelta

import psycopg

from tests.integration.web.world import World

GATEWAYS = (("z2m:peace-7/zigbee2mqtt/bridge", "said", 34), ("lorawan:gateway/24e124fffef01c55", None, 26))
SENSORS = ("SOS", "客厅门磁", "卫生间水浸", "卧室人体", "烟感")
MODELS = {
    "SOS": "TS0215A",
    "客厅门磁": "MCCGQ11LM",
    "卫生间水浸": "SJCGQ11LM",
    "卧室人体": "RTCGQ11LM",
    "烟感": "JTYJ-GD",
}
LEAGUE = (
    # model, presses, again, unanswered, trials, failed, silent
    ("TS0215A", 212, 41, 3, 40, 6, 2),
    ("Milesight WS101", 148, 11, 1, 26, 1, 0),
    ("SG-20", 391, 22, 7, 51, 1, 1),
    ("CW-1", 640, 19, 9, 88, 0, 1),
    ("Eview EV-07B", 77, 4, 0, 12, 0, 0),
    ("PBTZB-110", 9, 2, 0, 4, 0, 0),
)


def bad_week(world: World) -> None:
    """Seventy devices behind two gateways, one of which is down; silent ones, batteries that end, visits."""
    chance = random.Random(7)  # the same picture every time
    with psycopg.connect(world.dsn, autocommit=True) as conn:
        homes = [row[0] for row in conn.execute("select id from resident where not canary order by id").fetchall()]
        (now,) = conn.execute("select hub_now()").fetchone() or (None,)
        assert now is not None
        devices: list[int] = []

        def device(address: str, model: str, room: str, home: int) -> int:
            row = conn.execute(
                "insert into device (address, model, room, resident_id, state, created_at, bound_at) values"
                " (%s, %s, %s, %s, 'live', hub_now() - interval '90 days', hub_now() - interval '90 days')"
                " returning id",
                (address, model, room, home),
            ).fetchone()
            assert row is not None
            devices.append(row[0])
            return int(row[0])

        gateways = [device(address, "gateway", "", homes[0]) for address, _, _ in GATEWAYS]
        behind: list[list[int]] = [[], []]
        for number in range(GATEWAYS[0][2]):
            name = SENSORS[number % len(SENSORS)]
            flat = f"{number // len(SENSORS) + 1}01"
            found = device(f"z2m:peace-7/zigbee2mqtt/{flat} {name}", MODELS[name], name, chance.choice(homes))
            behind[0].append(found)
        for number in range(GATEWAYS[1][2]):
            eui = f"24e124136c0{number:05x}"
            behind[1].append(device(f"lorawan:{eui}", "Milesight WS101", "床头", chance.choice(homes)))
        watches = [device(f"watch3g:88000{n:05}", "SG-20", "", chance.choice(homes)) for n in range(10)]
        (loss,) = conn.execute(
            "insert into gateway_loss (gateway, device_id, why, began_at, found_at, members, silent) values"
            " (%s, %s, 'said', %s, %s, 34, 0) returning id",
            (GATEWAYS[0][0], gateways[0], now - timedelta(hours=3, minutes=12), now - timedelta(hours=3, minutes=9)),
        ).fetchone() or (0,)
        for one in behind[0][:11]:
            conn.execute(
                "insert into device_silence (device_id, since, found_at, loss_id) values (%s, %s, %s, %s)",
                (one, now - timedelta(hours=26), now - timedelta(hours=1), loss),
            )
        for one, hours in ((watches[2], 2.1), (watches[7], 19), (behind[1][4], 31)):
            conn.execute(
                "insert into device_silence (device_id, since, found_at) values (%s, %s, %s)",
                (one, now - timedelta(hours=hours), now - timedelta(hours=hours / 2)),
            )
        levels = ((behind[0][0], 9, 4), (behind[0][5], 14, 9), (behind[1][3], 22, 15), (behind[1][9], 31, 26))
        for one, level, days in levels:
            conn.execute(
                "insert into device_battery (device_id, level_pct, at, forecast, flat_on, stale) values"
                " (%s, %s, %s, 'falling', %s, false)",
                (one, level, now, (now + timedelta(days=days)).date()),
            )
        for one, level, verdict in ((watches[1], 17, "charged"), (behind[0][12], 19, "too_little")):
            conn.execute(
                "insert into device_battery (device_id, level_pct, at, forecast, stale) values (%s, %s, %s, %s, false)",
                (one, level, now, verdict),
            )
        for back in range(7):
            conn.execute(
                "insert into device_day (device_id, day, battery_pct, worn_min) values (%s, %s, %s, %s)",
                (watches[1], (now - timedelta(days=back)).date(), 40, 60 * chance.uniform(8, 15)),
            )
        for one, due, status in ((behind[0][0], -1, "open"), (behind[0][5], 3, "open"), (behind[1][3], -8, "done")):
            conn.execute(
                "insert into visit (device_id, resident_id, reason, booked_at, due, status, done_at, done_by, note)"
                " select id, resident_id, 'battery', %s, %s, %s, %s, %s, %s from device where id = %s",
                (now - timedelta(days=6), (now + timedelta(days=due)).date(), status,
                 now - timedelta(days=9) if status == "done" else None,
                 f"person:{world.people['li']}" if status == "done" else None,
                 "换了 CR2477" if status == "done" else "", one),
            )  # fmt: skip
        for model, *counts in LEAGUE:
            conn.execute(
                "insert into first_attempt (day, model, area, presses, again, unanswered, trials, trials_failed,"
                " trials_silent) values (%s, %s, '和平社区', %s, %s, %s, %s, %s, %s)",
                ((now - timedelta(days=3)).date(), model, *counts),
            )
