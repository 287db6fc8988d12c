"""Invented residents with watches and people who answer, for benchmarks and soak tests. Nobody here is real."""

from dataclasses import dataclass

from hub.store import devices
from hub.store.devices import Credential
from hub.store.pool import Connection

POLICY = """
[policy."测量"]
when = { kind = ["sos", "fall", "smoke", "gas", "water", "vitals"] }
repeat_last = "30s"
ack_expires = "5m"

[[policy."测量".step]]
notify = [ { role = "family", channels = ["webhook"] }, { role = "operator", channels = ["console"] } ]
wait = "20s"

[[policy."测量".step]]
notify = [ { role = "family", channels = ["webhook"] }, { role = "operator", channels = ["console"] } ]

[policy."其余"]
when = {}
repeat_last = "10m"
ack_expires = "30m"

[[policy."其余".step]]
notify = [ { role = "operator", channels = ["console"] } ]
"""


@dataclass(frozen=True, kw_only=True)
class Home:
    """One resident, her watch, and the relative who is called."""

    resident_id: int
    device_id: int
    person_id: int
    credential: Credential

    @property
    def watch(self) -> str:
        return self.credential.username


async def provision(conn: Connection, homes: int, webhook_url: str, prefix: str = "t") -> list[Home]:
    """Register `homes` residents, each with a watch and a relative reached at `webhook_url`/<person>."""
    made = []
    for number in range(homes):
        async with conn.transaction():
            made.append(await _home(conn, f"{prefix}{number:05d}", webhook_url))
    await conn.execute("select pg_notify('carehub_config', '')")
    return made


async def add_person(
    conn: Connection, name: str, role: str, login: str | None = None, password_hash: str | None = None
) -> int:
    """Register somebody who is on duty all year."""
    row = await (
        await conn.execute(
            "insert into person (name, role, login, password_hash, created_at)"
            " values (%s, %s, %s, %s, hub_now()) returning id",
            (name, role, login, password_hash),
        )
    ).fetchone()
    assert row is not None
    await conn.execute(
        "insert into shift (person_id, during)"
        " values (%s, tstzrange(hub_now() - interval '1 day', hub_now() + interval '365 days'))",
        row,
    )
    return int(row[0])


async def _home(conn: Connection, name: str, webhook_url: str) -> Home:
    row = await (
        await conn.execute(
            "insert into resident (name, area, address, created_at) values (%s, '测量', %s, hub_now()) returning id",
            (f"长者{name}", f"测量路{name}号"),
        )
    ).fetchone()
    assert row is not None
    resident = int(row[0])
    person = await add_person(conn, f"家属{name}", "family")
    await conn.execute(
        "insert into contact (person_id, channel, address) values (%s, 'webhook', %s)",
        (person, f"{webhook_url}/{person}"),
    )
    await conn.execute(
        "insert into care_circle (resident_id, person_id, relation, minutes_away) values (%s, %s, '女儿', 10)",
        (resident, person),
    )
    address = f"carehub:{name}"
    device = await devices.register(conn, address, resident_id=resident, room="", model="", deadline_s=None)
    credential = await devices.issue_credential(conn, name, "device", f"carehub/{name}/", device_id=device)
    return Home(resident_id=resident, device_id=device, person_id=person, credential=credential)
