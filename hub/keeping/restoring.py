"""Brings a base backup and its log back as the database of a run folder, up to a moment, and looks what came back."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from hub.embedded import EmbeddedPostgres, EmbeddedPostgresError
from hub.keeping.base import OWN_FILES, PASSWORD_FILE, PLACES_FILE, ROOM_BYTES, Q, verify
from hub.keeping.shelf import Backup, BackupError, reach, stamp, written_bytes
from hub.keeping.tools import Tools
from hub.loops.chains import Break, Chains
from hub.store.pool import connect

RECOVERY_LIMIT_S = 4 * 3600.0  # a day's log of a large town is read in less
BACK_FILES = "restored-files"  # what does not belong into the run folder: to be put back by hand
LAST_CHANGE = re.compile(r"last completed transaction was at log time (.+)")


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came back."""

    run_dir: Path
    until: datetime | None  # the last change it holds
    log_files: int
    log_ends_early: bool  # there is more of the log, behind a gap
    holds: Mapping[str, Any]
    breaks: tuple[Break, ...]
    to_put_back: Mapping[str, str]  # file here: where it was
    moved_aside: tuple[str, ...]


def restore(backup: Backup, run_dir: Path, at: datetime | None, *, replace: bool = False) -> Restored:
    """Make `run_dir` a hub's folder that holds the database as it was.

    Args:
        at: aware; every change committed by then and none after it. None: all there is.
        replace: what lies there is moved aside; without it, a folder that holds a database is refused.

    Raises:
        BackupError: It cannot be done, or not up to that moment; a folder half restored is not left behind.
    """
    run_dir = run_dir.resolve()
    server = EmbeddedPostgres(run_dir)
    tools = Tools("", run_dir)
    _fits(backup, tools)
    files, gap = reach(backup)
    _room(backup, files, server)
    verify(tools, backup.cluster)
    run_dir.mkdir(parents=True, exist_ok=True)
    moved = _clear(run_dir, server, replace=replace)
    try:
        _lay_out(backup, files, server)
        put_back = _files(backup, run_dir)
        until = _recover(server, at)
        holds, breaks = asyncio.run(_look(server, backup.database))
    except BaseException:
        server.stop()
        _undo(run_dir, server, moved)
        raise
    server.stop()
    return Restored(
        run_dir=run_dir, until=until, log_files=len(files), log_ends_early=gap, holds=holds, breaks=tuple(breaks),
        to_put_back=put_back, moved_aside=tuple(str(aside) for _, aside in moved),
    )  # fmt: skip


def _fits(backup: Backup, tools: Tools) -> None:
    if not backup.embedded:
        raise BackupError(
            f"{backup.folder} is of a server of its own (PostgreSQL {backup.server // 10000}). On that server, stopped:"
            f"\n  copy {backup.cluster} to its data folder, owned by postgres, mode 0700;"
            f"\n  touch recovery.signal in it; in postgresql.auto.conf:"
            f'\n    restore_command = \'cp "{backup.log}/%f" "%p"\''
            "\n    recovery_target_time = '2026-11-22 02:14:00+08', recovery_target_action = 'promote';"
            "\n  rename the last *.partial of the log, without that ending; start the server, then carehub doctor"
        )
    if tools.release != backup.server // 10000:
        raise BackupError(
            f"the backup is PostgreSQL {backup.server // 10000}, here is {tools.release}: restore with the carehub"
            f" release that made it ({backup.release}), then upgrade"
        )


def _clear(run_dir: Path, server: EmbeddedPostgres, *, replace: bool) -> list[tuple[Path, Path]]:
    """Refuse a folder in use; move aside what lies there if that was said."""
    if (pid := running(run_dir, server)) is not None:
        raise BackupError(f"a hub or its database runs from {run_dir} (pid {pid}): stop it, or restore --into another")
    there = [p for p in (server.data, *(run_dir / name for name in OWN_FILES)) if p.exists()]
    if there and not replace:
        raise BackupError(f"{there[0]} is there: restore --into another folder, or say --replace to move it aside")
    suffix = f".before-{stamp(datetime.now(UTC))}"
    moved = [(path, path.with_name(path.name + suffix)) for path in there]
    for path, aside in moved:
        path.rename(aside)
    return moved


def _undo(run_dir: Path, server: EmbeddedPostgres, moved: list[tuple[Path, Path]]) -> None:
    """Leave the folder as it was found."""
    for folder in (server.data, run_dir / BACK_FILES):
        shutil.rmtree(folder, ignore_errors=True)
    for name in OWN_FILES:
        (run_dir / name).unlink(missing_ok=True)
    for path, aside in moved:
        aside.rename(path)


