"""Xexun, TK101 to TK103 (`GPRMC,…,help me!, imei:…,`): one sentence, with or without what stands around it.

Source of the grammar: Xexun's GPRS format. The long form puts a serial number and the SIM's number before it, and
satellites, height and battery behind.
"""

import re
from collections.abc import Sequence

from devices import alarm_words, nmea
from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker, at

NAME = "xexun/1"

_IMEI = re.compile(r"imei:\s*(\d{14,17})", re.ASCII)
_BATTERY = re.compile(r"([FL]):(\d\.\d{1,3})V", re.ASCII)
LINES = "tcp/xexun_lines"  # models that write the long form; the other port hands an alarm on at its IMEI
SENTENCE = "GPRMC"
WORD = 13  # fields behind GPRMC: time to date are 9, two, the checksum, the fix's strength, then the alarm


class XexunAdapter(TextTracker):
    """Both forms."""

    name = NAME
    scheme = "xexun"

    def claims(self, topic: str) -> bool:
        """Whether this came in from one of the two ports: the second takes whole lines."""
        return super().claims(topic) or topic == LINES or topic.startswith(f"{LINES}/")

    def device_of(self, frame: bytes) -> str | None:
        """Return the IMEI."""
        found = _IMEI.search(frame.decode("latin-1"))
        return found[1] if found else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return the one report of a sentence."""
        fields = self.text(frame).split(",")
        start = next((n for n, field in enumerate(fields) if field.strip().lstrip("$") == SENTENCE), None)
        if start is None:
            raise DecodeError(NAME, f"no {SENTENCE} in {frame[:40]!r}")
        imei = next((n for n, field in enumerate(fields) if _IMEI.search(field)), None)
        said = Said()
        said.fix(nmea.rmc(fields[start + 1 :]))
        if imei is not None:
            for word in fields[start + WORD : imei]:
                said.alarm(alarm_words.meaning(word), word.strip())
            _tail(said, fields[imei + 1 :])
        return [said]


def _tail(said: Said, fields: list[str]) -> None:
    """Read satellites, height, battery: `F:4.15V` is charged enough, `L:3.50V` is low."""
    found = _BATTERY.match(at(fields, 2))
    if found is not None:
        said.measure("battery.voltage", float(found[2]))
        said.state("battery.low", found[1] == "L")


def reply(frame: bytes) -> None:
    """Nothing is waited for."""


ADAPTER = XexunAdapter()
