"""The vocabulary: every code an observation may carry, its kind and its unit. LOINC: `devices.standards`."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What sort of statement a code makes."""

    MEASURE = "measure"  # a number with a unit
    STATE = "state"  # how something is
    EVENT = "event"  # something happened, once
    ALARM = "alarm"  # something is wrong
    LINK = "link"  # about the device and its line, not about a person


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One word of the vocabulary. `unit` is UCUM."""

    name: str
    kind: Kind
    unit: str | None = None
    column: str | None = None  # the array of devices.columns.Columns that carries it


def _measure(name: str, unit: str, column: str | None = None) -> Code:
    return Code(name=name, kind=Kind.MEASURE, unit=unit, column=column)


def _words(kind: Kind, names: str) -> tuple[Code, ...]:
    return tuple(Code(name=name, kind=kind) for name in names.split())


_ALL = (
    _measure("vital.heart_rate", "/min", "heart_rate_bpm"),
    _measure("vital.spo2", "%", "spo2_pct"),
    _measure("vital.respiratory_rate", "/min", "respiration_rpm"),
    _measure("vital.body_temperature", "Cel", "temperature_c"),
    _measure("vital.bp_systolic", "mm[Hg]", "systolic_mmhg"),
    _measure("vital.bp_diastolic", "mm[Hg]", "diastolic_mmhg"),
    _measure("vital.body_weight", "kg"),
    _measure("vital.blood_glucose", "mg/dL"),
    _measure("activity.steps", "{steps}"),  # the device's own running count, usually since midnight
    _measure("activity.steps_minute", "{steps}", column="steps"),  # in the minute that ends at measured_at
    _measure("activity.turns", "{turns}"),  # turning over in bed, since midnight
    _measure("battery.level", "%", column="battery_pct"),
    _measure("battery.voltage", "V"),
    _measure("electric.voltage", "V"),
    _measure("device.temperature", "Cel"),
    _measure("env.temperature", "Cel"),
    _measure("env.humidity", "%"),
    _measure("env.illuminance", "lx"),
    _measure("env.pressure", "hPa"),
    _measure("env.co2", "[ppm]"),
    _measure("env.carbon_monoxide", "[ppm]"),
    _measure("env.gas", "%"),
    _measure("presence.distance", "m"),
    _measure("water.total", "m3"),  # what a meter has counted in all; only where its scale is known
    Code(name="link.quality", kind=Kind.LINK, unit="{lqi}"),
    Code(name="link.gsm_signal", kind=Kind.LINK, unit="%"),
    Code(name="link.rssi", kind=Kind.LINK, unit="dB[mW]"),
    Code(name="link.snr", kind=Kind.LINK, unit="dB"),
    Code(name="wear.worn", kind=Kind.STATE, column="worn"),
    *_words(
        Kind.STATE,
        "location accel.gyro contact.open presence.occupied presence.motion presence.posture bed.occupied"
        " motion.moving battery.low battery.charging test.smoke retained.cleared",
    ),
    *_words(Kind.EVENT, "button.press event.test motion.tilt motion.drop"),
    *_words(Kind.EVENT, "rf.code"),  # a 433 MHz code: what it means stands where the device is registered
    *_words(Kind.STATE, "beacon.seen sleep.stage"),
    # What LoRaWAN badges, trackers and radars say besides. A button's state that may be the press itself, or its echo.
    *_words(Kind.EVENT, "button.pressed"),
    *_words(Kind.STATE, "flag.sos_mode"),
    *_words(Kind.ALARM, "alarm.man_down alarm.motionless alarm.dwell"),
    # What houses' detectors, alarm bases and radars say besides.
    *_words(Kind.ALARM, "alarm.stay_still alarm.wandering alarm.inactivity alarm.mains_loss alarm.burglar"),
    *_words(Kind.LINK, "discovery.device_class discovery.state_topic discovery.component"),
    *_words(
        Kind.ALARM,
        "alarm.sos alarm.fall alarm.smoke alarm.gas alarm.carbon_monoxide alarm.water_leak alarm.fire alarm.general"
        " alarm.tamper alarm.removed alarm.powerCut alarm.geofenceExit alarm.geofenceEnter alarm.vibration alarm.fault"
        # What trackers alarm about besides: of a thing, a way or a supply.
        " alarm.tampering alarm.movement alarm.accident alarm.geofence alarm.door alarm.lock alarm.unlock alarm.tow"
        " alarm.overspeed alarm.lowspeed alarm.idle alarm.parking alarm.fatigueDriving alarm.hardAcceleration"
        " alarm.hardBraking alarm.hardCornering alarm.laneChange alarm.highRpm alarm.temperature alarm.jamming"
        " alarm.gpsAntennaCut alarm.powerOff alarm.powerOn alarm.powerRestored alarm.lowPower alarm.bonnet"
        " alarm.footBrake alarm.fuelLeak alarm.overweight alarm.heartRate alarm.bloodPressure",
    ),
    *_words(Kind.LINK, "link.online link.seen provision.candidate provision.model provision.left"),
)

CODES: dict[str, Code] = {code.name: code for code in _ALL}
COLUMN_OF: dict[str, str] = {code.name: code.column for code in _ALL if code.column is not None}


def unit_of(name: str) -> str | None:
    """Return the UCUM unit in which values of this code are given."""
    code = CODES.get(name)
    return None if code is None else code.unit
