"""Checks of the machine: Python, time, disks, certificates, the files that hold secrets, the age of the backup."""

import asyncio
import shutil
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.config import RUNNING_FILE, SECRETS_FILE
from hub.demo.seeding import NEIGHBOURHOOD_FILE
from hub.keeping.base import PASSWORD_FILE
from hub.keeping.follow import followed
from hub.keeping.shelf import backups
from hub.keeping.verdict import Patient, Verdict, doubt, ok, skipped, wrong
from hub.loops.canary import SECRETS_FILE as CANARY_FILE
from hub.sealed import KEYS_FILE

OLDEST_PYTHON = (3, 11)
FULL, NEARLY_FULL = 0.05, 0.15  # of a disk that is free
LEAST_FREE = 1 << 30
EXPIRES_SOON = timedelta(days=21)
COMMAND_LIMIT_S = 5.0
PRIVATE = (SECRETS_FILE, KEYS_FILE, PASSWORD_FILE, CANARY_FILE, RUNNING_FILE, NEIGHBOURHOOD_FILE)


async def python(_: Patient) -> Verdict:
    version = ".".join(map(str, sys.version_info[:3]))
    return ok(version) if sys.version_info >= OLDEST_PYTHON else wrong(version)


async def disk(of: Patient) -> Verdict:
    """The disk of the run folder: the embedded database lies there too, and the logs."""
    there = next(p for p in (of.run_dir, *of.run_dir.parents) if p.exists())
    usage = shutil.disk_usage(there)
    share = usage.free / usage.total
    said = f"{usage.free / 1e9:,.1f} GB free ({share:.0%}) at {there}"
    if share < FULL or usage.free < LEAST_FREE:
        return wrong(said)
    return doubt(said) if share < NEARLY_FULL else ok(said)


async def time_sync(_: Patient) -> Verdict:
    """Whether something keeps this machine's clock right."""
    for command, good in ((("timedatectl", "show", "-p", "NTPSynchronized", "--value"), "yes"),
                          (("chronyc", "-n", "tracking"), "Leap status     : Normal")):  # fmt: skip
        said = await asyncio.to_thread(_said, command)
        if said is not None:
            return ok(f"{command[0]}: synchronised") if good in said else wrong(f"{command[0]}: not synchronised")
    return doubt("neither timedatectl nor chronyc answers here")


def _said(command: tuple[str, ...]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _disk_of(path: Path) -> int:
    return next(p for p in (path, *path.parents) if p.exists()).stat().st_dev


async def certificate(of: Patient) -> Verdict:
    path = of.settings.listener.tls_cert
    if not path:
        return doubt("devices connect without TLS") if not _local(of) else skipped("the listener serves this machine")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, of.settings.listener.tls_key)
    except (OSError, ssl.SSLError) as err:
        return wrong(f"{path} cannot be used: {type(err).__name__}")
    left = await asyncio.to_thread(_ends, path) - datetime.now(UTC)
    said = f"{path} ends in {left.days} days"
    return wrong(said) if left <= timedelta(0) else doubt(said) if left < EXPIRES_SOON else ok(said)


def _ends(path: str) -> datetime:
    """Return when a certificate ends: the first of the file, which is the one that is shown."""
    from cryptography import x509  # noqa: PLC0415 - of pywebpush; nobody else of the command line needs it

    return x509.load_pem_x509_certificates(Path(path).read_bytes())[0].not_valid_after_utc


def _local(of: Patient) -> bool:
    return of.settings.listener.host in ("127.0.0.1", "localhost", "::1")


async def secret_files(of: Patient) -> Verdict:
    """Who may read what must stay with us."""
    listener = of.settings.listener
    named = [*(of.run_dir / name for name in PRIVATE), *([Path(listener.tls_key)] if listener.tls_key else [])]
    named += [Path(of.settings.backup.to)] if of.settings.backup.to else []
    there = [path for path in named if path.exists()]
    open_to = [path for path in there if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_to:
        return wrong(f"others may read {', '.join(map(str, open_to))}", f"chmod go= {' '.join(map(str, open_to))}")
    return ok(f"{len(there)} places, readable by their owner alone") if there else skipped(f"none in {of.run_dir}")


async def backup(of: Patient) -> Verdict:
    """How old the last base backup is, and whether the log is followed."""
    if not of.settings.backup.to:
        if (of.run_dir / NEIGHBOURHOOD_FILE).exists():
            return skipped("a demo needs none")
        return wrong("backup.to is not set: a burnt disk takes every case with it")
    shelf = Path(of.settings.backup.to)
    last = next(reversed(await asyncio.to_thread(backups, shelf)), None)
    if last is None:
        return wrong(f"no finished backup in {shelf}")
    age = datetime.now(UTC) - last.ended
    said = f"{last.folder.name}, {age.total_seconds() / 3600:.1f} h old"
    late = age > timedelta(hours=2 * of.settings.backup.every_h)
    if late or not followed(shelf):
        why = "older than twice backup.every_h" if late else "nobody follows the log, what came since would be lost"
        return wrong(f"{said}: {why}")
    if _disk_of(shelf) == _disk_of(of.run_dir):
        return doubt(f"{said}; on the same disk as the hub", "put backup.to on another disk, or copy it to one")
    return ok(f"{said}, the log is followed")
