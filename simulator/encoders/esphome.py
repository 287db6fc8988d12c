"""ESPHome nodes on MQTT, from esphome.io: `<node>/<component>/<object>/state` with ON, OFF or a number.

The objects are called as the components' examples name them (MR60FDA2 for falls, MR60BHA2 for heart and breath).
"""

from datetime import datetime

from simulator.encoders.encoder import (
    PULSE_BREATH,
    Awaits,
    Body,
    Device,
    Encoder,
    Flag,
    Messages,
    Outgoing,
    Transport,
    mqtt,
)


def binary(device: Device, name: str, on: bool) -> Outgoing:
    """Return a binary sensor's state. ESPHome retains states."""
    return mqtt(f"{device.native}/binary_sensor/{name}/state", "ON" if on else "OFF")


def sensor(device: Device, name: str, value: float) -> Outgoing:
    return mqtt(f"{device.native}/sensor/{name}/state", f"{value:.0f}")


def press(device: Device, at: datetime, identity: str) -> Messages:
    """A pull cord: on while it is pulled."""
    return (binary(device, "sos_cord", True), binary(device, "sos_cord", False))


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return (binary(device, "falling_detected", True),)


def cancel(device: Device, at: datetime, identity: str) -> Messages:
    """Whoever fell has stood up."""
    return (binary(device, "falling_detected", False),)


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    readings = (("heart_rate", body.heart_rate_bpm), ("respiratory_rate", body.respiration_rpm))
    return tuple(sensor(device, f"real-time_{name}", value) for name, value in readings if value is not None)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return (sensor(device, "battery_level", pct),)


def _state(name: str) -> Flag:
    def say(device: Device, at: datetime, on: bool) -> Messages:
        return (binary(device, name, on),)

    return say


def login(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/status", "online", retain=True),)


def farewell(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/status", "offline", retain=True),)


ENCODER = Encoder(
    family="esphome", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="MR60FDA2",
    example="esphome:home7/esphome/bath-radar",
    source="https://esphome.io/components/mqtt, seeed_mr60fda2, seeed_mr60bha2",
    press=press, fall=fall, cancel=cancel, vitals=vitals, measures=PULSE_BREATH, battery=battery, login=login,
    farewell=farewell, door=_state("front_door"), motion=_state("hall_motion"), presence=_state("person_information"),
    bed=_state("bed_occupied"), water=_state("water_leak"), smoke=_state("smoke"), gas=_state("gas"),
)  # fmt: skip
