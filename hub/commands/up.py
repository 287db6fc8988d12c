"""carehub up: everything on one machine, as child processes that restart by themselves."""

import argparse
import asyncio
import importlib.util
import json
import os
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from hub import logs
from hub.config import Settings, load
from hub.embedded import EmbeddedPostgres
from hub.errors import HubError
from hub.ingress.settings import WATCH
from hub.ports import free_port, is_free
from hub.simulated import TOWN
from hub.store import sealing
from hub.store.pool import connect, migrate
from hub.supervisor import TICK_S, Child, NotReadyError, Supervisor, role, stop_signals

HEADLESS_LIMIT_S = 300.0  # a scenario that has not ended by then has failed
RUNNING_FILE = "running.json"
PROMISES = ("fsync", "full_page_writes", "synchronous_commit")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="carehub up", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings file (TOML)")
    parser.add_argument("--demo", action="store_true", help="a simulated neighbourhood, on a database of its own")
    parser.add_argument("--headless", action="store_true", help="with --demo: play one scenario to its end and report")
    parser.add_argument("--scenario", help="with --demo: which one, a name or a file")
    parser.add_argument("--seed", type=int, default=1, help="with --demo: what the simulated people happen to do")
    options = parser.parse_args(argv)
    if (options.headless or options.scenario) and not options.demo:
        parser.error("--headless and --scenario go with --demo")
    logs.configure("up", stream=sys.stderr)
    settings = load(options.config)
    run = Run(settings=settings, options=options)
    return run.play()


