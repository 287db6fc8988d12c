"""Logs: one JSON object a line, whoever speaks."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from hub import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    out = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.configure("ingest", stream=out)
    yield out
    root.handlers[:], _ = before
    root.setLevel(before[1])
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_line_is_json_with_role_and_identifiers(stream: io.StringIO) -> None:
    structlog.get_logger().info("opened", incident=7, device=3)
    (line,) = lines(stream)
    assert (line["event"], line["role"], line["incident"], line["level"]) == ("opened", "ingest", 7, "info")


def test_library_speaks_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("psycopg.pool").warning("error connecting in %r:\nsecond line", "pool")
    logging.getLogger("psycopg.pool").info("too quiet to be heard")
    (line,) = lines(stream)
    assert line["logger"] == "psycopg.pool"
    assert line["said"] == "error connecting in 'pool':\nsecond line"
    assert line["level"] == "warning"


def test_fault_of_a_library_keeps_its_trace(stream: io.StringIO) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("asyncio").exception("Fatal error on transport")
    (line,) = lines(stream)
    assert "ValueError: broken" in str(line["exception"])
