"""The checks of an installation, in one table, and how they are gone through."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
import structlog

from hub.config import Settings
from hub.errors import HubError
from hub.keeping import of_database, of_machine, of_service, of_storage
from hub.keeping.tools import dsn_here
from hub.keeping.verdict import Patient, State, Verdict, left_word, skipped, wrong
from hub.store.pool import connect

log = structlog.get_logger()


class Check(NamedTuple):
    """A line of the table: what is looked at, by whom, and what to do when it is not well."""

    name: str
    look: Callable[[Patient], Awaitable[Verdict]]
    advice: str
    database: bool = False  # cannot be looked at without it


CHECKS: tuple[Check, ...] = (
    Check("python", of_machine.python, "install Python 3.11 or newer and make the environment anew: make setup"),
    Check("disk", of_machine.disk, "make room or move run_dir: a full disk stops every press"),
    Check("time", of_machine.time_sync, "install chrony or switch systemd-timesyncd on: timers go by the clock"),
    Check("database", of_database.answers, "start it, or set database.dsn; logs/ and postgres.log tell why"),
    Check("promises", of_database.promises, "set them on and restart the server: it loses what it has taken", True),
    Check("connections", of_database.connections, "raise max_connections, or find who holds them", True),
    Check("schema", of_database.schema, "carehub migrate", True),
    Check(
        "access",
        of_database.web_role,
        "as a superuser: create role carehub_web nologin; grant carehub_web to the hub's database user",
        True,
    ),
    Check("sealed", of_database.sealed_fields, "bring seal.keys back from the backup, or set CAREHUB_SEAL_KEY", True),
    Check("timezone", of_database.zone, "alter system set timezone = 'UTC'", True),
    Check("clock", of_database.clock, "synchronise both machines with the same time servers", True),
    Check("log", of_database.log, "look why the server cannot let go of its log", True),
    Check("storage", of_storage.storage, "make room on the database's disk, or keep fewer days: ingest.*_keep_*", True),
    Check("roles", of_service.roles, "carehub up, or start the role; its log in logs/ tells why it ended", True),
    Check("listener", of_service.listener, "start ingest; listener.host and listener.port, and who else has the port"),
    Check("trackers", of_service.gateway, "start ingest; gateway.protocols, and who else has the port"),
    Check("bridge", of_service.bridge, "look at the log of ingest"),
    Check("console", of_service.console, "start console; console.host and console.port, and who else has the port"),
    Check("public url", of_service.public_url, "set console.public_url to what responders' phones can open"),
    Check("certificate", of_machine.certificate, "renew it and restart ingest: devices will be turned away"),
    Check("channels", of_service.channels, "channels.voice and channels.sms: hub/channels/README.md"),
    Check("siren", of_service.watch, "audit.siren_command and CAREHUB_AUDIT_HEARTBEAT_URL: hub/loops/README.md"),
    Check("findings", of_service.findings, "open /ops: each says what to do", True),
    Check("canary", of_service.canary, "open /ops; audit.canary", True),
    Check("staff", of_service.staff, "carehub people person NAME --role operator --login NAME", True),
    Check("duty", of_service.duty, "carehub coverage, and /rosters", True),
    Check("circles", of_service.circles, "carehub people person NAME --role family --for RESIDENT --contact …", True),
    Check("credentials", of_service.credentials, "carehub devices retire or rotate NAME: it can still sign in", True),
    Check("secrets", of_machine.secret_files, "chmod 600"),
    Check("backup", of_machine.backup, "set backup.to (CAREHUB_BACKUP_TO) to a folder on another disk"),
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one check said."""

    name: str
    state: State
    says: str
    advice: str


async def checkup(settings: Settings, checks: Sequence[Check] = CHECKS) -> list[Line]:
    """Go through the table; what a check itself cannot do is its verdict, and the others go on."""
    patient = Patient(settings=settings, dsn="", word=left_word(settings.run_dir))
    try:
        patient.dsn = dsn_here(settings)
        patient.conn = await connect(patient.dsn, name="carehub doctor")
    except (psycopg.OperationalError, HubError) as err:
        patient.refused = _without_address(str(err), patient.dsn)
    try:
        return [_line(check, await _looked(check, patient)) for check in checks]
    finally:
        if patient.conn is not None:
            await patient.conn.close()


async def _looked(check: Check, patient: Patient) -> Verdict:
    if check.database and patient.conn is None:
        return skipped("the database does not answer")
    try:
        return await check.look(patient)
    except psycopg.Error as err:
        if isinstance(err, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
            return skipped("the schema is not this release's")
        return wrong(f"the database refused: {type(err).__name__}")
    except OSError as err:
        return wrong(f"{type(err).__name__}: {err.strerror or ''}")


def _line(check: Check, verdict: Verdict) -> Line:
    well = verdict.state in (State.OK, State.SKIPPED)
    return Line(
        name=check.name, state=verdict.state, says=verdict.says, advice="" if well else verdict.advice or check.advice
    )  # fmt: skip


def _without_address(said: str, dsn: str) -> str:
    """One line; the address, which may hold a password, is in none of PostgreSQL's words, and is cut if it were."""
    return (said.splitlines() or ["it does not answer"])[0].replace(dsn or "\0", "…")
