"""carehub siren: try the local siren, acknowledge it while the database is away, write a sound for it."""

import argparse
import getpass
import math
import os
import shlex
import struct
import subprocess
import wave
from pathlib import Path

from hub import logs
from hub.config import Settings, load
from hub.errors import HubError
from hub.loops.siren import QUIET_FILE, environ

RATE_HZ = 22_050
TONES_HZ = (960.0, 770.0)  # two tones in turn, half a second each: nothing else in an office sounds so
SECONDS = 6
SETTING = "CAREHUB_AUDIT_SIREN_COMMAND"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="carehub siren", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("test", help="run audit.siren_command once and say how it ended")
    quiet = verbs.add_parser("quiet", help="acknowledge what is wrong now; what goes wrong later sounds all the same")
    quiet.add_argument("--name", default="", help="who acknowledges; left out: the account")
    quiet.add_argument("--why", required=True, help="the reason, or what is being done")
    sound = verbs.add_parser("wav", help="write a two-tone signal for a player: audit.siren_command = aplay,-q,FILE")
    sound.add_argument("file", type=Path)
    options = parser.parse_args(argv)
    logs.configure("siren")
    if options.verb == "wav":
        return _write(options.file)
    settings = load(options.config)
    return _test(settings) if options.verb == "test" else _quiet(settings, options.name or _account(), options.why)


def _write(path: Path) -> int:
    try:
        write_wav(path)
    except OSError as err:
        raise HubError(f"{path}: cannot be written ({err.strerror}); give a file in a folder that is there") from err
    print(f"{path}: {SECONDS} s; to use it set CAREHUB_AUDIT_SIREN_COMMAND=aplay,-q,{path.resolve()}")
    return 0


def write_wav(path: Path) -> None:
    """Write some seconds of the two tones, 16 bits, one channel."""
    frames = bytearray()
    for number in range(RATE_HZ * SECONDS):
        tone_hz = TONES_HZ[number * 2 // RATE_HZ % 2]
        frames += struct.pack("<h", int(30_000 * math.sin(math.tau * tone_hz * number / RATE_HZ)))
    with path.open("wb") as file, wave.open(file, "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes(bytes(frames))


def _test(settings: Settings) -> int:
    command = settings.audit.siren_command
    if not command:
        raise HubError(f"no siren is set up: set {SETTING}, words apart by commas: aplay,-q,/etc/carehub/siren.wav")
    words = shlex.join(command)
    try:
        code = subprocess.run(
            command, env=environ("test"), timeout=settings.audit.siren_limit_s, check=False
        ).returncode
    except subprocess.TimeoutExpired as err:
        raise HubError(
            f"the siren is broken: `{words}` did not end in {settings.audit.siren_limit_s:g} s and was stopped;"
            " give a command that sounds once and ends, or a greater audit.siren_limit_s"
        ) from err
    except OSError as err:
        raise HubError(
            f"the siren is broken: {command[0]} cannot be run ({err.strerror}); install it, or give the whole path of"
            f" another player in {SETTING}"
        ) from err
    broken = f"the siren is broken; run `{words}` yourself and read what it says"
    print(f"it ended with {code}: " + (broken if code else "did you hear it?"))
    return 1 if code else 0


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return str(os.getuid())


def _quiet(settings: Settings, name: str, why: str) -> int:
    """Leave word for the audit process of this machine, which logs it and needs no database for it."""
    file = settings.run_dir / QUIET_FILE
    try:
        settings.run_dir.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name}: {why}\n", encoding="utf-8")
    except OSError as err:
        raise HubError(f"{file}: cannot be written ({err.strerror}); run this as the account of carehub") from err
    print(f"silent for {settings.audit.siren_again_min:g} min about what is wrong now: word left in {file}")
    return 0
