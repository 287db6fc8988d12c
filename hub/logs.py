"""Logs: one JSON object a line on standard error, identifiers only, never names or addresses of people."""

import logging
import sys
from typing import TextIO

import structlog

TELL_TOO_MUCH = ("httpx", "httpcore", "aiosmtplib", "apprise")  # whole URLs: numbers, names and tokens stand in them
LIMIT = 2_000  # characters of what a library says


def configure(role: str, level: str = "info", stream: TextIO = sys.stderr) -> None:
    """Set up structlog for this process. `role` (ingest, console …) stands in every line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)
    # What libraries say (a pool that cannot connect, a broken transport) comes in the same form.
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)
    for name in TELL_TOO_MUCH:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Foreign(logging.Handler):
    """Passes records of the standard library's logging on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(
            record.levelno, "library", logger=record.name, said=record.getMessage()[:LIMIT], exc_info=record.exc_info
        )