def running(run_dir: Path, server: EmbeddedPostgres) -> int | None:
    """Return the process that uses a run folder or its data: the hub, or a database that outlived it."""
    try:
        up = int(json.loads((run_dir / "pids.json").read_text(encoding="utf-8"))["up"])
        if b"hub" in Path(f"/proc/{up}/cmdline").read_bytes():
            return up
    except (OSError, ValueError, KeyError):
        pass
    try:
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
        if b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    except (OSError, ValueError, IndexError):
        pass
    return None


def _room(backup: Backup, files: list[Path], server: EmbeddedPostgres) -> None:
    there = next(p for p in (server.data, *server.data.parents) if p.exists())
    need = backup.bytes_on_disk + len(files) * backup.segment_bytes + ROOM_BYTES
    if (free := shutil.disk_usage(there).free) < need:
        raise BackupError(f"{there} has {free >> 20} MB free, the restore needs {need >> 20} MB")


def _lay_out(backup: Backup, files: list[Path], server: EmbeddedPostgres) -> None:
    """Copy the cluster, and the whole log into it: nothing has to be fetched by a shell command while it recovers."""
    server.data.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(backup.cluster, server.data, symlinks=True)
    for file in files:
        target = server.data / "pg_wal" / file.name.removesuffix(".partial")
        # Where the follower was stopped before the backup ended, the backup's own piece of the log says more.
        if not file.name.endswith(".partial") or written_bytes(file) >= written_bytes(target):
            shutil.copyfile(file, target)
    (server.data / "recovery.signal").touch()
    server.data.chmod(0o700)
    for path in server.data.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    if not server.account.is_us:
        for path in (server.data, *server.data.rglob("*")):
            os.chown(path, server.account.uid, server.account.gid)


def _files(backup: Backup, run_dir: Path) -> Mapping[str, str]:
    """Put back what the run folder held; return what belongs elsewhere, and where it was."""
    places: dict[str, str] = json.loads((backup.files / PLACES_FILE).read_text(encoding="utf-8"))
    elsewhere: dict[str, str] = {}
    for file in sorted(backup.files.iterdir()):
        if file.name in OWN_FILES:
            target = run_dir / file.name
        else:
            (run_dir / BACK_FILES).mkdir(mode=0o700, exist_ok=True)
            target = run_dir / BACK_FILES / file.name
            if file.name in places:
                elsewhere[f"{BACK_FILES}/{file.name}"] = places[file.name]
        target.unlink(missing_ok=True)
        target.touch(mode=0o600)
        target.write_bytes(file.read_bytes())
    if not (run_dir / PASSWORD_FILE).exists():
        raise BackupError(f"{backup.files} has no {PASSWORD_FILE}: nobody could sign in to the database")
    return elsewhere


def _recover(server: EmbeddedPostgres, at: datetime | None) -> datetime | None:
    """Let the server read the log up to the moment, and answer only when it has; returns the time of the last change.

    The log lies in the cluster already. Recovery asks a command for it first; this one says it has nothing.
    """
    target = {} if at is None else {"recovery_target_time": at.isoformat(), "recovery_target_inclusive": "on"}
    said = {"restore_command": "false", "recovery_target_action": "promote", "hot_standby": "off", **target}
    try:
        server.start(said, RECOVERY_LIMIT_S)
    except EmbeddedPostgresError as err:
        if "before configured recovery target was reached" in err.log:
            last = LAST_CHANGE.findall(err.log)
            until = f"its last change is of {last[-1]}" if last else "it holds no change after the base backup"
            raise BackupError(f"the log ends before that moment; {until}. Leave out --at for all there is") from None
        raise
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as conn:
        row = conn.execute(Q.restored_to).fetchone()
    assert row is not None
    if row[1]:
        raise BackupError("the server still reads its log: the restore is not complete")
    until_: datetime | None = row[0]
    return until_


async def _look(server: EmbeddedPostgres, database: str) -> tuple[Mapping[str, Any], list[Break]]:
    """What it holds, and whether every chain of events holds."""
    async with await connect(server.dsn(database), name="carehub restore") as conn:
        async with conn.cursor(row_factory=dict_row) as cursor:
            holds = await (await cursor.execute(Q.holdings)).fetchone()
        return holds or {}, await Chains().all_of_them(conn)
