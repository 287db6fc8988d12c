"""A folder of backups: what lies there, by name alone. Nothing here touches a database.

* DIR/20261121T181400Z/cluster: a base backup, as pg_basebackup made it, with its manifest
* DIR/20261121T181400Z/hub: the hub's own files: keys, passwords, certificates, settings; backup.json beside it
* DIR/wal/7412…-1: the log of one cluster on one timeline, as pg_receivewal follows it
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.errors import HubError

NAME = "%Y%m%dT%H%M%SZ"
FACTS, CLUSTER, FILES, LOGS, PART = "backup.json", "cluster", "hub", "wal", ".part"
SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?")
ZEROES = b"\0"


class BackupError(HubError):
    """A backup cannot be made or read; the text says what to do."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """One base backup, as its own file tells it."""

    folder: Path
    began: datetime  # by the database's clock
    ended: datetime  # from here on it can be restored to any moment the log reaches
    system: str  # the cluster's own number
    timeline: int
    segment_bytes: int
    end_lsn: int
    bytes_on_disk: int
    server: int  # 180003
    database: str
    embedded: bool  # of the PostgreSQL that `carehub up` brings
    release: str
    migration: str

    @property
    def cluster(self) -> Path:
        return self.folder / CLUSTER

    @property
    def files(self) -> Path:
        return self.folder / FILES

    @property
    def log(self) -> Path:
        return log_of(self.folder.parent, self.system, self.timeline)

    def write(self) -> None:
        facts = {name: value for name, value in asdict(self).items() if name != "folder"}
        facts |= {"began": self.began.isoformat(), "ended": self.ended.isoformat()}
        (self.folder / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Backup":
        """Read one.

        Raises:
            BackupError: It is none, or not of a release that is understood here.
        """
        try:
            facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            times: dict[str, Any] = {name: datetime.fromisoformat(facts[name]) for name in ("began", "ended")}
            known = {f.name: facts[f.name] for f in fields(cls) if f.name not in ("folder", *times)}
            return cls(folder=folder, **(known | times))
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise BackupError(f"{folder} is no backup of carehub's ({type(err).__name__}: {err})") from None


def log_of(shelf: Path, system: str, timeline: int) -> Path:
    """Return the folder of one cluster's log: after a restore the timeline is another, and so is the folder."""
    return shelf / LOGS / f"{system}-{timeline}"


def backups(shelf: Path) -> list[Backup]:
    """Return the finished backups of a folder, the oldest first; a broken one is left out."""
    found = []
    for facts in shelf.glob(f"*/{FACTS}"):
        if not facts.parent.name.endswith(PART):
            try:
                found.append(Backup.read(facts.parent))
            except BackupError:
                continue
    return sorted(found, key=lambda each: each.ended)


def choose(place: Path, at: datetime | None) -> Backup:
    """Return the newest backup that had ended by `at`.

    Args:
        place: one backup, or a folder of them.

    Raises:
        BackupError: There is none.
    """
    if (place / FACTS).exists():
        one = Backup.read(place)
        if at is not None and at < one.ended:
            raise BackupError(f"{place} ended at {_told(one.ended)}: give that or a later time, or an older backup")
        return one
    there = backups(place)
    fit = [each for each in there if at is None or each.ended <= at]
    if fit:
        return fit[-1]
    if there:
        raise BackupError(f"the oldest backup in {place} ended at {_told(there[0].ended)}: no earlier time is there")
    raise BackupError(f"there is no finished backup in {place}")


def prune(shelf: Path, keep: int) -> list[str]:
    """Remove all but the newest backups, and the log that none of the others needs; returns what went.

    The last backup of each cluster and timeline stays whatever its age: what came after it lies in that log only.
    """
    there = backups(shelf)
    last = {each.log: each for each in there}
    stay = [each for each in there if each in there[-keep:] or each is last[each.log]]
    gone = [each for each in there if each not in stay]
    for each in gone:
        shutil.rmtree(each.folder)
    for log in last:
        first = min(start_segment(each) for each in stay if each.log == log)
        for number, file in segments(log):
            if number < first:
                file.unlink()
    return [each.folder.name for each in gone]


def start_segment(backup: Backup) -> int:
    """Return the first segment of the log that a backup does not hold in itself whole."""
    return backup.end_lsn // backup.segment_bytes


def segments(log: Path) -> Iterator[tuple[int, Path]]:
    """Yield (number, file) of a log's segments in order. A whole one comes after the unfinished one of its number.

    A log that had a hole goes on in a folder of its own: the earlier part is called <log>.<when>.
    """
    found = []
    for file in (*log.glob("*"), *log.parent.glob(f"{log.name}.*/*")):
        if (match := SEGMENT.fullmatch(file.name)) and (size := file.stat().st_size):
            per_file = (1 << 32) // size
            found.append((int(match[2], 16) * per_file + int(match[3], 16), match[4] is None, file))
    yield from ((number, file) for number, _, file in sorted(found))


def reach(backup: Backup) -> tuple[list[Path], bool]:
    """Return the files of the log that follow a backup without a gap, and whether any after a gap are of no use."""
    first, wanted, files, left = start_segment(backup), start_segment(backup), [], False
    for number, file in segments(backup.log):
        if number < first:
            continue
        if number > wanted:
            left = True
            break
        files.append(file)
        if not file.name.endswith(".partial"):
            wanted = number + 1
    return files, left


def written_bytes(segment: Path) -> int:
    """Return how much of a segment was written; the rest is zeroes."""
    return len(segment.read_bytes().rstrip(ZEROES)) if segment.exists() else 0


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime(NAME)


def _told(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
