"""LifeSOS LS-30 alarm bases over LifeSOSpy_MQTT: plain text on topics that the installer named, below `…/lifesos/`.

What kind of sensor a device is stands on another topic, so only its model (as registered, or as its own name says)
tells whether a number is a temperature. The base says every alarm itself, by its Contact ID event.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devices import values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Stage, Telemetry

NAME = "lifesos/1"
SCHEME = "lifesos"
MARKS = frozenset({"lifesos", "ls30", "ls-30"})

# Contact ID events of the base -> code. Those that are not here concern the house's own arming and wiring.
EVENTS: Mapping[str, str] = {
    **dict.fromkeys(("Medical", "PersonalEmergency", "MedicalAlarm", "Panic", "Duress", "Silent", "Audible",
                     "SilentPanic", "AudiblePanic", "HoldUp"), "alarm.sos"),
    **dict.fromkeys(("Fire", "Combustion", "Heat", "PullStation", "Duct", "Flame", "Fire_NearAlarm"), "alarm.fire"),
    "Smoke": "alarm.smoke",
    **dict.fromkeys(("GasDetected", "Gas"), "alarm.gas"),
    **dict.fromkeys(("CarbonMonoxideDetected", "CO"), "alarm.carbon_monoxide"),
    **dict.fromkeys(("WaterLeakage", "WaterLeak", "Flood"), "alarm.water_leak"),
    **dict.fromkeys(("Burglary", "Perimeter", "Interior", "AlwaysOnBurglar", "EntryExit", "Outdoor", "SilentBurglary",
                     "Burglar"), "alarm.burglar"),
    **dict.fromkeys(("FailToReportIn", "SystemInactivity", "SeniorWatchTrouble", "Inactivity"), "alarm.inactivity"),
    **dict.fromkeys(("Tamper", "SensorTamper_Alarm", "SensorTamper_Trouble", "ExpansionModuleTamper",
                     "ExpModuleTamper"), "alarm.tamper"),
    **dict.fromkeys(("ACLoss", "ACPowerLoss", "ExpModuleACLoss"), "alarm.mains_loss"),
    **dict.fromkeys(("LowSystemBattery", "RFLowBattery", "ExpModuleLowBatt", "LowBattery", "BatteryLow"),
                    "battery.low"),
    **dict.fromkeys(("SensorTrouble", "SystemTrouble", "LossOfSupervision_RF", "SelfTestFailure", "FireTrouble",
                     "SensorSelfTestFailure", "BatteryMissingDead", "BatteryTestFailure", "SensorSupervisionFailure"),
                    "alarm.fault"),
    "RFReceiverJamDetect": "alarm.jamming",
    "GeneralAlarm": "alarm.general",
}  # fmt: skip
# Events of a single device -> code. `Trigger` is what its model makes of it.
DEVICE_EVENTS: Mapping[str, tuple[str, bool]] = {
    "Panic": ("alarm.sos", True),
    "Tamper": ("alarm.tamper", True),
    "BatteryLow": ("battery.low", True),
    "LowBattery": ("battery.low", True),
    "NewBattery": ("battery.low", False),
    "Open": ("contact.open", True),
    "Close": ("contact.open", False),
}
BUTTONS = frozenset({"Button", "Away", "Disarm", "Home"})
TRIGGERS: Mapping[str, str] = {
    "FloodDetector": "alarm.water_leak",
    "MedicalButton": "alarm.sos",
    "SmokeDetector": "alarm.smoke",
    "CODetector": "alarm.carbon_monoxide",
    "GasDetector": "alarm.gas",
    "InactivityReport": "alarm.inactivity",
    "VibrationSensor": "alarm.vibration",
    "PIRSensor": "presence.motion",
    "GlassBreakDetector": "alarm.burglar",
}
READINGS: Mapping[str, str] = {
    "TempSensor": "env.temperature",
    "HumidSensor": "env.humidity",
    "LightSensor": "env.illuminance",
    "LightDetector": "env.illuminance",
    "CO2Sensor": "env.co2",
}
# What an installer calls a sensor's topic -> code: a hint, so unverified.
HINTS: Mapping[str, str] = {
    **dict.fromkeys(("temp", "temperature"), "env.temperature"),
    **dict.fromkeys(("humid", "humidity"), "env.humidity"),
    **dict.fromkeys(("light", "lux", "illuminance"), "env.illuminance"),
}
BASE_STATES = frozenset({"Disarm", "Home", "Away", "Monitor", "AwayExitDelay", "AwayEntryDelay"})
# Last words of topics that say how something is set up, and nothing of how anybody is.
SETTINGS = frozenset({
    "type", "zone", "code", "description", "device_id", "rssi_db", "rssi_bars", "high_limit", "low_limit",
    "rom_version", "entry_delay", "exit_delay", "operation_mode", "ha_state", "set", "clear_status", "datetime",
})  # fmt: skip
SETTING_GROUPS = frozenset({"characteristics", "enable_status", "special_status", "switches", "category"})


class LifeSosAdapter:
    """The base and the devices enrolled in it."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic stands below a prefix that says `lifesos`."""
        return values.below(topic, MARKS) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Whether this is an event, or a triggered device."""
        last = topic.rpartition("/")[2]
        return last in ("event", "event_code") or payload.strip() == b"On"

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return the base's or the device's telemetry.

        Raises:
            DecodeError: An event that is no JSON object.
        """
        said = values.text(NAME, message.payload)
        place, _, last = message.topic.rpartition("/")
        if not said or not place or last in SETTINGS or place.rpartition("/")[2] in SETTING_GROUPS:
            return ()
        fresh = values.old(message.retained)
        if last == "event":
            seen = list(_contact_id(values.json_object(NAME, said), fresh))
        elif last in ("event_code", "restore_code"):
            seen = list(_code(said, last == "restore_code", message.model, fresh))
        elif last == "is_connected":
            seen = [_connected(said)]
        else:
            place = message.topic
            seen = list(_reading(said, last, message.model, fresh))
        if not any(one.code == "link.online" and one.value is False for one in seen):
            seen.append(values.alive(fresh))
        return (Telemetry(device=values.address(SCHEME, place), adapter=NAME, observations=tuple(seen)),)

    def encode(self, command: Command) -> Downlink | None:
        """Return None: the base speaks with its own voice."""
        return None


