"""What trackers are told, in their makers' words: one function a protocol, and what each answers with.

What no maker's document says for sure is not sent: None.
"""

from collections.abc import Callable, Mapping

from devices.adapter import Command
from devices.encoders import binary, lines, queclink, trv

# Scheme of a device's address → its bytes for (command, id). A scheme that is missing can be told nothing.
WORDS: Mapping[str, Callable[[Command, str], bytes | None]] = {
    "eelink": binary.eelink,
    "gl200text": queclink.words,
    "gps103": lines.gps103,
    "gt06": binary.gt06,
    "h02": lines.h02,
    "laipac": lines.laipac,
    "tk103": lines.tk103,
    "topin": binary.topin,
    "trv": trv.words,
}
