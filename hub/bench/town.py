"""Invented residents with watches and people who answer, for benchmarks and soak tests. Nobody here is real."""

from dataclasses import dataclass

from hub.store import devices, people
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
    person = await people.add_person(conn, name, role, login=login, password_hash=password_hash)
    await people.cover(conn, person, days=365)
    return person


async def _home(conn: Connection, name: str, webhook_url: str) -> Home:
    resident = await people.add_resident(
        conn, people.Resident(name=f"长者{name}", area="测量", address=f"测量路{name}号")
    )
    person = await add_person(conn, f"家属{name}", "family")
    await people.set_contact(conn, person, "webhook", f"{webhook_url}/{person}")
    await people.set_circle(conn, resident, person, relation="女儿", minutes_away=10)
    address = f"carehub:{name}"
    device = await devices.register(conn, address, resident_id=resident)
    credential = await devices.issue_credential(conn, name, "device", f"carehub/{name}/", device_id=device)
    return Home(resident_id=resident, device_id=device, person_id=person, credential=credential)
