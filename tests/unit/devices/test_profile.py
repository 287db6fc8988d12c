"""devices/PROFILE.md is what a vendor builds from: its examples are decoded and its table is the code's."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from devices import plausible
from devices.adapter import Message
from devices.adapters.carehub import ADAPTER, EVENTS
from devices.adapters.carehub_fields import NUMBERS
from devices.telemetry import Quality

TEXT = (Path(__file__).parents[3] / "devices" / "PROFILE.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 21, 22, 2, tzinfo=UTC)


def example(kind: str) -> dict[str, object]:
    section = TEXT.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    found = re.search(r"```json\n(.*?)\n```", section) or re.search(r"`(\{.*?\})`", section)
    assert found is not None
    fields: dict[str, object] = json.loads(found[1])
    return fields


def test_examples_of_the_profile_are_understood_in_full() -> None:
    for kind in ("vitals", "event", "accel", "status"):
        payload = json.dumps(example(kind)).encode()
        (said,) = ADAPTER.decode(Message(topic=f"carehub/w-1/{kind}", payload=payload, received_at=NOW))
        assert {one.quality for one in said.observations} <= {Quality.OK}
        assert said.accel is not None or len(said.observations) >= 3


def test_limits_of_the_profile_are_those_of_the_code() -> None:
    for field, code in NUMBERS.items():
        low, high = plausible.LIMITS[code]
        assert re.search(rf"`{field}`[^|]*\|[^|]*\| {low}–{high} \|", TEXT), field


def test_every_event_of_the_code_is_in_the_profile() -> None:
    assert all(f"`{word}`" in TEXT for word in EVENTS)
