"""JT/T 808's words: what a bit of the alarm word means, and the numbers in makers' own items.

Source of the alarm word: JT/T 808-2013 and -2019, table of message 0200; of the rest, the makers' documents.
"""

# Alarm bits. 15 to 18 are those of pendants: in a lorry they are tyres, turning and hours at the wheel.
ALARMS: dict[int, str] = {
    0: "alarm.sos",
    1: "alarm.overspeed",
    2: "alarm.fatigueDriving",
    4: "alarm.fault",
    5: "alarm.gpsAntennaCut",
    6: "alarm.gpsAntennaCut",
    7: "battery.low",
    8: "alarm.powerOff",
    9: "alarm.fault",
    10: "alarm.fault",
    11: "alarm.fault",
    15: "alarm.vibration",
    16: "alarm.tampering",
    17: "alarm.tampering",
    18: "battery.low",
    19: "alarm.parking",
    20: "alarm.geofence",
    26: "alarm.general",  # taken away by somebody: what of, a hub cannot know
    28: "alarm.movement",
    29: "alarm.accident",
    30: "alarm.accident",
}
# Bits that speak of a lorry and its way. A thing that hangs on a neck may mean something else by them: they are told,
# and call nobody. 3 danger, 12 card reader, 13 and 14 warnings before 1 and 2, 21 and 23 the route, 24 speed sensor,
# 25 oil, 27 started without leave, 31 opened without leave.
DOUBTFUL: dict[int, str] = {
    3: "alarm.general",
    12: "alarm.fault",
    13: "alarm.overspeed",
    14: "alarm.fatigueDriving",
    21: "alarm.geofence",
    23: "alarm.geofence",
    24: "alarm.fault",
    25: "alarm.fuelLeak",
    27: "alarm.movement",
    31: "alarm.door",
}
# Models whose alarm word means something else.
_PADLOCK = {0: "alarm.removed", 1: "alarm.tampering", 4: "alarm.removed"}
_ASSET = {16: "alarm.movement"}
MODEL_ALARMS: dict[str, dict[int, str]] = {
    "G-360P": _PADLOCK,
    "G-508P": _PADLOCK,
    "AL300": _ASSET,
    "GL100": _ASSET,
    "VL300": {bit: code for bit, code in ALARMS.items() if code != "alarm.accident"},
}
# Item E8 of car cameras and their SOS buttons: a code, then what belongs to it.
EVENTS: dict[int, str] = {
    0x0001: "alarm.fault",
    **dict.fromkeys((0x0400, 0x0412), "alarm.hardAcceleration"),
    **dict.fromkeys((0x0401, 0x0413), "alarm.hardBraking"),
    **dict.fromkeys((0x0402, 0x0414), "alarm.hardCornering"),
    0x0403: "alarm.overspeed",
    **dict.fromkeys((0x0405, 0x0416, 0x0417), "alarm.accident"),
    0x0406: "alarm.vibration",
    0x0407: "alarm.tow",
    0x0408: "alarm.geofenceEnter",
    0x0409: "alarm.geofenceExit",
    0x040C: "alarm.door",
    0x0415: "alarm.laneChange",
    0x0C01: "alarm.sos",
    0x0C02: "alarm.lowPower",
    0x0C05: "alarm.general",
    0x0C0E: "alarm.powerCut",
    0x0C0F: "battery.low",
    0x0C10: "alarm.powerOff",
    0x0C12: "alarm.tampering",
}
DRIVING: dict[int, str] = {
    0x01: "alarm.hardAcceleration",
    0x02: "alarm.hardBraking",
    0x03: "alarm.hardCornering",
    0x16: "alarm.accident",
}
BUMPS: dict[int, str] = {
    0: "alarm.hardAcceleration",
    1: "alarm.hardBraking",
    2: "alarm.hardCornering",
    3: "alarm.accident",
    4: "alarm.tampering",
}
