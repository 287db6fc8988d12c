"""Home Assistant's discovery words: their short forms, what a device class means, which unit a reading comes in."""

from collections.abc import Mapping

# Short forms that a discovery message may use -> the names they stand for.
SHORT: Mapping[str, str] = {
    "avty": "availability",
    "avty_t": "availability_topic",
    "atype": "automation_type",
    "cmps": "components",
    "dev": "device",
    "dev_cla": "device_class",
    "evt_typ": "event_types",
    "json_attr_t": "json_attributes_topic",
    "p": "platform",
    "pl": "payload",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "stat_t": "state_topic",
    "stype": "subtype",
    "t": "topic",
    "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
    "ids": "identifiers",
    "cns": "connections",
    "mf": "manufacturer",
    "mdl": "model",
    "mdl_id": "model_id",
    "off_dly": "off_delay",
}
# A binary sensor that is on -> what it then states.
BINARY: Mapping[str, tuple[str, bool]] = {
    "battery": ("battery.low", True),
    "battery_charging": ("battery.charging", True),
    "carbon_monoxide": ("alarm.carbon_monoxide", True),
    "connectivity": ("link.online", True),
    "door": ("contact.open", True),
    "garage_door": ("contact.open", True),
    "gas": ("alarm.gas", True),
    "moisture": ("alarm.water_leak", True),
    "motion": ("presence.motion", True),
    "moving": ("motion.moving", True),
    "occupancy": ("presence.occupied", True),
    "opening": ("contact.open", True),
    "presence": ("presence.occupied", True),
    "problem": ("alarm.fault", True),
    "safety": ("alarm.general", True),  # on means unsafe, and does not say why
    "smoke": ("alarm.smoke", True),
    "tamper": ("alarm.tamper", True),
    "vibration": ("alarm.vibration", True),
    "window": ("contact.open", True),
}
# A sensor's reading -> its code.
SENSOR: Mapping[str, str] = {
    "battery": "battery.level",
    "carbon_dioxide": "env.co2",
    "carbon_monoxide": "env.carbon_monoxide",
    "humidity": "env.humidity",
    "illuminance": "env.illuminance",
    "pressure": "env.pressure",
    "atmospheric_pressure": "env.pressure",
    "temperature": "env.temperature",
    "voltage": "battery.voltage",
    "water": "water.total",
    "weight": "vital.body_weight",
}
# Words of an entity's own name -> what it states, where no device class says it. All words of a row must be there.
NAMED_BINARY: tuple[tuple[frozenset[str], str], ...] = tuple(
    (frozenset(words.split()), code)
    for words, code in (
        ("sos", "alarm.sos"), ("panic", "alarm.sos"), ("emergency", "alarm.sos"), ("fall", "alarm.fall"),
        ("fallen", "alarm.fall"), ("falling", "alarm.fall"), ("bed", "bed.occupied"), ("person", "presence.occupied"),
        ("presence", "presence.occupied"), ("occupancy", "presence.occupied"), ("battery low", "battery.low"),
        ("tamper", "alarm.tamper"), ("smoke", "alarm.smoke"), ("gas", "alarm.gas"), ("contact", "contact.open"),
    )
)  # fmt: skip
NAMED_SENSOR: tuple[tuple[frozenset[str], str], ...] = tuple(
    (frozenset(words.split()), code)
    for words, code in (
        ("heart rate", "vital.heart_rate"), ("heartrate", "vital.heart_rate"),
        ("respiratory rate", "vital.respiratory_rate"), ("respiration rate", "vital.respiratory_rate"),
        ("breathing rate", "vital.respiratory_rate"), ("breath rate", "vital.respiratory_rate"),
        ("spo2", "vital.spo2"), ("oxygen saturation", "vital.spo2"), ("body temperature", "vital.body_temperature"),
        ("systolic", "vital.bp_systolic"), ("diastolic", "vital.bp_diastolic"), ("steps", "activity.steps"),
    )
)  # fmt: skip
SETTINGS = frozenset(
    {"sensitivity", "threshold", "enable", "enabled", "led", "delay", "duration", "timeout", "mode", "count"}
)
FAHRENHEIT, MILLIVOLTS, POUNDS = frozenset({"°F", "F"}), frozenset({"mV"}), frozenset({"lb", "lbs"})
PRESSURES: Mapping[str, float] = {"Pa": 0.01, "kPa": 10, "mbar": 1, "hPa": 1, "mmHg": 1.333224, "inHg": 33.86389}
CUBIC_METRES: Mapping[str, float] = {  # in one of what a meter counts in; without a unit nobody knows
    "m³": 1, "m3": 1, "L": 0.001, "gal": 0.003785411784, "ft³": 0.028316846592, "CCF": 2.8316846592,
}  # fmt: skip

# Words of an event or a trigger that call for help.
HELP = frozenset({"sos", "emergency", "panic", "help"})
