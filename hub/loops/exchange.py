"""Brings platforms of the authorities what they are owed: found by digest, numbered, sent in order, compared daily."""

import asyncio
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter

from hub.api import neutral, signing
from hub.api.adapters import ADAPTERS, Adapter, PlatformError
from hub.api.outgoing import Guard, Outgoing
from hub.api.settings import ApiSettings
from hub.config import Settings
from hub.loops.events import pause
from hub.loops.turns import take_turns
from hub.store import exchange as store
from hub.store.console import Row
from hub.store.exchange import Reconciled
from hub.store.pool import Connection, hub_now

LOOKED_AT_ONCE = (
    500  # subjects of each kind, digested in one turn: a hundred thousand residents take a quarter of an hour
)
SENT_AT_ONCE = 100
EVENTS_AT_ONCE = 2_000
HOUR = 4  # of the district's day: compared from then on
RECORDS = Counter("carehub_exchange_records_total", "Records brought to platforms, by what became of them", ["outcome"])
log = structlog.get_logger()


@dataclass(kw_only=True)
class ExchangeLoop:
    """Works until cancelled; of several one works and the others wait."""

    dsn: str
    out: Outgoing
    settings: ApiSettings
    zone: ZoneInfo
    key: str = field(repr=False)
    _after: dict[tuple[int, str], int] = field(default_factory=dict)  # how far each kind was looked through

    @classmethod
    def of(cls, settings: Settings) -> "ExchangeLoop":
        return cls(
            dsn=settings.database.dsn, out=Outgoing(Guard(private=settings.api.private_networks)),
            settings=settings.api, zone=ZoneInfo(settings.console.zone), key=settings.secrets.link_key,
        )  # fmt: skip

    async def run(self) -> None:
        if not self.key:
            await asyncio.Event().wait()  # the events' loop has said why
        async with self.out:
            await take_turns(
                self.dsn, "exchange", self.once, every_s=self.settings.exchange_every_s, alone=store.alone,
                forget=self._after.clear,
            )  # fmt: skip

    async def once(self, conn: Connection) -> bool:
        """One turn for each platform; True: somebody is owed more."""
        more = False
        for platform in await store.platforms(conn, active=True):
            try:
                more |= await self._serve(conn, platform)
            except neutral.MappingError as err:
                log.error("exchange_mapping", platform=platform["name"], error=str(err))
        await conn.execute(store.Q.sweep, {"days": self.settings.keep_days, "limit": store.SWEPT_AT_ONCE})
        return more

    async def _serve(self, conn: Connection, platform: Row) -> bool:
        mapping = neutral.read(platform["mapping"])
        adapter = adapter_of(platform, self.out, self.key)
        for kind in (one for one in store.READ if one in mapping):
            await self._look(conn, platform, kind, mapping[kind])
        if "incident" in mapping:
            await _ended(conn, platform, mapping["incident"])
        try:
            more = await send(conn, platform, mapping, adapter)
            now = (await hub_now(conn)).astimezone(self.zone)
            last: date | None = platform["reconciled_on"]
            if now.hour >= HOUR and (last is None or last < now.date()):
                await reconcile(conn, platform, mapping, adapter, now.date())
        except PlatformError as err:
            log.warning("platform_not_reached", platform=platform["name"], why=str(err))
            return False
        return more

    async def _look(self, conn: Connection, platform: Row, kind: str, how: neutral.Kind) -> None:
        """Digest the next few of a kind, and owe those that are new, other than before, or gone."""
        place = (platform["id"], kind)
        after = self._after.get(place, 0)
        found = await store.neutral(conn, kind, platform["areas"], after=after, limit=LOOKED_AT_ONCE)
        through = found[-1][0] if len(found) == LOOKED_AT_ONCE else 2**63 - 1
        await _owe_changed(conn, platform, kind, how, found)
        gone = await store.gone(
            conn, platform["id"], kind, after=after, through=through, ids=[number for number, _ in found]
        )
        await store.owe(conn, platform["id"], kind, dict.fromkeys(gone, ""))
        self._after[place] = through if len(found) == LOOKED_AT_ONCE else 0


def adapter_of(platform: Row, out: Outgoing, key: str) -> Adapter:
    """Return what speaks to this platform."""
    # Whoever was told the key of the release before finds his signature beside the new one.
    given = (signing.platform(key, platform["salt"]), signing.secret(key, "exchange", platform["salt"]))
    return ADAPTERS[platform["adapter"]](name=platform["name"], url=platform["url"].rstrip("/"), keys=given, out=out)


async def _owe_changed(
    conn: Connection, platform: Row, kind: str, how: neutral.Kind, found: list[tuple[int, dict[str, Any]]]
) -> None:
    digests = {number: neutral.digest(neutral.told(how, body)) for number, body in found}
    known = await store.known(conn, platform["id"], kind, list(digests))
    changed = {number: sha256 for number, sha256 in digests.items() if known.get(number) != sha256}
    await store.owe(conn, platform["id"], kind, changed)


async def _ended(conn: Connection, platform: Row, how: neutral.Kind) -> None:
    """Owe cases that have just ended, before their turn comes round."""
    through, ids = await store.ended_since(conn, platform["event_mark"], EVENTS_AT_ONCE)
    if ids:
        found = await store.neutral(conn, "incident", platform["areas"], ids=ids, limit=EVENTS_AT_ONCE)
        await _owe_changed(conn, platform, "incident", how, found)
    if through != platform["event_mark"]:
        await conn.execute(store.Q.mark_events, {"platform": platform["id"], "through": through})


