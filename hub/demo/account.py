"""What became of every call: a table a person can read, and the verdict that says what was lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from unicodedata import east_asian_width

from hub.chain import ChainError, Entry, verify
from hub.demo.words import label, sentence
from hub.store.pool import Connection
from hub.store.sql import queries

Q = queries("demo")
DELIVERED = ("delivered", "read")
NAMELESS_SLACK = timedelta(seconds=60)  # how long after a press without an identity its alert may still come
ENDED_BY_PERSON = ("closed", "cancelled")


async def timelines(conn: Connection) -> str:
    """Return every incident's story, one table each: when, who, what."""
    roles = {int(person): str(role) for person, role in await _all(conn, Q.roles)}
    stories = [await _story(conn, row, roles) for row in await _all(conn, Q.incidents)]
    return "\n\n".join(stories) if stories else "no incident was opened"


async def verdict(conn: Connection, sim_report: dict[str, Any]) -> list[str]:
    """Return what went wrong, in words; empty when everything was closed by a person and nothing was lost."""
    problems = [f"simulator: {words}" for words in sim_report.get("faults", ["it left no report"])]
    incidents = await _all(conn, Q.incidents)
    for incident in incidents:
        problems += await _incident_problems(conn, incident)
    for press in sim_report.get("presses", []):
        problems += await _press_problems(conn, press)
    if sim_report.get("presses") and not incidents:
        problems.append("people pressed, and no incident was opened")
    return problems


async def _incident_problems(conn: Connection, incident: Sequence[Any]) -> list[str]:
    number, _, _, state, disposition = incident[:5]
    name, problems = f"incident {number}", []
    chain = await _chain(conn, number)
    closer = next((entry.actor for entry in reversed(chain) if entry.what in ENDED_BY_PERSON), "nobody")
    if state == "closed" and not closer.startswith("person:"):
        problems.append(f"{name}: closed by {closer}, not by a person")
    elif state == "closed" and not disposition:
        problems.append(f"{name}: closed without a disposition")
    elif state not in ENDED_BY_PERSON:
        problems.append(f"{name}: is still {state}")
    pages = [page for page in await _all(conn, Q.pages, incident=number) if page[4] == "alarm"]
    if state != "cancelled" and not any(page[5] in DELIVERED for page in pages):
        problems.append(f"{name}: none of its {len(pages)} pages was delivered")
    problems += [f"{name}: page {page[0]} is still {page[5]}" for page in pages if page[5] in ("ready", "sending")]
    try:
        verify(number, chain)
    except ChainError as error:
        problems.append(str(error))
    return problems


async def _press_problems(conn: Connection, press: dict[str, Any]) -> list[str]:
    """A press the hub acknowledged has exactly one incident; one it did not acknowledge was not lost by us."""
    if press["saved_at"] is None or press["expects"] != "incident":
        return []
    name = f"{press['what']} of {press['device']} at {press['pressed_at'][11:19]}"
    if press["identity"]:
        found = await _all(conn, Q.press_incidents, device=press["device"], identity=press["identity"])
    else:
        since = datetime.fromisoformat(press["pressed_at"]) - timedelta(seconds=2)
        until = datetime.fromisoformat(press["saved_at"]) + NAMELESS_SLACK
        found = await _all(conn, Q.alerts_of_device, device=press["device"], since=since, until=until)
    if len(found) != 1:
        return [f"{name}: acknowledged, and has {len(found)} incidents"]
    return []


async def _chain(conn: Connection, incident: int) -> list[Entry]:
    rows = await _all(conn, Q.chain, incident=incident)
    return [
        Entry(seq=seq, at=at, actor=actor, what=what, body=body, prev_hash=before, hash=own)
        for seq, at, actor, what, body, before, own in rows
    ]


async def _story(conn: Connection, incident: Sequence[Any], roles: dict[int, str]) -> str:
    number, kind, severity, state, disposition, presses, opened, closed, address, device = incident
    lasted = f"{(closed - opened).total_seconds():.1f} s" if closed else "…"
    head = (
        f"── {label('incident')} {number}  {label(kind)}  {label('severity')} {severity}  {address or device or ''}"
        f"  {label('presses')} {presses}  →  {label(disposition or state)}  ({lasted})"
    )
    lines = [
        (entry.at, _actor(entry.actor, roles), sentence(entry.what, entry.body, roles))
        for entry in await _chain(conn, number)
    ]
    for page in await _all(conn, Q.pages, incident=number):
        lines += _page_lines(page)
    lines += [
        (at, f"{label('device')} {device}", f"{label('shows')} {label(say)}: {text}")
        for at, device, say, text in await _all(conn, Q.told, incident=number)
    ]
    rows = [(f"+{(at - opened).total_seconds():7.2f} s", who, what) for at, who, what in sorted(lines, key=_when)]
    return "\n".join([head, *_columns(rows)])


def _page_lines(page: Sequence[Any]) -> list[tuple[datetime, str, str]]:
    number, person, role, channel, purpose, state, _, step, _, sent, delivered, _, receipt = page
    who = f"{label(role)} #{person}"
    what = f"{label('page')} {number} {label(purpose)} {label(channel)} ({label('step')} {step + 1})"
    if delivered:
        return [(delivered, who, f"{what} {label('delivered')}")]
    if state == "failed" and sent:
        return [(sent, who, f"{what} {label('failed')}: {receipt[:60]}")]
    return []


def _when(line: tuple[datetime, str, str]) -> datetime:
    return line[0]


def _actor(actor: str, roles: dict[int, str]) -> str:
    kind, _, number = actor.partition(":")
    if kind == "person" and number.isdecimal():
        return f"{label(roles.get(int(number), 'person'))} #{number}"
    return f"{label(kind)} {number}".strip()


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Pad by what a terminal shows: a Chinese character takes two columns."""
    if not rows:
        return []
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return ["  " + "  ".join([*map(_padded, row, widths), row[-1]]) for row in rows]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


async def _all(conn: Connection, query: bytes, **values: Any) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query, values)).fetchall()