@dataclass
class Run:
    """One `carehub up`, from the first child to the last."""

    settings: Settings
    options: argparse.Namespace

    def play(self) -> int:
        self.run_dir = self.settings.run_dir.resolve()
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self._refuse_a_second()
        self.scenario = self._scenario() if self.options.demo else ""
        supervisor = Supervisor(self.run_dir)
        with stop_signals() as stopped:
            try:
                self._start(supervisor)
                return (
                    self._headless(supervisor, stopped) if self.options.headless else self._watch(supervisor, stopped)
                )
            except NotReadyError:
                if stopped:
                    return 130
                raise
            finally:
                say("stopping")
                (self.run_dir / RUNNING_FILE).unlink(missing_ok=True)
                supervisor.stop()

    def _refuse_a_second(self) -> None:
        try:
            pid = int(json.loads((self.run_dir / "pids.json").read_text())["up"])
            os.kill(pid, 0)
        except (FileNotFoundError, ValueError, KeyError, ProcessLookupError):
            return
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"hub" not in command.read_bytes() and b"carehub" not in command.read_bytes():
            return
        raise HubError(
            f"a hub is running from {self.run_dir} (pid {pid}); stop it, or set CAREHUB_RUN_DIR to another folder"
        )

    def _start(self, supervisor: Supervisor) -> None:
        environ = dict(os.environ)
        dsn = self.settings.database.dsn or self._database(supervisor)
        with step("schema"):
            migrate(dsn)
            self._seal(dsn)
        environ |= {
            "CAREHUB_DATABASE_DSN": dsn,
            "CAREHUB_RUN_DIR": str(self.run_dir),
            **self._secrets(),
            **self._ports(),
        }
        if self.options.config:
            environ["CAREHUB_CONFIG"] = str(self.options.config.resolve())
        self.settings = load(self.options.config, environ)
        neighbourhood = self._seed(dsn) if self.options.demo else None
        metrics, console = self.settings.metrics, self.settings.console
        ready = {
            "ingest": f"http://{metrics.host}:{metrics.ingest_port}/readyz",
            "dispatch": f"http://{metrics.host}:{metrics.dispatch_port}/readyz",
            "console": f"http://{console.host}:{console.port}/readyz",
            "audit": f"http://{metrics.host}:{metrics.audit_port}/readyz",
        }
        children = [role(name, self.run_dir, environ, url) for name, url in ready.items()]
        if self.settings.backup.to:  # the first to start is the last to be stopped
            supervisor.add(role("backup", self.run_dir, environ, None, "--follow"))
        for child in children:
            supervisor.add(child)
        for child in children:
            with step(child.name):
                supervisor.wait_ready(child)
        self._leave_word(dsn)
        if neighbourhood is not None:
            supervisor.add(self._simulator(neighbourhood, environ))
        self._announce()

    def _database(self, supervisor: Supervisor) -> str:
        with step("database"):
            supervisor.postgres = EmbeddedPostgres(self.run_dir)
            supervisor.postgres.start()
            dsn = supervisor.postgres.dsn()
        with psycopg.connect(dsn) as conn:
            values = [f"{name} {conn.execute(f'show {name}'.encode()).fetchone()[0]}" for name in PROMISES]  # type: ignore[index]
        say(f"  PostgreSQL on 127.0.0.1:{supervisor.postgres.port}, {', '.join(values)}")
        return dsn

    def _secrets(self) -> dict[str, str]:
        """Keys for links and webhooks: the environment's, else made once and kept in the run folder, mode 0600."""
        path = self.run_dir / "secrets.json"
        if not path.exists():
            path.touch(mode=0o600)
            names = ("CAREHUB_SECRETS_LINK_KEY", "CAREHUB_SECRETS_WEBHOOK_KEY", "CAREHUB_SECRETS_CALLBACK_KEY")
            from hub.channels import vapid  # noqa: PLC0415 - all channels and what they stand on, for a first start alone

            made = {name: secrets.token_urlsafe(32) for name in names}
            path.write_text(json.dumps(made | {"CAREHUB_SECRETS_VAPID_KEY": vapid.make_key()}))
        kept: dict[str, str] = json.loads(path.read_text())
        return {name: os.environ.get(name) or value for name, value in kept.items()}

    def _ports(self) -> dict[str, str]:
        """In the demo a port that is taken is no reason to fail: another one is used and announced."""
        if not self.options.demo:
            return {}
        s = self.settings
        wanted = {
            "CAREHUB_CONSOLE_PORT": (s.console.host, s.console.port),
            "CAREHUB_LISTENER_PORT": (s.listener.host, s.listener.port),
            "CAREHUB_GATEWAY_PORT": (s.gateway.host, s.gateway.port),
            "CAREHUB_METRICS_INGEST_PORT": (s.metrics.host, s.metrics.ingest_port),
            "CAREHUB_METRICS_DISPATCH_PORT": (s.metrics.host, s.metrics.dispatch_port),
            "CAREHUB_METRICS_AUDIT_PORT": (s.metrics.host, s.metrics.audit_port),
        }
        moved = {name: str(free_port()) for name, (host, port) in wanted.items() if not is_free(host, port)}
        # The simulated watches speak watch3g, whatever else is served.
        trackers = [door for door in s.gateway.doors() if door.name != WATCH]
        ports = ((d.name, d.port if is_free(s.gateway.host, d.port) else free_port()) for d in trackers)
        served = ",".join((WATCH, *(f"{name}:{port}" for name, port in ports)))
        telephone = {} if s.telephone.provider else {"CAREHUB_TELEPHONE_PROVIDER": "simulated"}
        return {"CAREHUB_GATEWAY_ENABLED": "true", "CAREHUB_GATEWAY_PROTOCOLS": served, **telephone, **moved}

    def _seal(self, dsn: str) -> None:
        """The first key, and what an earlier release left plain: no console of that one runs from this folder."""

        async def sealed_all() -> None:
            async with await connect(dsn) as conn:
                if await sealing.begin(conn, self.run_dir):
                    await sealing.seal_plain(conn)
                else:
                    say("  door codes and notes do not open: the key is missing here, carehub doctor")

        asyncio.run(sealed_all())

    def _seed(self, dsn: str) -> Path:
        from hub import demo  # noqa: PLC0415 - as much again as all the rest of this command, which no other run needs

        async def seeded() -> Path:
            async with await connect(dsn) as conn:
                return await demo.seed(conn, self.run_dir, self.settings)

        with step("neighbourhood"):
            return asyncio.run(seeded())

    def _leave_word(self, dsn: str) -> None:
        """For commands and tests beside a running hub: where everything is. Holds the database password: mode 0600."""
        listener, gateway = self.settings.listener, self.settings.gateway
        served = [door.name for door in gateway.doors()]
        word = {
            "pid": os.getpid(),
            "dsn": dsn,
            "console_url": self.settings.public_url,
            "listener": [listener.host, listener.port],
            "gateway": [gateway.host, gateway.port] if gateway.enabled and WATCH in served else None,
        }
        part = self.run_dir / f"{RUNNING_FILE}.part"
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_text(json.dumps(word))
        part.replace(self.run_dir / RUNNING_FILE)  # whoever waits for it reads all of it

    def _scenario(self) -> str:
        """Return the scenario to play, refusing one that does not exist before anything is started."""
        name = str(self.options.scenario or ("one_night" if self.options.headless else "quiet_evening"))
        spec = importlib.util.find_spec("simulator")
        folders = [Path(place) / "scenarios" for place in (spec and spec.submodule_search_locations) or ()]
        stories = (path for folder in folders for path in folder.glob("*.toml"))
        known = sorted(path.stem for path in stories if not TOWN.search(path.read_text(encoding="utf-8")))
        if name not in known and not Path(name).is_file():
            raise HubError(f"there is no scenario {name!r}; there are {', '.join(known)}, or give a file")
        return name

    def _simulator(self, neighbourhood: Path, environ: dict[str, str]) -> Child:
        headless = ["--headless"] if self.options.headless else []
        command = [
            sys.executable, "-m", "simulator", "--neighbourhood", str(neighbourhood), "--scenario", self.scenario,
            "--seed", str(self.options.seed), "--report", str(self.report_path), *headless,
        ]  # fmt: skip
        self.report_path.unlink(missing_ok=True)
        log_path = self.run_dir / "logs" / "simulator.log"
        # The simulator sees only the wire: it gets no database and no secrets but those in the neighbourhood file.
        plain = {k: v for k, v in environ.items() if not k.startswith("CAREHUB_")}
        return Child(
            name="simulator", command=command, environ=plain, log_path=log_path, restart=not self.options.headless
        )

    @property
    def report_path(self) -> Path:
        return self.run_dir / "simulator-report.json"

    def _announce(self) -> None:
        say(f"\n  console   {self.settings.public_url}")
        if self.options.demo:
            from hub import demo  # noqa: PLC0415

            say(f"  sign in   {demo.sign_in(self.run_dir)}")
            say(f"  family    {self.settings.public_url}{demo.family_page(self.run_dir)}")
        listener = self.settings.listener
        say(f"  devices   mqtt://{listener.host}:{listener.port}")
        if (gateway := self.settings.gateway).enabled:
            served = ", ".join(f"{door.name} on {door.port}" for door in gateway.doors())
            say(f"  trackers  tcp {gateway.host}: {served}")
        say(f"  logs      {self.run_dir / 'logs'}\n")
        say("  playing one scenario to its end …" if self.options.headless else "  Ctrl-C stops everything")

    def _watch(self, supervisor: Supervisor, stopped: list[int]) -> int:
        while not stopped:
            supervisor.watch()
            time.sleep(TICK_S)
        return 0

    def _headless(self, supervisor: Supervisor, stopped: list[int]) -> int:
        simulator = supervisor.children[-1]
        deadline = time.monotonic() + HEADLESS_LIMIT_S
        while simulator.alive() and not stopped and time.monotonic() < deadline:
            supervisor.watch()
            time.sleep(TICK_S)
        if stopped:
            return 130
        problems = [] if not simulator.alive() else [f"the scenario did not end within {HEADLESS_LIMIT_S:.0f} s"]
        code = simulator.process.returncode if simulator.process else None
        if code:
            problems.append(f"the simulator ended with {code}: {simulator.tail()}")
        dsn = supervisor.postgres.dsn() if supervisor.postgres else self.settings.database.dsn
        sent = json.loads(self.report_path.read_text(encoding="utf-8")) if self.report_path.exists() else {}
        table, found = asyncio.run(_account(dsn, sent))
        say(table)
        problems += found
        say("\n".join(f"PROBLEM {p}" for p in problems) or "every incident was closed by a person; nothing was lost")
        return 1 if problems else 0


async def _account(dsn: str, sent: dict[str, Any]) -> tuple[str, list[str]]:
    """Return every incident's timeline, and what went wrong by the simulator's own account of what it sent."""
    from hub import demo  # noqa: PLC0415

    async with await connect(dsn) as conn:
        return await demo.timelines(conn), await demo.verdict(conn, sent)


class step:  # noqa: N801 - reads as a word in `with step("database")`
    """Show what is being started and how long it took."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.began = time.monotonic()
        print(f"  {self.name:<15}", end="", flush=True)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        print("failed" if kind else f"ready  {time.monotonic() - self.began:5.1f} s", flush=True)


def say(text: str) -> None:
    print(text, flush=True)
