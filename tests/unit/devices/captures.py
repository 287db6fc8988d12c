"""The captures of tests/captures as messages: each line says what its payload must be understood to say."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from devices.adapter import Message

RECEIVED_AT = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)  # when every capture is taken to have arrived
FOLDER = Path(__file__).parents[2] / "captures"


class Capture(msgspec.Struct, frozen=True):
    """One payload, where its form is written down, and what it says."""

    name: str
    origin: str
    topic: str
    payload: str = ""
    payload_hex: str = ""  # instead of payload, where it is not text
    says: list[dict[str, Any]] = []
    silent: list[str] = []  # codes that must not come out of it
    device: str | None = None
    error: str | None = None
    retained: bool = False

    @property
    def message(self) -> Message:
        payload = self.payload.encode() or bytes.fromhex(self.payload_hex)
        return Message(topic=self.topic, payload=payload, received_at=RECEIVED_AT, retained=self.retained)


def captures(family: str) -> list[Capture]:
    """Return the captures of one family, in the order of its file."""
    lines = (FOLDER / f"{family}.jsonl").read_text(encoding="utf-8").splitlines()
    return [msgspec.convert(json.loads(line), Capture) for line in lines]


FAMILIES = tuple(sorted(path.stem for path in FOLDER.glob("*.jsonl")))
ALL = [capture for family in FAMILIES for capture in captures(family)]
