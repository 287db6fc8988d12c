"""What must be true when the hands have rested: everything accepted is in its place, once, and nothing is silent."""

from collections import Counter
from datetime import timedelta

import psycopg

from hub import chain
from tests.acceptance.receiver import Receiver
from tests.acceptance.soak.clerk import Clerk
from tests.acceptance.soak.hands import Hands
from tests.acceptance.soak.street import Street

LONGEST_WAIT = timedelta(minutes=31)  # an unclosed case asks for its ending at least this often
OVERDUE = timedelta(seconds=5)
WATCH_IS_BACK = timedelta(seconds=5)  # every part of the watch says each second that it is there
HARMS = [  # what the auditor may find while it hurts, and not afterwards
    "silent_incident", "timer_late", "page_late", "dispatch_gone", "page_impossible", "page_stuck", "database_away",
]  # fmt: skip


def unfinished(dsn: str) -> list[str]:
    """Return the pages that have not come to an end yet, overdue timers and jumps of the clock not put right."""
    with psycopg.connect(dsn) as conn:
        pages = conn.execute(
            "select id, incident_id, state, owner, due_at, attempts from page"
            " where channel = 'webhook' and state in ('ready', 'sending', 'sent') and due_at < hub_now()"
        ).fetchall()
        timers = conn.execute(
            "select incident_id, kind, due_at - hub_now() from timer"
            " where due_at not between hub_now() - interval '1 s' and hub_now() + %s", (LONGEST_WAIT,),
        ).fetchall()  # fmt: skip
        jumps = conn.execute("select * from clock_jump where done_at is null").fetchall()
    return [
        *(f"page {page} of incident {i}: {state}, owner {owner}, due {due:%T}, tried {n} times"
          for page, i, state, owner, due, n in pages),
        *(f"incident {i}: its {kind} timer fires in {wait}" for i, kind, wait in timers),
        *(f"jump of the clock {row}" for row in jumps),
    ]  # fmt: skip


def not_back(dsn: str, hurting: Hands, clerk: Clerk) -> list[str]:
    """Return what is still missing of console and watch: who was frozen is replaced, and both do their work."""
    blind = clerk.looked_at < hurting.hurt_at.get("console", 0.0)
    frozen = [f"{role}: frozen, and not replaced" for role in hurting.not_replaced()]
    return [*frozen, *["nobody sees the queue at the console"] * blind, *_unwatched(dsn)]


def _unwatched(dsn: str) -> list[str]:
    """Return what the watch still has to say: parts of it that are away, and harm it sees that we do not."""
    with psycopg.connect(dsn) as conn:
        beats = conn.execute("select role, at, at > hub_now() - %s from heartbeat", (WATCH_IS_BACK,)).fetchall()
        harm = conn.execute(
            "select rule, subject, detail from audit_finding where cleared_at is null and rule = any(%s)", (HARMS,)
        ).fetchall()
    silent = [f"{role} has said nothing since {at:%T}" for role, at, fresh in beats if not fresh]
    return [*(silent if beats else ["nothing has ever said that it watches"]), *(" ".join(row) for row in harm)]


def account(dsn: str, street: Street) -> list[str]:
    """Hold what was accepted against what is in the database and what the relatives' service received."""
    with psycopg.connect(dsn) as conn:
        return [
            *lost_presses(conn, street), *lost_vitals(conn, street), *unpaged(conn), *resurrected(conn),
            *waits_too_long(conn), *strange_copies(conn, street.receiver), *broken_chains(conn),
            *false_breaks(conn), *forgotten(conn, street.clerk),
        ]  # fmt: skip


