"""What an installer's page finds: which device stands before him, whose it may become, what he was at."""

from datetime import timedelta

from hub import adapters
from hub.errors import HubError
from hub.store import device_life, devices
from hub.store.console import Row, row, rows
from hub.store.pool import Connection, hub_now
from hub.store.sql import as_number, queries

Q = queries("installs")
SHIFT_HOURS = 12  # what somebody did in this shift is his to go on with
LOOKED_AT, CANDIDATES = 300, 12
FOUND = 8
SHORTEST = 4  # letters of the end of a number
HEARD_WITHIN = timedelta(days=1)


class StrangeAddressError(HubError):
    """No grammar of ours speaks to such an address."""


async def bounds_of(conn: Connection, person_id: int) -> tuple[str, frozenset[str] | None]:
    """Return the area somebody installs in, and the areas that his organisation serves; None: he is the centre's."""
    found = await row(conn, Q.area, person=person_id)
    if found is None:
        return "", None
    return str(found["area"]), None if found["areas"] is None else frozenset(found["areas"])


async def candidates(conn: Connection) -> list[Row]:
    """Return devices nobody has claimed, the last heard first: id, address, model, pressed_at, heard_at."""
    since = await hub_now(conn) - HEARD_WITHIN
    return await rows(conn, Q.candidates, since=since, looked_at=LOOKED_AT, limit=CANDIDATES)


async def find(conn: Connection, word: str) -> list[Row]:
    """Return the devices meant by an address, IMEI, devEUI or serial number: id, address, model, state."""
    return await rows(conn, Q.find, word=word, shortest=SHORTEST, limit=FOUND)


async def residents(conn: Connection, word: str, area: str, areas: frozenset[str] | None = None) -> list[Row]:
    """Return whom a name, an address or a number may mean: id, name, area, address."""
    if not word:
        return []
    return await rows(
        conn, Q.residents, word=word, number=as_number(word), area=area, areas=_listed(areas), limit=FOUND
    )


async def resident(conn: Connection, resident_id: int, area: str, areas: frozenset[str] | None = None) -> Row | None:
    """Return a resident whom somebody of this area may install for."""
    return await row(conn, Q.resident, resident=resident_id, area=area, areas=_listed(areas))


def _listed(areas: frozenset[str] | None) -> list[str] | None:
    return None if areas is None else sorted(areas)


async def last_given(conn: Connection, actor: str, area: str, areas: frozenset[str] | None = None) -> Row | None:
    """Return the resident to whom he gave a device last in this shift."""
    found = await row(conn, Q.last_given, actor=actor, hours=SHIFT_HOURS)
    return await resident(conn, found["resident"], area, areas) if found else None


async def mine(conn: Connection, actor: str) -> list[Row]:
    """Return what he was at in this shift, the last first."""
    return await rows(conn, Q.mine, actor=actor, hours=SHIFT_HOURS, limit=CANDIDATES)


async def enrol(conn: Connection, address: str, model: str, actor: str) -> int:
    """Make a device known that has not spoken yet, as its label names it; returns its number.

    Raises:
        StrangeAddressError: No grammar of ours speaks to such an address.
    """
    found = await row(conn, Q.by_address, address=address)
    if found is not None:
        return int(found["id"])
    scheme, colon, native = address.partition(":")
    if not colon or not native or adapters.of(address) is None or set(native) & set("+#\0\n"):
        raise StrangeAddressError(f"{scheme} names no kind of device we know")
    number = await devices.register(conn, address, model=model)
    await device_life.note_registered(conn, number, actor)
    return number
