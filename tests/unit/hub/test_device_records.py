"""Records as CSV: a device's words are opened in a spreadsheet, and run nothing there."""

import csv
import io
from datetime import UTC, datetime

import pytest

from devices.records import Record
from devices.telemetry import TimeQuality
from hub import device_files
from hub.commands.device_records import FORMATS

NOW = datetime(2026, 11, 21, 22, 0, 30, tzinfo=UTC)


def test_words_of_a_device_are_no_formula_and_its_numbers_stay_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    write = FORMATS["csv"]()
    for value in ("=1+1", -3.5, "-3.5", "ok"):
        write([
            Record(device_id=17, device="carehub:w-1", code="device.text", value=value, native="@SUM(1)", hub_time=NOW,
                   time_quality=TimeQuality.HUB, dedup_key="0" * 32, raw_ref="81000/1795298430123")
        ])  # fmt: skip
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["value"] for line in lines] == ["'=1+1", "-3.5", "-3.5", "ok"]
    assert {line["native"] for line in lines} == {"'@SUM(1)"}
    assert device_files.bare(lines[0]["value"]) == "=1+1"
