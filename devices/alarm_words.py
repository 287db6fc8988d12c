"""What text trackers call their alarms. One table for all of them: makers copy each other's words."""

import re

LONGEST = 40  # characters of an alarm's word; what is longer is none

# Lower case, single blanks, without marks of exclamation. A word that is not here is no alarm we know.
_WORDS = {
    "help": "alarm.sos",
    "help me": "alarm.sos",
    "panic": "alarm.sos",
    "sos": "alarm.sos",
    "sos alarm": "alarm.sos",
    "fall": "alarm.fall",
    "fall down": "alarm.fall",
    "falldown": "alarm.fall",
    "man down": "alarm.fall",
    "mandown": "alarm.fall",
    "low battery": "battery.low",
    "lowbattery": "battery.low",
    "low power": "battery.low",
    "lowpower": "battery.low",
    "accident alarm": "alarm.accident",
    "tamper": "alarm.tampering",
    "dtc": "alarm.fault",  # a car's own fault code
    "ac alarm": "alarm.powerCut",  # the supply was cut
    "power cut": "alarm.powerCut",
    "acc alarm": "alarm.powerOn",  # somebody switched on what was armed
    "pw on": "alarm.powerOn",
    "power on": "alarm.powerOn",
    "poweron": "alarm.powerOn",
    "pw off": "alarm.powerOff",
    "power off": "alarm.powerOff",
    "poweroff": "alarm.powerOff",
    "move": "alarm.movement",
    "moved": "alarm.movement",
    "stockade": "alarm.geofence",
    "geo in": "alarm.geofenceEnter",
    "move in": "alarm.geofenceEnter",
    "geo out": "alarm.geofenceExit",
    "move out": "alarm.geofenceExit",
    "speed": "alarm.overspeed",
    "over speed": "alarm.overspeed",
    "overspeed": "alarm.overspeed",
    "low speed": "alarm.lowspeed",
    "lowspeed": "alarm.lowspeed",
    "sensor alarm": "alarm.vibration",
    "vib": "alarm.vibration",
    "vibration": "alarm.vibration",
    "bonnet alarm": "alarm.bonnet",
    "door alarm": "alarm.door",
    "footbrake alarm": "alarm.footBrake",
}
# Words that a value or a number follows.
_STARTS = (
    (re.compile(r"oil\d?(?: [\d.]+)?"), "alarm.fuelLeak"),
    (re.compile(r"t:[-+]?\d+(?:\.\d*)?"), "alarm.temperature"),
    (re.compile(r"geo\w* ?\d* ?in"), "alarm.geofenceEnter"),
    (re.compile(r"geo\w* ?\d* ?out"), "alarm.geofenceExit"),
)


def meaning(said: str) -> str | None:
    """Return the code of an alarm by the word a device has for it, or None if it is none."""
    if len(said) > LONGEST:
        return None
    word = " ".join(said.lower().replace("!", " ").split())
    if word in _WORDS:
        return _WORDS[word]
    return next((code for start, code in _STARTS if start.fullmatch(word)), None)
