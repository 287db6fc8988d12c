"""The check of the room that is left for the database, and of what the measurements take of it."""

import os

from hub.keeping.verdict import Patient, Verdict, doubt, ok, wrong
from hub.storage import folder
from hub.store import sizes

MEGABYTE = 1 << 20


async def storage(of: Patient) -> Verdict:
    """Free bytes of the database's disk beside the limits at which messages are turned away."""
    assert of.conn is not None, "the table says that it needs the database"
    taken = await _taken(of)
    place = await folder(of.conn)
    if place is None:
        return ok(f"its disk is another machine's: what the server says is believed; {taken}")
    told = os.statvfs(place)
    free = told.f_bavail * told.f_frsize
    said, limits = f"{free / 1e9:,.1f} GB free for it; {taken}", of.settings.ingest
    if free < limits.storage_short_mb * MEGABYTE:
        return wrong(f"{said}: telemetry is not taken")
    return doubt(f"{said}: raw bytes are not kept") if free < limits.storage_low_mb * MEGABYTE else ok(said)


async def _taken(of: Patient) -> str:
    assert of.conn is not None
    measured, wearers = await sizes.measure(of.conn), await sizes.wearers(of.conn)
    kind = "hypertables" if any(each.hypertable for each in measured) else "native partitions"
    a_day = {each.table: each.per_wearer_day(wearers) / 1e3 for each in measured}
    said, packed = a_day["telemetry"] + a_day["observation"], a_day["telemetry_packed"]
    return (
        kind + (f", {said:,.0f} kB a wearer-day" if said else "") + (f", put away {packed:,.1f} kB" if packed else "")
    )
