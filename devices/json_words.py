"""Names that makers give JSON properties, and what they mean. Spelling does not count: `heartRate` is `heart_rate`.

A grammar of its own (Zigbee2MQTT, Shelly, Tasmota) has its own table, because the same name means another thing there:
`heartbeat` is a sign of life to one radar and a heart rate to another, so it is in no common table.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from devices.telemetry import Observation, Quality, Stage
from devices.values import flag, key, location, measure, number, voltage, word

DEEPEST = 4  # objects in objects that are looked into
MOST = 400  # properties of one message that are looked at

NUMBERS: Mapping[str, str] = {
    **dict.fromkeys(("heartrate", "hr", "bpm", "heartratebpm", "pulse", "pulserate", "pr", "hrm"), "vital.heart_rate"),
    **dict.fromkeys(("spo2", "bloodoxygen", "oxygen", "sao2", "oxygensaturation", "bloodo2", "spo2pct"), "vital.spo2"),
    **dict.fromkeys(
        ("respiratoryrate", "respirationrate", "respiration", "breathrate", "breathingrate", "breathrpm", "rr",
         "breathe", "breath", "realtimerespiratoryrate"),
        "vital.respiratory_rate",
    ),
    **dict.fromkeys(("bodytemperature", "bodytemp", "temperaturebody"), "vital.body_temperature"),
    **dict.fromkeys(
        ("bpsys", "systolic", "sbp", "bphigh", "systolicpressure", "bloodpressurehigh", "highpressure", "hbp"),
        "vital.bp_systolic",
    ),
    **dict.fromkeys(
        ("bpdia", "diastolic", "dbp", "bplow", "diastolicpressure", "bloodpressurelow", "lowpressure", "lbp"),
        "vital.bp_diastolic",
    ),
    **dict.fromkeys(("weight", "bodyweight"), "vital.body_weight"),
    **dict.fromkeys(("step", "steps", "stepcount", "stepnumber", "pedometer"), "activity.steps"),
    **dict.fromkeys(
        ("battery", "batterylevel", "batt", "batterypercent", "batterypercentage", "batterypct", "bat", "electricity"),
        "battery.level",
    ),
    **dict.fromkeys(("humidity", "humi"), "env.humidity"),
    **dict.fromkeys(("illuminance", "lux", "illumination"), "env.illuminance"),
    **dict.fromkeys(("ambienttemperature", "roomtemperature", "envtemperature"), "env.temperature"),
    **dict.fromkeys(("turnover", "turnovercount", "turns"), "activity.turns"),
}  # fmt: skip
FLAGS: Mapping[str, str] = {
    **dict.fromkeys(("sos", "sosalarm", "emergency", "panic", "help"), "alarm.sos"),
    **dict.fromkeys(
        ("fall", "falldown", "falldetected", "fallalarm", "falldetection", "fallstatus", "isfall", "fallevent"),
        "alarm.fall",
    ),
    **dict.fromkeys(("stillalarm", "staystillalarm", "staystill", "residencealarm"), "alarm.stay_still"),
    **dict.fromkeys(
        ("presence", "presencedetected", "occupied", "occupancy", "peopleexist", "someoneexists", "humanpresence",
         "existence", "haspeople"),
        "presence.occupied",
    ),
    **dict.fromkeys(("inbed", "onbed", "bedstatus", "bedoccupied", "inorout", "bedpresence"), "bed.occupied"),
    **dict.fromkeys(("motion", "motiondetected", "moving"), "presence.motion"),
    **dict.fromkeys(("worn", "wearing", "onwrist", "wearstatus", "iswear", "iswearing"), "wear.worn"),
    **dict.fromkeys(("charging", "batterycharging", "ischarging"), "battery.charging"),
    **dict.fromkeys(("lowbattery", "batterylow", "lowbat"), "battery.low"),
    **dict.fromkeys(("smoke", "smokealarm"), "alarm.smoke"),
    **dict.fromkeys(("gas", "gasalarm"), "alarm.gas"),
    **dict.fromkeys(("waterleak", "leak", "flood", "waterleakalarm"), "alarm.water_leak"),
    **dict.fromkeys(("carbonmonoxide", "coalarm"), "alarm.carbon_monoxide"),
    **dict.fromkeys(("tamper", "tamperalarm"), "alarm.tamper"),
}  # fmt: skip
LATITUDES, LONGITUDES = frozenset({"lat", "latitude"}), frozenset({"lon", "lng", "longitude", "long"})
TIMES = ("timestamp", "timestamps", "time", "ts", "datetime", "eventtime", "reporttime", "measuretime", "measuredat")
# Names under which a wearer's or a gateway's own number stands; the first found names the device.
IDENTITIES = ("imei", "deviceid", "devid", "deviceno", "devicecode", "sn", "serial", "serialnumber", "uid", "mac", "id")
# Objects that only wrap: their properties are the message's own.
WRAPPERS = frozenset({
    "data", "payload", "params", "value", "values", "items", "properties", "attributes", "report", "body", "message",
    "location", "gps", "position", "pos", "sensor", "sensors", "vitals", "vitalsign", "vitalsigns", "health",
    "bloodpressure", "bp", "measurement", "measurements", "status", "state",
})  # fmt: skip

# What an alarm is called -> code, on or off, stage. A word that is not here is an alarm without a known reason.
ALARMS: Mapping[str, tuple[str, bool, Stage | None]] = {
    **dict.fromkeys(("sos", "help", "emergency", "panic", "soscall", "sosalarm", "soshelp"), ("alarm.sos", True, None)),
    **dict.fromkeys(("soscancel", "cancelsos", "soscancelled", "sosclear"), ("alarm.sos", False, Stage.CANCELLED)),
    **dict.fromkeys(("fall", "falldown", "falling", "fallen", "tumble", "falldetected"), ("alarm.fall", True, None)),
    "fallsuspected": ("alarm.fall", True, Stage.SUSPECTED),
    "maybefall": ("alarm.fall", True, Stage.SUSPECTED),
    "fallconfirmed": ("alarm.fall", True, Stage.CONFIRMED),
    "calling": ("alarm.fall", True, Stage.CALLING),
    **dict.fromkeys(("fallexit", "finished", "fallend", "fallfinished"), ("alarm.fall", False, Stage.ENDED)),
    **dict.fromkeys(
        ("fallcancel", "cancelfall", "fallcancelled", "fallcanceled"), ("alarm.fall", False, Stage.CANCELLED)
    ),
    **dict.fromkeys(("lowbattery", "battery", "batterylow", "lowbat", "lowpower"), ("battery.low", True, None)),
    **dict.fromkeys(("unwear", "takeoff", "removed", "remove", "notworn", "watchoff"), ("alarm.removed", True, None)),
    **dict.fromkeys(("fence", "geofence"), ("alarm.geofence", True, None)),
    **dict.fromkeys(
        ("fenceout", "outfence", "geofenceexit", "exitfence", "leavefence"), ("alarm.geofenceExit", True, None)
    ),
    **dict.fromkeys(("fencein", "infence", "geofenceenter", "enterfence"), ("alarm.geofenceEnter", True, None)),
    **dict.fromkeys(("smoke", "smokealarm"), ("alarm.smoke", True, None)),
    **dict.fromkeys(("fire", "firealarm"), ("alarm.fire", True, None)),
    **dict.fromkeys(("gas", "gasleak", "gasalarm"), ("alarm.gas", True, None)),
    **dict.fromkeys(("waterleak", "flood", "water", "leak"), ("alarm.water_leak", True, None)),
    **dict.fromkeys(("tamper", "dismantle", "tampering"), ("alarm.tamper", True, None)),
    **dict.fromkeys(("wandering",), ("alarm.wandering", True, None)),
    **dict.fromkeys(("staystill", "still"), ("alarm.stay_still", True, None)),
}  # fmt: skip
NO_ALARM = frozenset({"", "none", "null", "normal", "ok", "safe", "idle", "no", "noalarm", "0", "false"})
CANCELS = frozenset({"cancel", "cancelled", "canceled", "clear", "cleared", "released", "iamfine", "recovered"})


def alarm(said: str, fresh: Quality = Quality.OK) -> Observation | None:
    """Return what an alarm's word means, an alarm without a known reason if nobody knows, None if it says no alarm."""
    name = key(said)
    if name in NO_ALARM and said.isascii():
        return None
    code, on, stage = ALARMS.get(name, ("alarm.general", True, None))
    return Observation(code=code, value=on, stage=stage, native=word(said) or None, quality=fresh)


