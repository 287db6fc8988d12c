"""R12W trackers (`$HX,0001,…`): one line in. Only the login is understood.

Source of the grammar: what open servers read of it; no document of the maker's was found.
"""

import re
from collections.abc import Sequence
from functools import reduce

from devices.adapter import DecodeError
from devices.adapters.text_tracker import Said, TextTracker

NAME = "r12w/1"
LOGIN, ANSWER = "0001", "1001"

_LINE = re.compile(r"\$HX,(?P<type>\d{4}),(?P<id>[0-9A-Za-z]{1,20})(?:,(?P<serial>[0-9A-Fa-f]{0,8}))?(?=,|$)")


class R12wAdapter(TextTracker):
    """One grammar."""

    name = NAME
    scheme = "r12w"

    def device_of(self, frame: bytes) -> str | None:
        """Return the id, which is an IMEI at login."""
        found = _LINE.match(frame.decode("latin-1"))
        return found["id"] if found else None

    def reports(self, frame: bytes, model: str | None) -> Sequence[Said]:
        """Return nothing: a line is a sign of life."""
        if _LINE.match(self.text(frame)) is None:
            raise DecodeError(NAME, f"no head of a line in {frame[:40]!r}")
        return []


def reply(frame: bytes) -> bytes | None:
    """Return the answer to a login."""
    found = _LINE.match(frame.decode("latin-1"))
    if found is None or found["type"] != LOGIN:
        return None
    body = f"$HX,{ANSWER},{found['id']},{found['serial'] or ''},OK,#".encode("latin-1")
    return body + f",{reduce(lambda total, byte: total ^ byte, body, 0):02x},\r\n".encode("ascii")


ADAPTER = R12wAdapter()
