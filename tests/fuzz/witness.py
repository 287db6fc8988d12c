"""The word or bit that an alarm must have in its message. Written from the makers' documents; no decoder reads it.

Where an alarm is said in words, these are the words; where it is said in a bit of binary, what stands here is the kind
of frame and the item that can hold that bit. `streams` and the other judges see to it that frames are whole.
"""

import binascii
import contextlib
import functools
import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping

from tests.fuzz.corpus import Seed

# Letters and digits of the topic and the payload, in lower case, with JSON's escapes undone: what must be among them.
WORDS: Mapping[str, str] = {
    "alarm.sos": "sos|emergency|panic|help|holdup|medical|050102|050104|event",
    "alarm.fall": "fall|tumble|calling",
    "alarm.general": "al|event",
    "alarm.smoke": "smoke",
    "alarm.gas": "gas|meth",
    "alarm.carbon_monoxide": "carbon|co",
    "alarm.fire": "fire|smoke|combustion|heat|pull|duct|flame|050103",
    "alarm.water_leak": "leak|flood|water|moist",
    "alarm.wandering": "wander",
    "alarm.stay_still": "still|residence",
    "alarm.inactivity": "inactiv|report|watch",
    "alarm.burglar": "burgl|glass|perimeter|interior|intru|hour|entry|alarm",
    "alarm.vibration": "vib|shock|sensor|shake",
    "alarm.tamper": "tamper|dismantl|cover|0500|zone",
}


def _bit(bits: tuple[int, ...]) -> Callable[[bytes], bool]:
    """Return whether some field of hex digits has one of these bits."""
    mask = sum(1 << bit for bit in bits)
    word = re.compile(rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{1,8}(?![0-9A-Fa-f])")
    return lambda payload: any(int(one[0], 16) & mask for one in word.finditer(payload))


def _clear_bit(bits: tuple[int, ...]) -> Callable[[bytes], bool]:
    """Return whether some field of eight hex digits has one of these bits clear."""
    mask = sum(1 << bit for bit in bits)
    word = re.compile(rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?![0-9A-Fa-f])")
    return lambda payload: any(~int(one[0], 16) & mask for one in word.finditer(payload))


def _has(pattern: bytes) -> Callable[[bytes], bool]:
    """Return whether the payload has this."""
    found = re.compile(pattern, re.DOTALL)
    return lambda payload: found.search(payload) is not None


def _either(*ways: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    return lambda payload: any(way(payload) for way in ways)


_SPOKEN = _has(rb"(?i)sos|help|panic")
_FALLEN = _has(rb"(?i)fall|man ?down")
_BINARY_H02 = _has(rb"^\$.{26}")

# For calls of people, by grammar; `*` is every alarm of that grammar.
BYTES: Mapping[str, Mapping[str, Callable[[bytes], bool]]] = {
    # 3G watches: bits 16, 20 to 22 of the status, or the letters AL alone.
    "watch3g/1": {
        "*": _has(rb"^\[..\*.*(?:AL|UD|CR|\d)"),
        "alarm.sos": _bit((16,)),
        "alarm.fall": _bit((21, 22)),
        "alarm.general": _has(rb"(?i)\*AL"),
    },
    # H02: a status whose bits are clear when they are set, ALRM, or binary with the same status.
    "h02/1": {
        "alarm.sos": _either(_clear_bit((1, 18)), _SPOKEN, _BINARY_H02),
        "alarm.fall": _FALLEN,
        "alarm.general": _has(rb"ALRM"),
    },
    "trv/1": {"*": _has(rb"P10|PFD"), "alarm.sos": _has(rb"P10.*01"), "alarm.fall": _has(rb"PFD|P10.*0[56]")},
    "tk103/1": {
        "*": _has(rb"BO0|ZC|DW|ALARM"),
        "alarm.sos": _has(rb"BO012|ZC25|DW[35]E"),
        "alarm.general": _has(rb"BO01"),
    },
    "laipac/1": {"*": _has(rb"AVRMC|EAVRSP|AVREQ|AVSYS"), "alarm.sos": _has(rb",3[,*]|,3$")},
    "minifinder/1": {"alarm.sos": _bit((6,)), "alarm.fall": _bit((8,))},
    "pt60/1": {"alarm.sos": _has(rb"@[BG]#@,V\d+,42,"), "alarm.fall": _has(rb"@[BG]#@,V\d+,104,")},
    "gl200text/1": {"alarm.sos": _has(rb":GTSOS|:GT\w{3}"), "alarm.general": _has(rb":GT")},
    "megastek/1": {"alarm.sos": _has(rb"(?i)sos|help"), "alarm.fall": _FALLEN},
    "gps103/1": {"*": _has(rb"imei:\d+,"), "alarm.sos": _SPOKEN, "alarm.fall": _FALLEN},
    "mictrack/1": {"alarm.sos": _has(rb"\+5\+|(?i:sos)")},
    "xexun/1": {"alarm.sos": _SPOKEN, "alarm.fall": _FALLEN},
    # GT06: alarm frames, heartbeats and those with terminal information; 94 and 98 are data of modules.
    "gt06/1": {
        "*": _has(rb"^(?:xx.|yy..)[\x12\x13\x15\x16\x17-\x1a\x22\x24-\x28\x2c-\x39\x69\x70\x94\x95\x98\xa0-\xa5]")
    },
    "topin/1": {"*": _has(rb"^xx.[\x08\x10\x11\x12\x18\x19\x69\x80\x94\x99]")},
    # Eelink: the warning of either generation, and nothing else.
    "eelink/1": {"*": _has(rb"gg[\x04\x14]")},
    # Eview: a data frame with key 02.
    "eview/1": {"*": _has(rb"^\xab.{7}\x01.*\x02")},
    "jt808/1": {"*": _has(rb"^[\x7e\xe7\x28](?:\x02[\x00\x01\x10]|\x05\x00|\x07\x04|\x02.|\x55.|\x51.|\x09\x00)")},
    "xexun2/1": {"*": _has(rb"^\xfa\xaf\x00\x14")},
    "xexun3/1": {"*": _has(rb"^\xfc.{3}.*\x69")},
}


def plain(seed: Seed) -> str:
    """Return what a message says in letters and digits, in lower case."""
    text = seed.payload.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        text += json.dumps(json.loads(text), ensure_ascii=False)
    return re.sub(r"[^a-z0-9]", "", (seed.topic + text).lower())


def _uplink(seed: Seed, code: str) -> bool:
    """Whether a network server's message holds bytes of a sensor, or says the word itself."""
    strings = re.findall(rb'"([A-Za-z0-9+/=_-]{2,})"', seed.payload)
    return any(_bytes_in(one) for one in strings) or bool(re.search(WORDS.get(code, ""), plain(seed)))


@functools.lru_cache(4_096)
def _bytes_in(word: bytes) -> bool:
    for read in (b64decode, bytes.fromhex):
        try:
            if read(word.decode("ascii")):
                return True
        except (ValueError, binascii.Error):
            continue
    return False


def witnessed(grammar: str, code: str, seed: Seed) -> bool:
    """Whether the message has what an alarm of this code is said with."""
    if grammar == "lorawan/1":
        return _uplink(seed, code)
    own = BYTES.get(grammar)
    if own is not None:
        way = own.get(code) or own.get("*")
        return way is None or way(seed.payload)
    pattern = WORDS.get(code)
    return pattern is None or re.search(pattern, plain(seed)) is not None
