"""The properties Zigbee2MQTT gives devices, and what their words mean: a new model is a row in one of these tables."""

import re
from collections.abc import Mapping

from devices.telemetry import Stage

# Words of `action` that call for help, and words that take a call back. Makers write emergency, sos, panic_press …
HELP = frozenset({"sos", "emergency", "panic", "help"})
FIRE = frozenset({"fire"})
OVER = frozenset({"clear", "cleared", "cancel", "cancelled", "canceled", "release", "released", "off", "end", "stop"})
MOVES = {"vibration": "alarm.vibration", "tilt": "motion.tilt", "drop": "motion.drop"}  # of a thing, not a person
NO_ACTION = frozenset({"", "none", "null", "idle"})

# A property that is true or false -> the code it states.
FLAGS = {
    "sos": "alarm.sos",
    "emergency": "alarm.sos",
    "panic": "alarm.sos",
    "smoke": "alarm.smoke",
    "gas": "alarm.gas",
    "carbon_monoxide": "alarm.carbon_monoxide",
    "water_leak": "alarm.water_leak",
    "tamper": "alarm.tamper",
    "presence": "presence.occupied",
    "occupancy": "presence.occupied",
    "motion": "presence.motion",
    "moving": "presence.motion",
    "bed_occupied": "bed.occupied",
    "in_bed": "bed.occupied",
    "vibration": "alarm.vibration",
    "tilt": "motion.tilt",
    "battery_low": "battery.low",
    "charging": "battery.charging",
    "trouble": "alarm.fault",
    "fault": "alarm.fault",
    "battery_defect": "alarm.fault",
    "supervision_lost": "alarm.fault",
    "human_presence": "presence.occupied",
    "pir_detection": "presence.motion",
    "test": "test.smoke",
}
# A property that is a number -> its code, in whose unit it comes.
NUMBERS = {
    "battery": "battery.level",
    "temperature": "env.temperature",
    "local_temperature": "env.temperature",
    "device_temperature": "device.temperature",
    "humidity": "env.humidity",
    "illuminance": "env.illuminance",
    "illuminance_lux": "env.illuminance",
    "ambient_light": "env.illuminance",
    "pressure": "env.pressure",
    "co2": "env.co2",
    "eco2": "env.co2",
    "co": "env.carbon_monoxide",
    "heart_rate": "vital.heart_rate",
    "breathing_rate": "vital.respiratory_rate",
    "respiration_rate": "vital.respiratory_rate",
    "respiratory_rate": "vital.respiratory_rate",
    "target_distance": "presence.distance",
    "linkquality": "link.quality",
}
# Properties of fall radars -> what each of their words means. A word that is not here is kept raw, never guessed.
FALL_WORDS: Mapping[str, tuple[bool, Stage | None]] = {
    "none": (False, None),
    "normal": (False, None),
    "no_fall": (False, None),
    "maybe_fall": (True, Stage.SUSPECTED),
    "fall_warning": (True, Stage.SUSPECTED),
    "fall_detected": (True, Stage.SUSPECTED),
    "suspected": (True, Stage.SUSPECTED),
    "fall": (True, Stage.CONFIRMED),
    "falling": (True, Stage.CONFIRMED),
    "fallen": (True, Stage.CONFIRMED),
    "fall_confirmed": (True, Stage.CONFIRMED),
    "fall_alarm": (True, Stage.CONFIRMED),
    "calling": (True, Stage.CALLING),
    "fall_exit": (False, Stage.ENDED),
    "finished": (False, Stage.ENDED),
}
FALL_PROPERTIES = (
    "fall", "fall_status", "fall_down_status", "fall_state", "fall_detected", "fall_detection_status", "fall_alarm",
)  # fmt: skip
# Owon FDS315: one word for posture and fall.
POSTURES = {"unoccupied": False, "occupied": True, "sitting": True, "on_the_bed": True, "low_posture": True}
BATTERY_WORDS = {"low": True, "critical": True, "medium": False, "middle": False, "normal": False, "high": False}
PRESENCE_WORDS = {
    "none": False, "absence": False, "absent": False, "presence": True, "move": True, "moving": True, "present": True,
    "peaceful": True, "static": True, "small_movement": True, "large_movement": True, "motion": True,
}  # fmt: skip
MOTION_WORDS = {
    "none": False, "static": False, "small": True, "large": True, "small_movement": True, "large_movement": True,
    "peaceful": False, "activity": True, "active": True, "movement": True, "moving": True,
}  # fmt: skip
ALARM_WORDS = {"alarm": True, "alarming": True, "detected": True, "normal": False, "clear": False, "none": False}
DOOR_WORDS = {"open": True, "opened": True, "error_forced_open": True, "closed": False, "close": False}
# A property whose value is a word -> its code, and what the words mean. Others are kept raw.
STATES: tuple[tuple[str, str, Mapping[str, bool]], ...] = (
    ("battery_state", "battery.low", BATTERY_WORDS),
    ("battery_level", "battery.low", BATTERY_WORDS),
    ("presence_state", "presence.occupied", PRESENCE_WORDS),
    ("motion_state", "presence.motion", MOTION_WORDS),
    ("human_motion_state", "presence.motion", MOTION_WORDS),
    ("sensor_status", "presence.motion", MOTION_WORDS),
    ("smoke_state", "alarm.smoke", ALARM_WORDS),
    ("gas_state", "alarm.gas", ALARM_WORDS),
    ("co_state", "alarm.carbon_monoxide", ALARM_WORDS),
    ("water_leak_state", "alarm.water_leak", ALARM_WORDS),
    ("door_state", "contact.open", DOOR_WORDS),
)
# What devices with several of a kind put behind a property's name: `contact_left`, `water_leak_2`, `sos_alarm_1`.
ENDINGS = re.compile(
    r"_(?:(alarm_[12])|(l?[1-9]\d?|left|right|center|middle|top|bottom|in|out|probe|external))", re.ASCII
)
BED_PADS = frozenset({"SPM915"})  # report through `contact`; which way round is unverified, and the code says so

_ENUMS = (*FALL_PROPERTIES, *(state[0] for state in STATES), "status", "action", "click", "contact", "voltage")
PROPERTIES = frozenset({*FLAGS, *NUMBERS, *_ENUMS, "last_seen"})
CALLING = (  # what may need people
    "action", "click", "sos", "emergency", "panic", "smoke", "gas", "carbon_monoxide", "water_leak", "tamper", "status",
    "smoke_state", "gas_state", "co_state", "water_leak_state",
    *FALL_PROPERTIES,
)  # fmt: skip
QUIET = frozenset({*NUMBERS, "voltage", "last_seen", "occupancy", "presence", "contact", "battery_low"})


def single(name: str) -> tuple[str, str] | None:
    """Return the property, and which of several: `("contact", "left")`; None for a name without such an ending."""
    for found in ENDINGS.finditer(name):
        if found.end() == len(name) and found.start() > 0:
            return name[: found.start()], found[1] or found[2]
    return None