async def send(conn: Connection, platform: Row, mapping: neutral.Mapping_, adapter: Adapter) -> bool:
    """Bring the next records, in their order; True: there are more.

    Raises:
        PlatformError: They are not known to have arrived; they go again.
    """
    due = await store.due(conn, platform["id"], SENT_AT_ONCE)
    if not due or due[0]["rests"]:
        return False
    records = await _compose(conn, platform, mapping, due)
    if not records:
        return True  # all of them have changed meanwhile, and are owed anew
    numbers = [one["number"] for one in records]
    try:
        said = await adapter.send(records)
    except PlatformError as err:
        again = pause(due[0]["attempts"] + 1, err.again_s)
        await store.missed(conn, platform["id"], numbers, str(err), again)
        RECORDS.labels("missed").inc(len(numbers))
        raise
    ours = set(numbers)
    refused = {one.number: one.why or "refused" for one in said.refused if one.number in ours}
    taken = [number for number in said.acknowledged if number in ours and number not in refused]
    await store.answered(conn, platform["id"], taken, refused)
    if silent := sorted(ours - refused.keys() - set(taken)):
        again = pause(due[0]["attempts"] + 1)
        await store.missed(conn, platform["id"], silent, "neither acknowledged nor refused", again)
    RECORDS.labels("acknowledged").inc(len(taken))
    RECORDS.labels("refused").inc(len(refused))
    log.info("exchanged", platform=platform["name"], acknowledged=len(taken), refused=len(refused), silent=len(silent))
    return not silent


async def _compose(conn: Connection, platform: Row, mapping: neutral.Mapping_, due: list[Row]) -> list[dict[str, Any]]:
    """Read what each record says now; one that says something else by now is owed anew under its new digest."""
    bodies: dict[tuple[str, int], dict[str, Any]] = {}
    for kind in {one["kind"] for one in due if one["kind"] in mapping}:
        ids = [one["subject"] for one in due if one["kind"] == kind]
        found = await store.neutral(conn, kind, platform["areas"], ids=ids, limit=len(ids))
        bodies |= {(kind, number): neutral.told(mapping[kind], body) for number, body in found}
    records = []
    for one in due:
        body = bodies.get((one["kind"], one["subject"]))
        sha256 = "" if body is None else neutral.digest(body)
        if sha256 != one["sha256"]:
            await store.owe(conn, platform["id"], one["kind"], {one["subject"]: sha256})
            continue
        how = mapping.get(one["kind"])
        records.append({
            "number": one["number"], "kind": how.name if how else one["kind"], "id": one["subject"], "sha256": sha256,
            "withdrawn": body is None, "body": body,
        })  # fmt: skip
    return records


async def reconcile(
    conn: Connection, platform: Row, mapping: neutral.Mapping_, adapter: Adapter, day: date
) -> list[Reconciled]:
    """Compare what we count with what the platform does, list what differs, and owe that again."""
    theirs = await adapter.counts()
    told = []
    for kind, how in mapping.items():
        ours, ours_sha256 = await store.counted(conn, platform["id"], kind)
        count = theirs.get(how.name)
        same = count is not None and (count.count, count.sha256) == (ours, ours_sha256)
        differences = [] if same else await _differences(conn, platform, kind, await adapter.held(how.name))
        one = Reconciled(
            kind=kind, ours=ours, ours_sha256=ours_sha256, differences=differences,
            theirs=count.count if count else None, theirs_sha256=count.sha256 if count else None,
        )  # fmt: skip
        async with conn.transaction():
            await _owe_again(conn, platform, kind, differences)
            await store.reconciled(conn, platform["id"], day, one, len(differences))
        told.append(one)
    await conn.execute(store.Q.reconciled_all, {"platform": platform["id"], "day": day})
    differ = {one.kind: len(one.differences) for one in told if one.differences}
    (log.warning if differ else log.info)("exchange_reconciled", platform=platform["name"], day=str(day), differ=differ)
    return told


async def _differences(conn: Connection, platform: Row, kind: str, theirs: dict[int, str]) -> list[tuple[int, str]]:
    ours = await store.held(conn, platform["id"], kind)
    under_way = {
        one["subject"] for one in await store.rows(conn, store.Q.waiting_subjects, platform=platform["id"], kind=kind)
    }
    found = [(number, "missing") for number in ours.keys() - theirs.keys()]
    found += [(number, "extra") for number in theirs.keys() - ours.keys()]
    found += [(number, "other") for number in ours.keys() & theirs.keys() if ours[number] != theirs[number]]
    return sorted(one for one in found if one[0] not in under_way)


async def _owe_again(conn: Connection, platform: Row, kind: str, differences: list[tuple[int, str]]) -> None:
    ids = [number for number, what in differences if what != "extra"]
    found = await store.rows(conn, store.Q.current, platform=platform["id"], kind=kind, ids=ids)
    again = {one["subject"]: one["sha256"] for one in found}
    again |= {number: "" for number, what in differences if what == "extra"}
    await store.owe(conn, platform["id"], kind, again, "differs")