def _connected(said: str) -> Observation:
    state = values.flag(said)
    if state is None:
        raise DecodeError(NAME, f"is_connected: neither True nor False: {said[:40]!r}")
    return Observation(code="link.online", value=state)  # retained on purpose: it says how the line is


def _contact_id(about: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    """Yield what the base reports. `Repeat` is a condition that was told before and still is."""
    event, qualifier = values.word(about.get("event_code")), values.word(about.get("event_qualifier"))
    zone = values.word(about.get("zone")) or None
    if event in EVENTS:
        over = qualifier == "Restore"
        yield Observation(
            code=EVENTS[event], value=not over, stage=Stage.ENDED if over and EVENTS[event] != "battery.low" else None,
            native=event, channel=zone, quality=fresh,
        )  # fmt: skip
    elif values.word(about.get("event_category")) == "Alarm" and qualifier in ("Event", ""):
        yield Observation(code="alarm.general", value=True, native=event or "Alarm", channel=zone, quality=fresh)


def _code(event: str, over: bool, model: str | None, fresh: Quality) -> Iterator[Observation]:
    if event in DEVICE_EVENTS and not over:
        code, state = DEVICE_EVENTS[event]
        yield Observation(code=code, value=state, native=event, quality=fresh)
    elif event in BUTTONS:
        yield Observation(code="button.press", value=event, native=event, quality=fresh)
    elif event == "Trigger":
        triggered = _of(TRIGGERS, model)
        if triggered is not None:
            yield Observation(code=triggered, value=True, native=event, quality=fresh)
    elif event in EVENTS:
        stage = Stage.ENDED if over and EVENTS[event].startswith("alarm.") else None
        yield Observation(code=EVENTS[event], value=not over, stage=stage, native=event, quality=fresh)


def _of(table: Mapping[str, str], model: str | None) -> str | None:
    return None if model is None else table.get(model.rstrip("2"))


def _reading(said: str, name: str, model: str | None, fresh: Quality) -> Iterator[Observation]:
    """Yield a device's state: an open magnet, a reading, or a trigger that the bridge keeps on for half a minute."""
    if said in BASE_STATES:
        return
    if said in ("Open", "Closed"):
        yield Observation(code="contact.open", value=said == "Open", native=said, quality=fresh)
    elif said in ("On", "Off"):
        code = _of(TRIGGERS, model)
        # The event that came before it rang already: this is the bridge's memory of it, with no time of its own.
        if code is not None and not code.startswith("alarm."):
            yield Observation(code=code, value=said == "On", native=said, quality=fresh)
    elif values.number(said) is not None:
        code, hint = _of(READINGS, model), HINTS.get(values.key(name))
        if code is not None:
            yield from values.measure(code, said, fresh=fresh)
        elif hint is not None:
            yield from values.measure(hint, said, native=values.word(name) or None, fresh=Quality.UNVERIFIED)


ADAPTER = LifeSosAdapter()