def lost_presses(conn: psycopg.Connection, street: Street) -> list[str]:
    faults = []
    for wearer in street.wearers:
        rows = conn.execute(
            "select identity, count(*), count(distinct incident_id) from press where device_id = %s group by identity",
            (wearer.home.device_id,),
        ).fetchall()
        heard = {str(identity).rsplit(":", 1)[-1]: (n, incidents) for identity, n, incidents in rows}
        faults += [f"{wearer.home.watch}: press {p} was answered and is lost" for p in wearer.answered - set(heard)]
        faults += [f"{wearer.home.watch}: press {p} is there {n}" for p, n in heard.items() if n != (1, 1)]
        row = conn.execute(
            "select count(*) from press p left join incident i on i.id = p.incident_id"
            " where p.device_id = %s and i.resident_id is distinct from %s",
            (wearer.home.device_id, wearer.home.resident_id),
        ).fetchone()
        if row != (0,):
            faults.append(f"{wearer.home.watch}: {row} presses are in no incident of hers")
    return faults


def lost_vitals(conn: psycopg.Connection, street: Street) -> list[str]:
    faults = []
    for wearer in street.wearers:
        rows = conn.execute(
            "select sequence, count(*) from telemetry"
            " where device_id = %s and heart_rate_bpm is not null group by sequence",
            (wearer.home.device_id,),
        ).fetchall()
        stored = {int(sequence): int(n) for sequence, n in rows if sequence is not None}
        faults += [
            f"{wearer.home.watch}: vitals {s} were acknowledged and are lost" for s in wearer.saved - set(stored)
        ]
        faults += [f"{wearer.home.watch}: vitals {s} are stored {n} times" for s, n in stored.items() if n > 1]
    return faults


def unpaged(conn: psycopg.Connection) -> list[str]:
    """Incidents whose relative was never reached, and open ones without exactly one timer."""
    rows = conn.execute(
        "select i.id, 'was never paged' from incident i join resident r on r.id = i.resident_id and not r.canary"
        " where not exists (select from page p where p.incident_id = i.id and p.channel = 'webhook'"
        "  and p.purpose = 'alarm' and p.state in ('delivered', 'read'))"
        " and not exists (select from page p where p.incident_id = i.id and p.state = 'withdrawn')"
        " union all select i.id, 'is open without a timer' from incident i"
        " where i.dedup_key is not null and not exists (select from timer t where t.incident_id = i.id)"
    ).fetchall()
    return [f"incident {incident} {what}" for incident, what in rows]


def strange_copies(conn: psycopg.Connection, receiver: Receiver) -> list[str]:
    """Every copy carries the key of a page that exists; what was delivered did arrive; one page, one key."""
    rows = conn.execute(
        "select incident_id, round, step, person_id, channel, purpose, state from page where channel = 'webhook'"
    ).fetchall()
    states = {".".join(str(part) for part in row[:6]): row[6] for row in rows}
    faults = list(receiver.faults)
    faults += [f"a page under the unknown key {key} arrived" for key in set(receiver.copies) - set(states)]
    arrived = set(receiver.copies)
    faults += [f"page {key} is {state} and never arrived" for key, state in states.items()
               if state in ("delivered", "read") and key not in arrived]  # fmt: skip
    pages = [body.get("page") for body in receiver.bodies.values()]
    faults += [f"page {p} came under several keys" for p in set(pages) if pages.count(p) > 1]
    return faults


def resurrected(conn: psycopg.Connection) -> list[str]:
    """Pages that still want to call somebody for an incident that has ended."""
    rows = conn.execute(
        "select i.id, p.id, p.state from incident i join page p on p.incident_id = i.id"
        " where i.dedup_key is null and p.purpose = 'alarm' and p.state in ('ready', 'sending', 'sent')"
    ).fetchall()
    return [f"incident {incident} has ended and its page {page} is {state}" for incident, page, state in rows]


def waits_too_long(conn: psycopg.Connection) -> list[str]:
    """The clock went back and forth: nothing may wait longer than any policy lets it, or be long overdue."""
    rows = conn.execute(
        "select incident_id, kind, due_at - hub_now() from timer"
        " where due_at > hub_now() + %s or due_at < hub_now() - %s", (LONGEST_WAIT, OVERDUE),
    ).fetchall()  # fmt: skip
    return [f"incident {incident}: its {kind} timer fires in {wait}" for incident, kind, wait in rows]