def flat(fields: Mapping[str, Any], depth: int = DEEPEST) -> Iterator[tuple[str, Any]]:
    """Yield name and value of the message's own properties, those in wrapping objects included."""
    for name, value in fields.items():
        if isinstance(value, dict):
            if depth > 1 and key(name) in WRAPPERS:
                yield from flat(value, depth - 1)
        elif not isinstance(value, list):
            yield name, value


def observe(fields: Mapping[str, Any], fresh: Quality = Quality.OK, sub: str | None = None) -> Iterator[Observation]:
    """Yield what properties of common names state. What has no common name is kept raw by the hub, and not guessed."""
    lat = lon = None
    for at, (name, value) in enumerate(flat(fields)):
        if at >= MOST:
            break
        known = key(name)
        if known in NUMBERS:
            yield from measure(NUMBERS[known], value, native=name, fresh=fresh, sub=sub)
        elif known in FLAGS:
            state = flag(value)
            if state is not None:
                yield Observation(code=FLAGS[known], value=state, native=name, quality=fresh, sub=sub)
        elif known in ("voltage", "batteryvoltage", "batvoltage"):
            yield from voltage(value, native=name, fresh=fresh)
        elif known in LATITUDES:
            lat = value
        elif known in LONGITUDES:
            lon = value
    yield from location(lat, lon, fresh=fresh)


def first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first non-empty value among properties of these names, looked for in this order; None without one."""
    found = {key(name): value for name, value in list(fields.items())[:MOST] if value not in (None, "")}
    return next((found[name] for name in names if name in found), None)


def identity(fields: Mapping[str, Any]) -> str | None:
    """Return the number under which the device names itself in its own message."""
    value = first(fields, IDENTITIES)
    if isinstance(value, str):
        return word(value) or None
    whole = number(value)
    return str(whole) if isinstance(whole, int) else None
