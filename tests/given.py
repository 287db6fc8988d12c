"""A server somebody else runs, named by CAREHUB_TEST_DSN, in place of the embedded one.

Databases are made there under names of this run's own and dropped again; nothing else on it is touched. What only the
owner of a server can do (stop it, kill it, set its settings) skips the test that wants it.
"""

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from hub.embedded import EmbeddedPostgres
from tests.patience import PATIENCE_S

NAME = "CAREHUB_TEST_DSN"
OURS = f"carehub_test_{os.getpid()}_"  # side by side with another run, and with this one's other workers
NOT_OURS = f"{NAME} names a server that is not ours to stop, kill or configure"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What answers under the DSN."""

    version: str
    timescale: str  # the extension's version, "" when it is not there
    preloaded: bool


def named() -> str:
    """Return the DSN, or nothing: then the embedded server is used."""
    return os.environ.get(NAME, "")


def facts(dsn: str) -> Facts:
    """Ask the server what it is.

    Raises:
        psycopg.Error: It does not answer.
    """
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as conn:
        row = conn.execute(
            "select current_setting('server_version'),"
            " coalesce((select default_version from pg_available_extensions where name = 'timescaledb'), ''),"
            " exists (select from pg_settings where name = 'timescaledb.max_background_workers')"
        ).fetchone()
    assert row is not None
    return Facts(version=row[0], timescale=row[1], preloaded=row[2])


def header() -> str:
    """Say at the head of a run which server its tests stand on."""
    if not named():
        return f"PostgreSQL: the embedded one ({NAME} names another)"
    try:
        found = facts(named())
    except psycopg.Error as err:
        said = (str(err).splitlines() or [type(err).__name__])[0]
        return f"PostgreSQL: {NAME} does not answer: {said}"
    extension = f"TimescaleDB {found.timescale}" if found.timescale else "no TimescaleDB"
    if found.timescale and not found.preloaded:
        extension += ", not in shared_preload_libraries: native partitions are tested"
    return f"PostgreSQL {found.version} of {NAME}, {extension}"


class GivenPostgres(EmbeddedPostgres):
    """The given server with the face of the embedded one. Any `name` here is a database of this run's own there."""

    def __init__(self, dsn: str) -> None:
        self._dsn = conninfo_to_dict(dsn)
        self.port = int(str(self._dsn.get("port") or 5432))
        self.home = Path("/nonexistent")
        self.process = None

    def name(self, database: str) -> str:
        """Return what a database of ours is called there."""
        return OURS + database

    def dsn(self, database: str = "postgres") -> str:
        """Return a URL; `postgres` is the database the DSN itself names."""
        values = {key: str(value) for key, value in self._dsn.items() if value is not None}
        host, user, password = (values.pop(key, "") for key in ("host", "user", "password"))
        name = values.pop("dbname", "postgres")
        values.pop("port", None)
        if host.startswith("/"):
            values["host"], host = host, ""
        who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return (
            f"postgresql://{who}{'@' if who else ''}{host}:{self.port}"
            f"/{quote(name if database == 'postgres' else self.name(database), safe='')}"
            f"{'?' if values else ''}{urlencode(values)}"
        )

    def start(self, settings: Mapping[str, str] | None = None, limit_s: float = 0) -> NoReturn:
        pytest.skip(NOT_OURS)

    def stop(self) -> NoReturn:
        pytest.skip(NOT_OURS)

    def kill(self) -> NoReturn:
        pytest.skip(NOT_OURS)

    def restart(self) -> NoReturn:
        pytest.skip(NOT_OURS)

    def alive(self) -> bool:
        return True

    def create(self, name: str, template: str) -> None:
        """Make a database from a template: nobody may be connected to that, TimescaleDB's workers included."""
        self._when_alone(f"create database {self.name(name)} template {self.name(template)}")

    def seal(self, made: str, template: str) -> None:
        """Make a database the template: under its name nobody is let in, and no worker of TimescaleDB's.

        Renaming has the extension's workers stopped and not started again, whoever asks for it; to stop them by their
        function one would have to be a superuser. CREATE DATABASE stops none of a database that is a template.
        """
        self._when_alone(f"alter database {self.name(made)} rename to {self.name(template)}")
        self._when_alone(f"alter database {self.name(template)} with is_template true allow_connections false")

    def drop(self, name: str) -> None:
        with contextlib.suppress(psycopg.errors.InvalidCatalogName):
            self._when_alone(f"alter database {self.name(name)} with is_template false")
        self._when_alone(f"drop database if exists {self.name(name)} with (force)")

    def _when_alone(self, statement: str) -> None:
        """Try again while somebody is in the database whom we may not send away: the server's own workers soon go."""
        deadline = time.monotonic() + PATIENCE_S
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as conn:
            while True:
                try:
                    conn.execute(statement.encode())
                except (psycopg.errors.ObjectInUse, psycopg.errors.InsufficientPrivilege):
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
                else:
                    return
