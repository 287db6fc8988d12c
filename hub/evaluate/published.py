"""What others publish, and what the recordings cannot show: words of `published.toml`, in English and Chinese."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

FILE = "published.toml"


def anchors(subject: str) -> list[dict[str, Any]]:
    """Return the figures that stand beside one subject, each with its source, protocol and whether it compares."""
    return [anchor for anchor in _file()["anchor"] if anchor["subject"] == subject]


def limits() -> list[dict[str, str]]:
    """Return what the data cannot show."""
    return list(_file()["limit"])


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((files("hub.evaluate") / FILE).read_text(encoding="utf-8"))
