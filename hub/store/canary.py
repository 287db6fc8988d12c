"""The canary: a resident, a device and an operator who are nobody, called every minute so that a broken way is found.

They meet no real person: whom a roster offers has the same canary flag as the resident. Her incidents open with a rule
of their own whatever is published, are no part of any figure, and are let go after some days. Decision 6 says why.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from alerts.model import Role
from alerts.policy import EscalationPolicy, PolicySet, Rung, Step, Target, When
from hub.errors import HubError
from hub.store import devices, people
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("canary")
STAGES = ("console", "connect", "puback", "received", "page", "shown", "closed")  # of her way, in order
AREA = "~canary"  # no area of a service begins so; the rules below are for it alone
NAME = "金丝雀 canary"
LOGIN = "carehub-canary"
DEVICE_NAME = "carehub-canary"
DEVICE = f"carehub:{DEVICE_NAME}"
PREFIX = f"carehub/{DEVICE_NAME}/"
KEPT = timedelta(days=3)  # 4,320 rounds: enough to look back over a weekend
LET_GO_AT_ONCE = 50  # old incidents a round lets go of: more than come in meanwhile
REGISTER_LOCK = 0x0CA4A
PLAY_LOCK = 0x0CA4B

RULES = EscalationPolicy(
    name=AREA,
    when=When(areas=frozenset({AREA})),
    steps=(Step(notify=(Target(role=Role.OPERATOR, channels=(Rung(channel="mqtt"), Rung(channel="console"))),)),),
    repeat_last=timedelta(seconds=60),
)


class CanaryTakenError(HubError):
    """Something of the canary's, `what`, belongs to a real person."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the {what} is a real person's: rename it, or set audit.canary = false")
        self.what = what


@dataclass(frozen=True, kw_only=True)
class Canary:
    """Who they are in this database."""

    resident_id: int
    person_id: int
    device_id: int

    @property
    def terminal(self) -> str:
        return f"canary-{self.person_id}"

    @property
    def terminal_prefix(self) -> str:
        return f"carehub/responder/{self.person_id}/"


@dataclass(frozen=True, kw_only=True)
class Round:
    """One press from the device to the closed case. `lost` names the stage that did not come through."""

    seconds: dict[str, float]
    lost: str | None = None
    detail: str = ""


def with_rules(policies: PolicySet) -> PolicySet:
    """Return a published version with the canary's own rules before it: no administrator can break or meet them."""
    return replace(policies, policies=(RULES, *policies.policies))


async def register(
    conn: Connection, *, device_secret: str, terminal_secret: str, password_hash: str | None
) -> Canary:  # fmt: skip
    """Make sure that they exist, with these secrets. Again changes nothing but the secrets.

    Args:
        conn: a connection outside a transaction.
        device_secret: of the device's credential; kept as its hash.
        terminal_secret: of the operator's MQTT terminal; kept as its hash.
        password_hash: for the console, argon2id; None: as it is.

    Raises:
        CanaryTakenError: The account or the device is a real person's.
    """
    async with conn.transaction():
        await conn.execute("select pg_advisory_xact_lock(%s)", (REGISTER_LOCK,))
        resident = await _one(conn, Q.resident, name=NAME, area=AREA)
        person = await _one(conn, Q.person, name=NAME, login=LOGIN, password_hash=password_hash)
        if person is None:
            raise CanaryTakenError(f"account {LOGIN}")
        if await _one(conn, Q.taken, address=DEVICE, resident=resident):
            raise CanaryTakenError(f"device {DEVICE}")
        assert resident is not None
        device = await devices.register(conn, DEVICE, resident_id=resident, adapter="carehub/1", live=True)
        known = Canary(resident_id=resident, person_id=person, device_id=device)
        await devices.issue_credential(conn, DEVICE_NAME, "device", PREFIX, device_id=device, secret=device_secret)
        await devices.issue_credential(
            conn, known.terminal, "responder", known.terminal_prefix, person_id=person, secret=terminal_secret
        )
        await people.set_contact(conn, person, "console", str(person))
        await people.set_contact(conn, person, "mqtt", f"{known.terminal_prefix}page")
    return known


async def alone(conn: Connection) -> bool:
    """Whether this session is the one that plays the canary, as long as it lives: two would disturb each other."""
    row = await (await conn.execute("select pg_try_advisory_lock(%s)", (PLAY_LOCK,))).fetchone()
    return bool(row and row[0])


async def record(conn: Connection, done: Round) -> None:
    """Write down how a round went, and let go of what is older than `KEPT`."""
    values = {"lost": done.lost, "detail": done.detail, "seconds": msgspec.json.encode(done.seconds).decode()}
    await conn.execute(Q.record, values)
    await conn.execute(Q.forget_rounds, {"kept": KEPT})
    await let_go(conn, KEPT)


async def let_go(conn: Connection, kept: timedelta) -> int:
    """Remove a few of the canary's closed incidents that are older than `kept`, and return how many.

    The only place where an incident ceases to be. It cannot be a person's: the query asks for the resident's flag.
    """
    async with conn.transaction():
        rows = await (await conn.execute(Q.old, {"kept": kept, "limit": LET_GO_AT_ONCE})).fetchall()
        gone = {"incidents": [row[0] for row in rows]}
        if gone["incidents"]:
            for query in LETTING_GO:
                await conn.execute(query, gone)
    return len(gone["incidents"])


# In the order in which the tables refer to each other; a test holds it against the schema.
LETTING_GO = (
    Q.go_links, Q.go_downlinks, Q.go_pages, Q.go_events, Q.go_notes, Q.go_alerts, Q.go_responses, Q.go_presses,
    Q.go_accesses, Q.go_presence, Q.go_handovers, Q.go_glass, Q.go_calls, Q.go_relations, Q.go_incidents,
)  # fmt: skip


async def _one(conn: Connection, query: bytes, **values: object) -> int | None:
    row = await (await conn.execute(query, values)).fetchone()
    return int(row[0]) if row is not None else None
