"""Bluetooth gateways that read cuffs, oximeters and thermometers: the MQTT documents of Qube-Vital.

All devices of all homes share one topic; whose a reading is stands in `ble_mac`. Time in seconds of UTC.
"""

from datetime import datetime
from typing import Any

from simulator.encoders.encoder import (
    PRESSURE,
    PULSE_OXYGEN,
    Awaits,
    Body,
    Device,
    Encoder,
    Messages,
    Outgoing,
    Transport,
    publish,
)

TOPIC = "CM4_BLE_GW_TX"


def _mac(digits: str) -> str:
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)).upper()


def _gateway(device: Device) -> str:
    """A gateway of the device's own, unless it was told of one."""
    return _mac(device.memory.get("gateway", b"020000" + device.native[-6:].encode()).decode()).lower()


def _say(device: Device, at: datetime, kind: str, **data: Any) -> Outgoing:
    topic = f"{device.prefix}{TOPIC}"
    head = {"from": "PI", "to": "CLOUD", "time": int(at.timestamp()), "mac": _gateway(device), "type": kind}
    return publish(topic, {**head, "data": data})


def reading(device: Device, at: datetime, attribute: str, value: dict[str, Any]) -> Outgoing:
    """Return what one instrument read."""
    return _say(device, at, "reportAttribute", attribute=attribute, ble_mac=_mac(device.native), value=value)


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    """A message an instrument: cuff, oximeter, thermometer held at the head."""
    said = []
    if body.systolic_mmhg is not None and body.diastolic_mmhg is not None:
        pressures = {"bp_high": body.systolic_mmhg, "bp_low": body.diastolic_mmhg, "pr": body.heart_rate_bpm or 0}
        said.append(reading(device, at, "WBP_JUMPER", pressures))
    if body.spo2_pct is not None or (body.heart_rate_bpm is not None and not said):
        finger = {"pulse": body.heart_rate_bpm or 0, "spo2": body.spo2_pct or 0, "pi": 51}
        said.append(reading(device, at, "Oximeter_JUMPER", finger))
    if body.temperature_c is not None:
        said.append(reading(device, at, "TEMO_Jumper", {"mode": "Head", "Temp": round(body.temperature_c, 2)}))
    return tuple(said)


def login(device: Device, at: datetime) -> Messages:
    return (_say(device, at, "HB_Msg", msg="Online"),)


ENCODER = Encoder(
    family="ble_gateway", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="Jumper",
    example="ble:020000ccdd02", source="Qube-Vital's MQTT document, topic CM4_BLE_GW_TX",
    vitals=vitals, measures=PULSE_OXYGEN | PRESSURE | {"temperature_c"}, login=login,
)  # fmt: skip
