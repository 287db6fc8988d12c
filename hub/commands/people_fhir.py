"""carehub people fhir: all there is of one resident as a bundle of FHIR R5."""

import argparse
import json
from datetime import datetime, timedelta
from typing import Any

from hub.api.observations import LONGEST, whole
from hub.api.problems import ProblemError
from hub.api.tokens import by_command
from hub.errors import HubError
from hub.policies import whose
from hub.store import api as store
from hub.store.access import looked_at
from hub.store.pool import Connection, hub_now
from hub.store.register import person


def add_to(commands: Any) -> None:
    """Add the command to `carehub people`."""
    told = commands.add_parser("fhir", help="all there is of a resident as FHIR R5: one Bundle, to standard output")
    told.add_argument("resident", metavar="RESIDENT", help="number or name")
    told.add_argument("--since", type=datetime.fromisoformat, metavar="2026-11-22T02:14", help="left out: a day ago")
    told.add_argument("--until", type=datetime.fromisoformat, metavar="2026-11-23", help="left out: now")
    told.add_argument("--by", metavar="PERSON", required=True, help="who reads it: it stands in the access log")
    told.add_argument("--reason", default="", help="what for; stands there as well")
    told.set_defaults(run=give)


async def give(conn: Connection, options: argparse.Namespace) -> None:
    """Print the bundle; devices' words of a month at most."""
    home = await whose(conn, options.resident)
    until = _aware(options.until, options) or await hub_now(conn) + timedelta(minutes=1)
    since = _aware(options.since, options) or until - timedelta(days=1)
    if not timedelta() < until - since <= LONGEST:
        raise HubError(f"--since is before --until, by no more than {LONGEST.days} days")
    her = await store.row(
        conn,
        store.Q.residents,
        id=home.resident_id,
        after=0,
        area=None,
        limit=1,
        organisation=None,
        locked=True,
        ended=True,
    )
    assert her is not None
    by = await person(conn, options.by)
    async with conn.transaction():
        await looked_at(conn, by.id, "fhir: command", home.resident_id, f"{by_command()}: {options.reason}")
        try:
            bundle = await whole(conn, her, since, until, {"organisation": None, "locked": True, "ended": True})
        except ProblemError as no:
            raise HubError(no.detail) from None
    print(json.dumps(bundle, ensure_ascii=False))


def _aware(at: datetime | None, options: argparse.Namespace) -> datetime | None:
    return at if at is None or at.tzinfo else at.replace(tzinfo=options.zone)
