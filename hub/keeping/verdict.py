"""What a check of the installation says, and what it has to look at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from hub.config import RUNNING_FILE, Settings
from hub.store.pool import Connection


class State(StrEnum):
    """How it is."""

    OK = "ok"
    DOUBT = "doubt"  # works, and somebody should know; the exit code stays 0
    WRONG = "wrong"
    SKIPPED = "skipped"  # could not be looked at, or is not used here


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One line of the doctor's."""

    state: State
    says: str
    advice: str = ""  # more exact than that of the table


def ok(says: str) -> Verdict:
    return Verdict(state=State.OK, says=says)


def doubt(says: str, advice: str = "") -> Verdict:
    return Verdict(state=State.DOUBT, says=says, advice=advice)


def wrong(says: str, advice: str = "") -> Verdict:
    return Verdict(state=State.WRONG, says=says, advice=advice)


def skipped(says: str) -> Verdict:
    return Verdict(state=State.SKIPPED, says=says)


@dataclass(kw_only=True)
class Patient:
    """The installation: its settings, and its database while that answers."""

    settings: Settings
    dsn: str
    conn: Connection | None = None
    refused: str = ""  # why the database does not answer; without its address
    word: Mapping[str, Any] = field(default_factory=dict)  # what a running `carehub up` left

    async def rows(self, query: bytes, **values: Any) -> list[dict[str, Any]]:
        """Return what a query finds."""
        assert self.conn is not None, "a check that needs the database says so in the table"
        async with self.conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, values)
            return await cursor.fetchall()

    async def row(self, query: bytes, **values: Any) -> dict[str, Any]:
        """Return the first row a query finds; empty when there is none."""
        return next(iter(await self.rows(query, **values)), {})

    @property
    def run_dir(self) -> Path:
        return self.settings.run_dir.resolve()


def left_word(run_dir: Path) -> dict[str, Any]:
    """Return what `carehub up` left in its folder; nothing when none runs from it."""
    try:
        word = json.loads((run_dir / RUNNING_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return word if isinstance(word, dict) and Path(f"/proc/{word.get('pid', '?')}").exists() else {}
