"""Makes one base backup: the cluster as PostgreSQL's own program copies it, and the files the hub needs beside it."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from hub.config import SECRETS_FILE, Settings
from hub.demo.seeding import NEIGHBOURHOOD_FILE
from hub.keeping.shelf import CLUSTER, FILES, PART, Backup, BackupError, stamp
from hub.keeping.tools import Tools
from hub.loops.canary import SECRETS_FILE as CANARY_FILE
from hub.sealed import KEYS_FILE
from hub.store.sql import queries

Q = queries("keeping")
ROOM = 1.2  # of the database's size: what is written while it is copied
ROOM_BYTES = 64 << 20
PASSWORD_FILE, ENVIRONMENT_FILE, PLACES_FILE = "postgres.password", "environment.json", "places.json"
OWN_FILES = (PASSWORD_FILE, SECRETS_FILE, KEYS_FILE, CANARY_FILE, NEIGHBOURHOOD_FILE)  # of the run folder
NOT_KEPT = frozenset({"CAREHUB_DATABASE_DSN", "CAREHUB_RUN_DIR", "CAREHUB_CONFIG"})  # true of this machine only


@dataclass(frozen=True, kw_only=True)
class Made:
    """A finished backup, and which of the hub's files are in it."""

    backup: Backup
    files: tuple[str, ...]
    missing: tuple[str, ...]


def ask(dsn: str, query: bytes, **values: Any) -> dict[str, Any]:
    """Return the one row a query of the keeping finds; empty when it finds none."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5, row_factory=dict_row) as conn:
        done = conn.execute(query, values)
        return (done.fetchone() or {}) if done.description else {}


def make(settings: Settings, tools: Tools, shelf: Path, *, gently: bool = False) -> Made:
    """Copy the running cluster and the hub's files, verify the copy, and only then give it its name.

    Args:
        gently: wait for the next checkpoint instead of asking for one: minutes later, and no burst of writing.

    Raises:
        BackupError: It cannot be made; nothing is left behind but what was there.
    """
    cluster = ask(tools.dsn, Q.cluster)
    _possible(cluster, shelf)
    shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = shelf / stamp(cluster["at"])
    part = shelf / (place.name + PART)
    if place.exists():
        raise BackupError(f"{place} is there already: nothing is overwritten, try again in a second")
    part.mkdir(mode=0o700)
    try:
        backup = _copy(tools, part, cluster, gently=gently, embedded=_is_own(settings, tools.dsn))
        files, missing = _keep_files(settings, part / FILES)
        backup.write()
        _settle(part)
        part.rename(place)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Made(backup=replace(backup, folder=place), files=files, missing=missing)


def _possible(cluster: Mapping[str, Any], shelf: Path) -> None:
    if not cluster["may"]:
        raise BackupError("the account may not copy the database: alter role <user> replication")
    if cluster["wal_level"] == "minimal":
        raise BackupError("the server writes too little for a backup: set wal_level = replica and restart it")
    if cluster["tablespaces"]:
        raise BackupError("the cluster has tablespaces of its own: back it up with pgBackRest or pg_basebackup -T")
    if shelf.exists() and not os.access(shelf, os.W_OK):
        raise BackupError(f"{shelf} cannot be written")
    there = next(p for p in (shelf.resolve(), *shelf.resolve().parents) if p.exists())
    free, need = shutil.disk_usage(there).free, int(cluster["bytes"] * ROOM) + ROOM_BYTES
    if free < need:
        raise BackupError(f"{there} has {free >> 20} MB free, a backup needs {need >> 20}: make room")


def _copy(tools: Tools, part: Path, cluster: Mapping[str, Any], *, gently: bool, embedded: bool) -> Backup:
    into = part / CLUSTER
    tools.run(
        "pg_basebackup", "-d", tools.address, "-D", str(into), "--format=plain", "--wal-method=stream",
        f"--checkpoint={'spread' if gently else 'fast'}", "--no-password", "--manifest-checksums=SHA256",
    )  # fmt: skip
    verify(tools, into)
    ended = ask(tools.dsn, Q.cluster)["at"]
    ranges = json.loads((into / "backup_manifest").read_text(encoding="utf-8"))["WAL-Ranges"]
    size = sum(file.stat().st_size for file in into.rglob("*") if file.is_file())
    return Backup(
        folder=part, began=cluster["at"], ended=ended, system=cluster["system"], timeline=ranges[-1]["Timeline"],
        segment_bytes=cluster["segment_bytes"], end_lsn=_lsn(ranges[-1]["End-LSN"]), bytes_on_disk=size,
        server=cluster["server"], database=cluster["database"], embedded=embedded,
        release=metadata.version("carehub"), migration=cluster["migration"],
    )  # fmt: skip


def verify(tools: Tools, cluster: Path) -> None:
    """Hold every file against the manifest's SHA-256, and read the log that belongs to it.

    The log of another release of PostgreSQL our programs cannot read: of such a cluster the files alone are looked at.

    Raises:
        BackupError: A file is missing, is more than there was, or was changed.
    """
    foreign = int((cluster / "PG_VERSION").read_text()) != tools.release
    tools.run("pg_verifybackup", "--quiet", *(["--no-parse-wal"] if foreign else []), str(cluster))


def _keep_files(settings: Settings, into: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Copy what no database holds: keys, certificates, settings. Returns what is there, and what should be."""
    into.mkdir(mode=0o700)
    run_dir = settings.run_dir.resolve()
    sources = {name: run_dir / name for name in OWN_FILES}
    config = os.environ.get("CAREHUB_CONFIG", "")
    named = [config, settings.listener.tls_cert, settings.listener.tls_key, settings.listener.tls_client_ca,
             settings.bridge.tls_ca, settings.smtp.ca_file]  # fmt: skip
    sources |= {f"{index}-{Path(name).name}": Path(name) for index, name in enumerate(named) if name}
    kept, missing = [], []
    for name, source in sources.items():
        try:
            _private(into / name, source.read_bytes())
            kept.append(name)
        except OSError:
            missing += [str(source)] if name not in OWN_FILES else []
    said = {name: value for name, value in os.environ.items() if name.startswith("CAREHUB_") and name not in NOT_KEPT}
    _private(into / ENVIRONMENT_FILE, json.dumps(said, indent=1).encode())
    _private(into / PLACES_FILE, json.dumps({n: str(sources[n].resolve()) for n in kept}, indent=1).encode())
    return tuple(kept), tuple(missing)


def _private(file: Path, text: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(text)


def _settle(folder: Path) -> None:
    """What was just written is on the disk before it gets its name."""
    for file in (*folder.glob("*.json"), *(folder / FILES).iterdir(), folder):
        number = os.open(file, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _is_own(settings: Settings, dsn: str) -> bool:
    """Whether it is the PostgreSQL that `carehub up` brings: its password lies beside it."""
    file = settings.run_dir / PASSWORD_FILE
    return file.exists() and file.read_text().strip() == conninfo_to_dict(dsn).get("password")


def _lsn(text: str) -> int:
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)
