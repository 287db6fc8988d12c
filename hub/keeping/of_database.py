"""Checks of the database: it answers, is of a release we know, keeps its promises, and has our schema."""

from datetime import UTC, datetime

import psycopg

from hub import sealed
from hub.keeping.verdict import Patient, Verdict, doubt, ok, wrong
from hub.store import sealing
from hub.store.pool import migrations
from hub.store.sql import queries

Q = queries("doctor")
ACCESS = queries("access")
RELEASES = range(15, 19)
CLOCK_DOUBT_S, CLOCK_WRONG_S = 2.0, 10.0
PROMISES = ("fsync", "full_page_writes", "synchronous_commit")
LOG_MUCH = 2.0  # times max_wal_size
HELD_MUCH = 1 << 30  # by a slot that nobody uses
CONNECTIONS_MOST = 0.85
GIGABYTE = 1e9


async def answers(of: Patient) -> Verdict:
    if of.conn is None:
        return wrong(of.refused or "it does not answer")
    at = await of.row(Q.server)
    said = f"PostgreSQL {at['version'] // 10000}.{at['version'] % 10000}, {at['bytes'] / GIGABYTE:,.2f} GB"
    if at["version"] // 10000 not in RELEASES:
        return wrong(f"{said}: not between {RELEASES[0]} and {RELEASES[-1]}", "use a release of PostgreSQL we know")
    return ok(f"{said}, {at['connections']} of {at['most']} connections")


async def promises(of: Patient) -> Verdict:
    """What every acknowledgement stands on."""
    at = await of.row(Q.server)
    off = [name for name in PROMISES if at[name] != "on"]
    return wrong(f"off: {', '.join(off)}") if off else ok(f"{', '.join(PROMISES)} on")


async def sealed_fields(of: Patient) -> Verdict:
    """Whether everything that is sealed opens with the keys that lie here."""
    assert of.conn is not None
    sealed.use(of.run_dir)
    try:
        ring = sealed.ring()
    except sealed.SealError as err:
        return wrong(str(err))
    found = await sealing.census(of.conn)
    if lost := found.lost(ring.keys):
        return wrong(f"{lost} door codes and notes were sealed with a key that is not here")
    if not ring.current:
        return doubt("there is no key: no door code can be written", "carehub seal init")
    if found.plain:
        return doubt(f"{found.plain} door codes and notes stand plain", "carehub seal plain, once every console is new")
    return ok(f"{sum(found.by_key.values())} door codes and notes open with the keys here")


async def web_role(of: Patient) -> Verdict:
    """Whether the pages of organisations' people can act as the role that binds them to their own."""
    at = await of.row(ACCESS.web_role)
    if not at["there"]:
        return wrong("there is no role carehub_web: nobody of an organisation sees a page")
    if not at["member"]:
        return wrong("the hub's database user may not act as carehub_web")
    return wrong("carehub_web signs in, or sees past its rows") if at["loose"] else ok("carehub_web, bound by its rows")


async def zone(of: Patient) -> Verdict:
    said = str((await of.row(Q.server))["zone"])
    return ok(said) if said in ("UTC", "Etc/UTC") else doubt(f"{said}; times are stored with their zone all the same")


async def clock(of: Patient) -> Verdict:
    """The database's clock beside this machine's, and whether the hub's time is set by hand."""
    at = await of.row(Q.server)
    if abs((at["hub_at"] - at["at"]).total_seconds()) > 1:
        return wrong("the hub's time is set by hand, as in a test", "delete from clock;")
    off_s = (at["at"] - datetime.now(UTC)).total_seconds()
    said = f"{abs(off_s):.1f} s {'ahead of' if off_s > 0 else 'behind'} this machine"
    return wrong(said) if abs(off_s) > CLOCK_WRONG_S else doubt(said) if abs(off_s) > CLOCK_DOUBT_S else ok(said)


async def schema(of: Patient) -> Verdict:
    """The migrations that ran there, beside those of this release."""
    if not next(iter((await of.row(Q.schema_there)).values())):
        return wrong("no schema: nothing of carehub ran there")
    ran = {row["name"]: row["sha256"] for row in await of.rows(Q.ran)}
    ours = migrations()
    if other := [name for name, digest in ours.items() if ran.get(name, digest) != digest]:
        return wrong(f"{other[0]} ran with another text", "this database is another release's: use that, or its backup")
    if missing := [name for name in ours if name not in ran]:
        return wrong(f"{len(missing)} migrations have not run, the first is {missing[0]}")
    if newer := sorted(set(ran) - set(ours)):
        return doubt(f"a later release ran {newer[-1]}", "upgrade this one; until then both work")
    return ok(f"{len(ran)} migrations, the last is {max(ran)}")


async def log(of: Patient) -> Verdict:
    """How much of the log the server keeps: what nobody fetches fills its disk."""
    try:
        kept = await of.row(Q.log_kept)
    except psycopg.errors.InsufficientPrivilege:
        return doubt("the hub's database user is not told of it", "as a superuser: grant pg_monitor to the hub's user")
    said = f"{kept['bytes'] / GIGABYTE:,.2f} GB of log"
    if kept["idle"] and kept["held_bytes"] > HELD_MUCH:
        return wrong(
            f"{said}; {kept['idle']} holds {kept['held_bytes'] / GIGABYTE:,.1f} GB back and nobody fetches it",
            "start `carehub backup --follow` again, or: select pg_drop_replication_slot('…')",
        )
    if kept["bytes"] > LOG_MUCH * kept["limit_bytes"]:
        return doubt(f"{said}, max_wal_size is {kept['limit_bytes'] / GIGABYTE:,.1f} GB")
    if kept["slot_limit"] == "-1" and of.settings.backup.to:
        advice = "alter system set max_slot_wal_keep_size = '8GB'"
        return doubt(f"{said}; an archive that stands still could fill the disk", advice)
    return ok(said)


async def connections(of: Patient) -> Verdict:
    at = await of.row(Q.server)
    said = f"{at['connections']} of {at['most']}"
    return wrong(said) if at["connections"] > CONNECTIONS_MOST * at["most"] else ok(said)
