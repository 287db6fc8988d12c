"""Payloads that others wrote, read where they lie (CAREHUB_DATA): what they are known to mean comes out."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.commands.decode import answer

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
OURS = (
    "mqtt_bed", "mqtt_cn", "mqtt_gateway", "mqtt_ha", "mqtt_lifesos", "mqtt_radar", "mqtt_shelly", "mqtt_spec",
    "mqtt_tasmota", "mqtt_watch", "mqtt_z2m", "watch_watch",
)  # fmt: skip


def lines(data: Path, names: tuple[str, ...] | None = None) -> Iterator[dict[str, Any]]:
    for path in sorted((data / "devices").glob("*.jsonl")):
        if names is None or path.stem in names:
            yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def ask(line: dict[str, Any]) -> dict[str, Any]:
    asked = {name: line[name] for name in ("id", "kind", "type", "input")}
    return answer(json.dumps(asked).encode(), NOW)


def test_known_values_come_out_of_the_families_we_speak(carehub_data: Path) -> None:
    checked = 0
    for line in lines(carehub_data, OURS):
        if line["kind"] == "sequence":
            continue
        records = ask(line)["records"]
        for fact in line["facts"]:
            if "value" in fact and fact["code"].startswith(("vital", "battery", "alarm", "contact", "presence")):
                if fact["code"].endswith("absent"):
                    continue
                same = [one["value"] for one in records if one["code"] == fact["code"]]
                assert same, f"{line['id']}: {fact['code']} was not said"
                assert any(one == pytest.approx(fact["value"], abs=0.011) for one in same), line["id"]
                checked += 1
    assert checked >= 40


def test_presses_in_a_row_are_counted_once(carehub_data: Path) -> None:
    for line in lines(carehub_data, OURS):
        if line["kind"] == "sequence":
            counts = ask(line)["counts"]
            assert {name: counts[name] for name in line["expect"]} == line["expect"]


def test_first_frame_of_a_watch_stream_is_found(carehub_data: Path) -> None:
    for line in lines(carehub_data, ("watch_frames",)):
        if line["type"] == "frame.watch":
            assert ask(line)["frame_hex"] == line["expected_first_frame_hex"]


def test_every_line_of_every_family_is_answered_and_none_rings_that_should_not(carehub_data: Path) -> None:
    for line in lines(carehub_data):
        told = ask(line)
        assert told["id"] == line["id"]
        sure = [one for one in told.get("records") or [] if one.get("quality", "ok") == "ok"]  # the rest calls nobody
        rung = {one["code"] for one in sure if one["code"][:6] == "alarm." and one["value"] is True}
        claimed = {fact["code"] for fact in line["facts"]}
        if any(fact["code"] == "flag.sos_mode" and fact["value"] for fact in line["facts"]):
            claimed.add("alarm.sos")  # a call that goes on: its first frame may have been lost on the air
        if '"sosEvent": true' in json.dumps(line):
            claimed.add("alarm.sos")  # so its maker reads it; the facts name the place alone
        assert rung <= claimed, line["id"]
