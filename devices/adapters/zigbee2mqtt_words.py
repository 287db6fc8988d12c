"""The properties Zigbee2MQTT gives devices, and what their words mean: a new model is a row in one of these tables."""

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
    "pressure": "env.pressure",
    "co2": "env.co2",
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
    "suspected": (True, Stage.SUSPECTED),
    "fall": (True, Stage.CONFIRMED),
    "falling": (True, Stage.CONFIRMED),
    "fallen": (True, Stage.CONFIRMED),
    "fall_confirmed": (True, Stage.CONFIRMED),
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
PRESENCE_WORDS = {"none": False, "absence": False, "presence": True, "move": True, "moving": True, "present": True}
BED_PADS = frozenset({"SPM915"})  # report through `contact`; which way round is unverified, and the code says so

_ENUMS = (*FALL_PROPERTIES, "status", "battery_state", "presence_state", "action", "click", "contact", "voltage")
PROPERTIES = frozenset({*FLAGS, *NUMBERS, *_ENUMS, "last_seen"})
CALLING = (  # what may need people
    "action", "click", "sos", "emergency", "panic", "smoke", "gas", "carbon_monoxide", "water_leak", "tamper", "status",
    *FALL_PROPERTIES,
)  # fmt: skip
QUIET = frozenset({*NUMBERS, "voltage", "last_seen", "occupancy", "presence", "contact", "battery_low"})
