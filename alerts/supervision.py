"""How long a device of each class may be silent: one table, by what its address and its model say it is. Pure.

What an administrator wrote for one device goes before the table. A class without a deadline is not supervised by time:
a blood-pressure cuff speaks when it is used, and a 433 MHz button has no heartbeat at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

MINUTE, HOUR = 60, 3600
KNOWN = 65_536  # pairs of scheme and model whose class is remembered


@dataclass(frozen=True, kw_only=True)
class DeviceClass:
    """One class. `deadline_s`: silent for longer, and a technical alert is raised; 0: not supervised by time."""

    name: str
    deadline_s: int
    zh: str
    en: str
    why: str


CLASSES: Mapping[str, DeviceClass] = {
    one.name: one
    for one in (
        DeviceClass(name="watch", deadline_s=15 * MINUTE, zh="手表", en="watch",
                    why="speaks every 1 to 5 minutes, asleep too: three heartbeats missed"),
        DeviceClass(name="pendant", deadline_s=5 * HOUR, zh="随身定位器", en="pendant or tracker",
                    why="heartbeats from minutes to hours, as it was set; the grade of path supervision for the rest"),
        DeviceClass(name="call_button", deadline_s=25 * HOUR, zh="呼叫按钮", en="call button",
                    why="reports once a day; one hour for a day that begins late"),
        DeviceClass(name="sensor", deadline_s=25 * HOUR, zh="传感器", en="Zigbee sensor, mains or battery",
                    why="passive devices check in within 24 hours; one on the mains is mute while nothing changes"),
        DeviceClass(name="wifi", deadline_s=15 * MINUTE, zh="Wi-Fi 设备", en="Wi-Fi device on the mains",
                    why="says how it is every 1 to 5 minutes: three missed"),
        DeviceClass(name="wifi_battery", deadline_s=25 * HOUR, zh="Wi-Fi 电池设备", en="Wi-Fi device on batteries",
                    why="sleeps, and wakes at least once a day"),
        DeviceClass(name="radar", deadline_s=10 * MINUTE, zh="雷达", en="radar",
                    why="says how the room is every 1 to 2 minutes"),
        DeviceClass(name="bed", deadline_s=HOUR, zh="床垫监测", en="bed mat",
                    why="on the mains, reports an empty bed as well"),
        DeviceClass(name="base", deadline_s=25 * HOUR, zh="报警主机", en="alarm base",
                    why="its daily test"),
        DeviceClass(name="lorawan", deadline_s=25 * HOUR, zh="LoRaWAN 传感器", en="LoRaWAN sensor",
                    why="heartbeats from 10 minutes to 24 hours; the longest is taken where the model is not known"),
        DeviceClass(name="lorawan_often", deadline_s=4 * HOUR, zh="LoRaWAN 常报设备", en="LoRaWAN, hourly heartbeat",
                    why="leaves the factory with a heartbeat of an hour: three missed, and one lost on the air"),
        DeviceClass(name="lorawan_badge", deadline_s=25 * HOUR, zh="LoRaWAN 胸卡", en="LoRaWAN badge",
                    why="its heartbeat while lying still is once a day"),
        DeviceClass(name="on_use", deadline_s=0, zh="使用时才上报", en="speaks when used",
                    why="a cuff, a scale, a thermometer: no heartbeat"),
        DeviceClass(name="one_way", deadline_s=0, zh="单向射频", en="one-way radio",
                    why="433 MHz: a code and nothing else; the gateway that hears it is supervised"),
        DeviceClass(name="gateway", deadline_s=0, zh="网关", en="gateway",
                    why="says so itself, or all behind it is silent: see supervision_gateways"),
        DeviceClass(name="unknown", deadline_s=0, zh="未知类别", en="unknown class",
                    why="nobody knows how often it speaks: give it a deadline of its own"),
    )
}  # fmt: skip

# By the device's own place in an address: (scheme, pattern of the rest) -> class. The first that fits.
_PLACES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("z2m", re.compile(r".*/bridge"), "gateway"),
    ("ble", re.compile(r"gateway/.*"), "gateway"),
    ("lorawan", re.compile(r"gateway/.*"), "gateway"),
    ("account", re.compile(r".*"), "gateway"),
    ("tasmota", re.compile(r".*/rf/[^/]*"), "one_way"),
    ("omg", re.compile(r".*/rf/[^/]*"), "one_way"),
    ("tasmota", re.compile(r".*/(?:0x[0-9A-Fa-f]{4}|beacon/[^/]*)"), "sensor"),
    ("omg", re.compile(r".*/[0-9a-fA-F]{12}"), "sensor"),
)

# By what the model says: pattern -> class, for every scheme. Makers' names first, plain words after them.
_MODELS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"call-button|\bsos\b|TS0215|SNZB-01|PBTZB|WS101|R312A|RBSW?10|panic|button|呼叫|按钮", "call_button"),
        (r"abeeway|lw004|badge|compact.?tracker|micro.?tracker|smart.?badge", "lorawan_badge"),
        (r"\bem[35]00|\bam\d{3}|browan|\btabs|merryiot|netvox", "lorawan_often"),
        (r"C1001|R60A|MR60|radar|vayyar|雷达", "radar"),
        (r"shelly.*(?:ht|flood|door|motion|button|smoke|blu)|\bSH(?:HT|WT|DW|MOS|BTN)-", "wifi_battery"),
        (r"bp|cuff|scale|thermometer|glucose|oximeter|血压|血糖|体重", "on_use"),
        (r"watch|手表", "watch"),
    )
)

_SCHEMES: Mapping[str, str] = {
    **dict.fromkeys(("carehub", "watch3g", "trv", "watchjson", "r12w", "pt60", "wristband", "helmet"), "watch"),
    **dict.fromkeys(
        ("eelink", "eview", "gps103", "gt06", "h02", "jt808", "laipac", "megastek", "mictrack", "minifinder",
         "gl200text", "tk103", "topin", "xexun", "xexun2", "xexun3"),
        "pendant",
    ),
    "z2m": "sensor", "lorawan": "lorawan", "ble": "on_use",
    **dict.fromkeys(("tasmota", "esphome", "shelly", "omg"), "wifi"), "shelly1": "wifi_battery",
    **dict.fromkeys(("radar", "radarjson"), "radar"), "bed": "bed",
    **dict.fromkeys(("carelink", "lifesos"), "base"),
}  # fmt: skip

# Where the model may tell more than the scheme does. A tracker called "watch" still has a tracker's heartbeat.
_ASKED: Mapping[str, frozenset[str]] = {
    "z2m": frozenset({"call_button", "radar"}),
    "lorawan": frozenset({"call_button", "lorawan_badge", "lorawan_often"}),
    "tasmota": frozenset({"call_button"}), "esphome": frozenset({"radar"}),
    "shelly": frozenset({"wifi_battery"}), "shelly1": frozenset(),
    "ha": frozenset({"call_button", "radar", "on_use"}), "json": frozenset({"watch", "radar", "call_button"}),
    "cnthing": frozenset({"watch", "radar", "call_button", "on_use"}),
    "carehub": frozenset({"call_button"}), "ble": frozenset({"call_button"}),
}  # fmt: skip


def class_of(address: str, model: str = "") -> DeviceClass:
    """Return the class of a device by its address in the hub and the model it is known to be."""
    scheme, _, native = address.partition(":")
    for other, pattern, name in _PLACES:
        if scheme == other and pattern.fullmatch(native):
            return CLASSES[name]
    return _by_model(scheme, model)


def deadline_s(address: str, model: str = "", *, own: int | None = None) -> int:
    """Return how long a device may be silent, 0 for one that is not supervised by time. `own` goes before its class."""
    return class_of(address, model).deadline_s if own is None else own


@lru_cache(maxsize=KNOWN)
def _by_model(scheme: str, model: str) -> DeviceClass:
    asked = _ASKED.get(scheme, frozenset())
    if model and asked:
        for pattern, name in _MODELS:
            if name in asked and pattern.search(model):
                return CLASSES[name]
    return CLASSES[_SCHEMES.get(scheme, "unknown")]