def broken_chains(conn: psycopg.Connection) -> list[str]:
    """Every chain holds, and folding it gives the incident and its timer as the tables have them."""
    faults = []
    rows = conn.execute(
        "select incident_id, seq, at, actor, what, body, prev_hash, hash from incident_event order by incident_id, seq"
    ).fetchall()
    entries: dict[int, list[chain.Entry]] = {}
    for incident, seq, at, actor, what, body, prev, digest in rows:
        entry = chain.Entry(seq=seq, at=at, actor=actor, what=what, body=body, prev_hash=prev, hash=digest)
        entries.setdefault(incident, []).append(entry)
    tables = {
        row[0]: row[1:] for row in conn.execute(
            "select i.id, i.state, i.step, i.round, i.presses, i.version, t.kind, t.due_at"
            " from incident i left join timer t on t.incident_id = i.id"
        ).fetchall()
    }  # fmt: skip
    faults += [f"incident {incident} has no chain" for incident in tables.keys() - entries.keys()]
    for incident, events in entries.items():
        try:
            chain.verify(incident, events)
        except chain.ChainError as err:
            faults.append(str(err))
            continue
        folded = chain.fold(events)
        told = [folded.state[name] for name in ("state", "step", "round", "presses", "version")]
        told += [folded.timer["kind"], folded.timer["due_at"]] if folded.timer else [None, None]
        if told != chain.plain(list(tables[incident])):
            faults.append(f"incident {incident} is {tables[incident]}, and its chain says {told}")
    return faults


def false_breaks(conn: psycopg.Connection) -> list[str]:
    """The chains hold (see above): an auditor that was killed, frozen or cut off must not have said otherwise."""
    rows = conn.execute("select subject, detail from audit_finding where rule = 'broken_chain'").fetchall()
    return [f"the auditor says of {subject}: {detail}" for subject, detail in rows]


def forgotten(conn: psycopg.Connection, clerk: Clerk) -> list[str]:
    """What the console told its operator is done, and what the database has of it."""
    rows = conn.execute("select text, incident_id from note where person_id = %s", (clerk.person,)).fetchall()
    written = Counter((str(text), int(incident)) for text, incident in rows)
    faults = [f"incident {incident}: a note is there {n} times" for (_, incident), n in written.items() if n > 1]
    faults += [f"incident {incident}: a note was confirmed and is lost" for text, incident in clerk.noted.items()
               if (text, incident) not in written]  # fmt: skip
    taken = {int(row[0]) for row in conn.execute(
        "select incident_id from incident_event where actor = %s and what = 'taken'", (f"person:{clerk.person}",)
    ).fetchall()}  # fmt: skip
    return faults + [f"incident {i}: was confirmed as taken, and is not" for i in clerk.taken - taken]


def summary(dsn: str, street: Street) -> str:
    with psycopg.connect(dsn) as conn:
        counts = [conn.execute(f"select count(*) from {t}".encode()).fetchone()[0]  # type: ignore[index]
                  for t in ("press", "incident", "page", "telemetry")]  # fmt: skip
    copies = sum(n - 1 for n in street.receiver.copies.values())
    return (
        f"pressed {sum(w.pressed for w in street.wearers)}, "
        f"answered {sum(len(w.answered) for w in street.wearers)}; stored {counts[0]} presses, {counts[1]} incidents, "
        f"{counts[2]} pages ({copies} further copies under the same key), {counts[3]} telemetry rows; "
        f"acknowledged vitals {sum(len(w.saved) for w in street.wearers)}; "
        f"slowest: {max(w.slowest for w in street.wearers)[1]}; at the console {len(street.clerk.noted)} of "
        f"{street.clerk.tried} notes and {len(street.clerk.taken)} takes confirmed"
    )
