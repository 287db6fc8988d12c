"""PostgreSQL's own programs, run against a database whose password stands in no command line."""

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hub.config import RUNNING_FILE, Settings, required_dsn
from hub.embedded import EmbeddedPostgres
from hub.keeping.shelf import BackupError

LAST_WORDS = 4  # lines of a program that failed


@dataclass(frozen=True)
class Tools:
    """The programs of the embedded wheel: they speak to any server of their release or an older one."""

    dsn: str
    run_dir: Path

    @cached_property
    def _embedded(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.run_dir)

    def path(self, name: str) -> str:
        return self._embedded.tool(name)

    @cached_property
    def release(self) -> int:
        """Of which release of PostgreSQL they are."""
        return int(self.run("postgres", "--version").split()[-1].split(".")[0])

    @property
    def address(self) -> str:
        """The database's address without its password: other people see command lines."""
        return make_conninfo(self.dsn, password=None, application_name="carehub backup")

    @property
    def environ(self) -> dict[str, str]:
        password = conninfo_to_dict(self.dsn).get("password")
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("CAREHUB_", "PG"))}
        return plain | {"LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {})

    def run(self, name: str, *arguments: str) -> str:
        """Run one to its end and return what it said.

        Raises:
            BackupError: It failed; the text ends with its last words.
        """
        done = subprocess.run(
            [self.path(name), *arguments], env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False, umask=0o077,
        )  # fmt: skip
        if done.returncode:
            words = "\n".join(f"  {line}" for line in done.stderr.splitlines()[-LAST_WORDS:])
            raise BackupError(f"{name} ended with {done.returncode}:\n{words}{_advice(done.stderr)}")
        return done.stdout


def _advice(said: str) -> str:
    if "no pg_hba.conf entry for replication" in said:
        return "\n  add to the server's pg_hba.conf: host replication <user> <this machine>/32 scram-sha-256"
    if "must be superuser or replication role" in said or "permission denied to start WAL sender" in said:
        return "\n  let the account copy the database: alter role <user> replication"
    return ""


def dsn_here(settings: Settings) -> str:
    """Return the configured database, or that of the hub that runs here.

    Raises:
        HubError: There is neither.
    """
    if settings.database.dsn:
        return settings.database.dsn
    try:
        word = json.loads((settings.run_dir / RUNNING_FILE).read_text(encoding="utf-8"))
        return str(word["dsn"])
    except (OSError, ValueError, KeyError):
        return required_dsn(settings)
