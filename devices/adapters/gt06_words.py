"""GT06's words: what a number in an alert, in the terminal information or in an event means.

Source: Concox' and Jimi's protocol documents for GT06N, GK310 and VL03. Where they and open servers disagree (09, 0C,
30) the word is the one that most makers' trackers mean.
"""

# Three bits of the terminal information.
TERMINAL: dict[int, str] = {
    1: "alarm.vibration",
    2: "alarm.powerCut",
    3: "battery.low",
    4: "alarm.sos",
    6: "alarm.geofence",
    7: "alarm.removed",
}
ALERTS: dict[int, str] = {
    0x01: "alarm.sos",
    0x02: "alarm.powerCut",
    0x03: "alarm.vibration",
    0x04: "alarm.geofenceEnter",
    0x05: "alarm.geofenceExit",
    0x06: "alarm.overspeed",
    0x09: "alarm.vibration",
    0x0E: "battery.low",
    0x0F: "battery.low",
    0x11: "alarm.powerOff",
    **dict.fromkeys((0x0C, 0x13, 0x25, 0x32), "alarm.tampering"),
    0x14: "alarm.door",
    0x15: "battery.low",  # switched itself off for it
    0x18: "alarm.removed",
    0x19: "battery.low",
    **dict.fromkeys((0x1A, 0x27, 0x28, 0x30), "alarm.hardBraking"),
    **dict.fromkeys((0x1B, 0x2A, 0x2B, 0x2E), "alarm.hardCornering"),
    0x23: "alarm.fall",
    0x26: "alarm.hardAcceleration",
    0x29: "alarm.hardAcceleration",
    0x2C: "alarm.accident",
    0x33: "alarm.lock",
    0x34: "alarm.unlock",
    0x53: "alarm.fuelLeak",
    0x5B: "alarm.temperature",
    0x5C: "alarm.temperature",
    0xC9: "alarm.idle",
    0x0107: "alarm.jamming",
    0x010B: "alarm.jamming",
}
# Models whose alerts differ, by the letters their names begin with.
MODEL_ALERTS: dict[str, dict[int, str]] = {
    "LW": {0x18: "alarm.accident", 0x19: "alarm.hardAcceleration"},
    "SEEWORLD": {0x28: "alarm.hardCornering", 0x29: "alarm.accident"},
    **{name: {0x09: "alarm.tow", 0x28: "alarm.powerOff"} for name in ("VL103", "VL512", "LL303", "G18")},
}
CAMERA_EVENTS: dict[int, str] = {
    0x0E: "alarm.lowPower",
    0x76: "alarm.temperature",
    0x80: "alarm.vibration",
    0x87: "alarm.overspeed",
    0x88: "alarm.powerCut",
    0x90: "alarm.hardAcceleration",
    0x91: "alarm.hardBraking",
    0x92: "alarm.hardCornering",
    0x93: "alarm.accident",
}
MODULE_EVENTS: dict[int, str] = {
    0x10: "alarm.door",
    0x12: "alarm.removed",
    0x14: "alarm.geofenceEnter",
    0x15: "alarm.geofenceExit",
    0x16: "alarm.temperature",
    0x1A: "battery.low",
    0x1B: "alarm.overspeed",
    0x1C: "alarm.powerOn",
    0x1D: "alarm.powerOff",
    0x20: "alarm.vibration",
    0x21: "alarm.powerCut",
    0x23: "alarm.tampering",
}
POWER_EVENTS: dict[int, str] = {
    0x11: "battery.low",
    0x12: "alarm.lowPower",
    0x13: "alarm.powerCut",
    0x14: "alarm.removed",
}
COLLAR_EVENTS: dict[int, str] = {0xA2: "battery.low", 0xA3: "battery.low", 0xA4: "alarm.general", 0xA5: "alarm.door"}
# Alerts that are told of no harm: none, in and out of the satellites' sight, first fix, card changed, line switched off
# to spare the battery, a noise, a false base station, sleep, ignition on and off.
NO_ALARM = frozenset((0x00, 0x0A, 0x0B, 0x0D, 0x10, 0x12, 0x16, 0x17, 0x20, 0xFE, 0xFF))
