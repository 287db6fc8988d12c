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
from hub.web.app import ConsoleOptions, create_app

GRACE_S = 3  # what is being answered may finish; streams are ended at once
BACKLOG = 512
log = structlog.get_logger()


class ConsoleServer(uvicorn.Server):
    """Ends the live streams before it waits for answers under way: they would never finish by themselves."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        if hasattr(self._app.state, "parts"):
            self._app.state.parts.live.hush()
        await super().shutdown(sockets)


def server(options: ConsoleOptions, host: str, port: int) -> ConsoleServer:
    """Return a server that is ready to be run; port 0 takes a free one."""
    app = create_app(options)
    config = uvicorn.Config(
        app, host=host, port=port, http="httptools", loop="uvloop", ws="none", lifespan="on", log_config=None,
        access_log=False, server_header=False, backlog=BACKLOG, timeout_graceful_shutdown=GRACE_S,
    )  # fmt: skip
    return ConsoleServer(app, config)


def options_of(settings: Settings) -> ConsoleOptions:
    """Return what the console takes from the settings."""
    if not settings.database.dsn:
        raise ConfigError(["database.dsn: the console needs a database; set CAREHUB_DATABASE_DSN, or run carehub up"])
    return ConsoleOptions(
        dsn=settings.database.dsn, zone=settings.console.zone, language=settings.console.language,
        secure=settings.console.secure_cookies, link_key=settings.secrets.link_key,
        session_hours=settings.console.session_hours, desk_phone=settings.console.desk_phone,
        push_key=vapid.public_key(settings.secrets.vapid_key), push_hosts=settings.channels.push_hosts,
        push_local=settings.channels.push_local, callback_key=settings.secrets.callback_key,
        contacts_min=settings.install.contacts_min,
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
