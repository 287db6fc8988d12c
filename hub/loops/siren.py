"""The local siren: sounds while something is wrong that nobody has acknowledged, also when the database is away."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import structlog
from prometheus_client import Counter, Gauge

from hub.loops.findings import Finding, Standing
from hub.watch_settings import AuditSettings

LOOK_S = 0.2
SOUNDS_MOST = 240  # runs in a row; then it rests once, or a player that ends at once would never let anybody think
BROKER_AGAIN_S = 2.0
BROKER_AWAY_S = 5.0  # without its broker for longer, the siren is broken
STOP_S = 2.0
QUIET_FILE = "siren.quiet"  # written by `carehub siren quiet`: the way to acknowledge while the database is away

SOUNDING = Gauge("carehub_siren_sounding", "1 while the local siren sounds")
SOUNDS = Counter("carehub_siren_sounds_total", "Runs of the siren's command", ["outcome"])

log = structlog.get_logger()


@dataclass(kw_only=True)
class Siren:
    """Runs a command again and again, and switches a siren at another broker, until it may be silent."""

    settings: AuditSettings
    alarms: Callable[[], Sequence[Standing]]  # what is wrong, loud enough and not acknowledged
    run_dir: Path
    name: str = "siren"
    _faults: dict[str, str] = field(default_factory=dict)
    _broker_since: float | None = None  # since when the broker is away
    _told: bool = False

    async def run(self) -> None:
        """Sound when it must, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look(), name="siren look")
            if self.settings.siren_command:
                self._check()
                group.create_task(self._command(), name="siren command")
            if self.settings.siren_topic:
                group.create_task(self._broker(), name="siren broker")

    def sounding(self) -> list[Standing]:
        """Return what it sounds for now."""
        quiet_s = self._quiet_s()
        return [
            alarm for alarm in self.alarms()
            if alarm.lasts_s >= self.settings.siren_after_s and not (quiet_s is not None and alarm.lasts_s > quiet_s)
        ]  # fmt: skip

    def findings(self) -> Sequence[Finding]:
        faults = dict(self._faults)
        if self._broker_since is not None and time.monotonic() - self._broker_since > BROKER_AWAY_S:
            faults["broker"] = "its broker cannot be reached"
        return [Finding(rule="siren_broken", subject=part, detail=why) for part, why in sorted(faults.items())]

    def says(self) -> str:
        if not self.settings.siren_command and not self.settings.siren_topic:
            return "none"
        return "sounds" if self.sounding() else "silent"

    def _quiet_s(self) -> float | None:
        """Return how long ago somebody at this machine acknowledged, while that counts; younger faults sound."""
        try:
            age_s = time.time() - (self.run_dir / QUIET_FILE).stat().st_mtime
        except OSError:
            return None
        return age_s if 0 <= age_s < 60 * self.settings.siren_again_min else None

    def _who_quieted(self) -> str:
        try:
            return (self.run_dir / QUIET_FILE).read_text(encoding="utf-8").strip()[:300]
        except (OSError, UnicodeDecodeError):
            return ""

    async def _look(self) -> None:
        while True:
            wanted = self.sounding()
            if bool(wanted) != self._told:
                self._told = bool(wanted)
                said = log.error if wanted else log.info
                quiet = self._who_quieted() if not wanted and self._quiet_s() is not None else None
                said("siren", sounds=self._told, rules=sorted({a.finding.rule for a in wanted}), acknowledged=quiet)
            SOUNDING.set(self._told)
            await asyncio.sleep(LOOK_S)

    def _check(self) -> None:
        """A siren that cannot be started is found when the hub starts, not when it is needed."""
        word = self.settings.siren_command[0]
        if shutil.which(word) is None:
            self._faults["command"] = f"{Path(word).name} is not there or cannot be run"

    async def _command(self) -> None:
        runs = 0
        while True:
            alarms = self.sounding()
            if not alarms:
                runs = 0
                await asyncio.sleep(LOOK_S)
                continue
            await self._once(alarms)
            runs += 1
            rest_s = 60 * self.settings.siren_again_min if runs % SOUNDS_MOST == 0 else self.settings.siren_pause_s
            await self._pause(rest_s)

    async def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            rest_s = deadline - time.monotonic()
            if rest_s <= 0 or not self.sounding():
                return
            await asyncio.sleep(min(LOOK_S, rest_s))

    async def _once(self, alarms: Sequence[Standing]) -> None:
        """Run the command to its end, or until it may be silent."""
        rules = " ".join(sorted({alarm.finding.rule for alarm in alarms}))
        try:
            process = await asyncio.create_subprocess_exec(
                *self.settings.siren_command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL, start_new_session=True, env=environ(rules),
            )  # fmt: skip
        except OSError as err:
            self._ended("broken", f"cannot be started: {err.strerror}")
            return
        deadline = time.monotonic() + self.settings.siren_limit_s
        try:
            while process.returncode is None and time.monotonic() < deadline and self.sounding():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await process.wait()
        finally:
            code = process.returncode
            if code is None:
                await _stop(process)
        if code is None and time.monotonic() >= deadline:
            self._ended("broken", f"did not end in {self.settings.siren_limit_s:g} s")
        elif code:
            self._ended("broken", f"ended with {code}")
        else:
            self._ended("sounded", None)

    def _ended(self, outcome: str, fault: str | None) -> None:
        SOUNDS.labels(outcome).inc()
        if fault is None:
            self._faults.pop("command", None)
        else:
            self._faults["command"] = fault
            log.error("siren_broken", why=fault)

    async def _broker(self) -> None:
        """Keep the siren at the broker as it should be; said again while it sounds, in case it was off."""
        at = self.settings
        self._broker_since = time.monotonic()
        while True:
            try:
                async with aiomqtt.Client(
                    at.siren_host, at.siren_port, username=at.siren_username or None,
                    password=at.siren_password or None, timeout=BROKER_AWAY_S, keepalive=10,
                ) as client:  # fmt: skip
                    self._broker_since = None
                    await self._switch(client)
            except (aiomqtt.MqttError, OSError, TimeoutError) as err:
                log.warning("siren_broker_away", error=type(err).__name__)
            self._broker_since = self._broker_since or time.monotonic()
            await asyncio.sleep(BROKER_AGAIN_S)

    async def _switch(self, client: aiomqtt.Client) -> None:
        on, said_at = None, 0.0
        while True:
            wanted = bool(self.sounding())
            again = time.monotonic() - said_at > self.settings.siren_pause_s  # also silent: a broker that is gone shows
            if wanted is not on or again:
                word = self.settings.siren_on if wanted else self.settings.siren_off
                await client.publish(self.settings.siren_topic, word, qos=1)
                on, said_at = wanted, time.monotonic()
            await asyncio.sleep(LOOK_S)


def environ(rules: str) -> dict[str, str]:
    """The command gets no secret of ours: only what it needs to run, and what it sounds for."""
    kept = ("PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "PULSE_SERVER", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"CAREHUB_SIREN_RULES": rules}


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the player and what it has started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await process.wait()
                return
