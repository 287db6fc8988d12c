"""carehub console: the operators' web console and the responders' pages."""

import argparse
import signal
from pathlib import Path
from socket import socket

import structlog
import uvicorn
from fastapi import FastAPI

from hub import logs
from hub.channels import vapid
from hub.config import ConfigError, Settings, load
from hub.telephony import line_of
from hub.web.app import ConsoleOptions, create_app
from hub.web.slow import Prompt

GRACE_S = 3  # what is being answered may finish; streams are ended at once
BACKLOG = 512
log = structlog.get_logger()


class ConsoleServer(uvicorn.Server):
    """Ends the live streams before it waits for answers under way: they would never finish by themselves."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.app = app

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        if hasattr(self.app.state, "parts"):
            self.app.state.parts.live.hush()
        await super().shutdown(sockets)


def server(options: ConsoleOptions, host: str, port: int, kind: type[ConsoleServer] = ConsoleServer) -> ConsoleServer:
    """Return a server that is ready to be run; port 0 takes a free one."""
    app = create_app(options)
    config = uvicorn.Config(
        app, host=host, port=port, http=Prompt, loop="uvloop", ws="none", lifespan="on", log_config=None,
        access_log=False, server_header=False, backlog=BACKLOG, timeout_graceful_shutdown=GRACE_S,
    )  # fmt: skip
    return kind(app, config)


def options_of(settings: Settings) -> ConsoleOptions:
    """Return what the console takes from the settings."""
    if not settings.database.dsn:
        raise ConfigError(["database.dsn: the console needs a database; set CAREHUB_DATABASE_DSN, or run carehub up"])
    return ConsoleOptions(
        dsn=settings.database.dsn, zone=settings.console.zone, language=settings.console.language,
        secure=settings.console.secure_cookies, link_key=settings.secrets.link_key,
        session_hours=settings.console.session_hours, desk_phone=settings.console.desk_phone,
        drill=settings.console.drill,
        push_key=vapid.public_key(settings.secrets.vapid_key), push_hosts=settings.channels.push_hosts,
        push_local=settings.channels.push_local, callback_key=settings.secrets.callback_key,
        contacts_min=settings.install.contacts_min, line=line_of(settings), map=settings.map, run_dir=settings.run_dir,
        ingest=settings.ingest,
        private_networks=settings.api.private_networks,
        second_factor=",".join(settings.console.second_factor),
    )  # fmt: skip


def main(argv: list[str]) -> int:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(prog="carehub console", description="operators' web console and responders' pages")
    parser.add_argument("--config", type=Path, help="settings file (TOML); the environment comes after it")
    args = parser.parse_args(argv)
    settings = load(args.config)
    logs.configure("console", settings.log_level)
    running = server(options_of(settings), settings.console.host, settings.console.port)
    log.info("console_starting", host=settings.console.host, port=settings.console.port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn takes these while it runs, and when everything is closed raises them once more for whoever had them
        # before. Nobody had: a console that was told to stop and did has ended well, not died of a signal.
        signal.signal(number, lambda *_: None)
    running.run()
    return 0 if running.started else 1
