"""The console bench itself: small, on real processes. It times nothing."""

import json
import subprocess
import sys

from hub.bench.consoles import PRESSES

SMALL = ("--consoles", "3", "--incidents", "4", "--changes", "5", "--every", "0.2", "--json")


def test_presses_are_read_out_of_a_row() -> None:
    row = b'<a class="row sev-1" id="row-7" href="/incidents/7" data-incident="7" data-severity="1" data-presses="3" '
    assert PRESSES.findall(row) == [(b"7", b"3")]


def test_every_console_sees_every_change() -> None:
    for more in ((), ("--whole",)):
        ran = subprocess.run(
            [sys.executable, "-m", "hub", "bench", "console", *SMALL, *more], capture_output=True, text=True, check=True
        )
        told = json.loads(ran.stdout.splitlines()[-1])
        assert (told["consoles"], told["incidents"], told["changes"], told["missed"]) == (3, 4, 5, 0)
        assert told["notify_ms_p50"] <= told["visible_ms_p50"]
        assert told["page_gz"] < told["page"]
        assert told["first_row_s"] > 0
