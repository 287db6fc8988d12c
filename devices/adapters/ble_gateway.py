"""Gateways that pass on what Bluetooth cuffs, oximeters, scales, thermometers and glucose meters measured.

Their messages also carry the person's name, birthday and number. None of it is read here, and none of it comes out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devices import plausible, values
from devices.adapter import Command, DecodeError, Downlink, Message
from devices.telemetry import Observation, Quality, Telemetry

NAME = "ble_gateway/1"
SCHEME = "ble"
MARKS = frozenset({"blegw", "ble_gateway", "blegateway"})
MOST = 64  # measurements of one message

_ROOT = re.compile(r"\w*_BLE_GW_TX|dusun_(?:pub|sub)", re.ASCII)
NUMBERS: Mapping[str, str] = {
    **dict.fromkeys(("bphigh", "systolic", "sys", "sbp"), "vital.bp_systolic"),
    **dict.fromkeys(("bplow", "diastolic", "dia", "dbp"), "vital.bp_diastolic"),
    **dict.fromkeys(("pr", "pulse", "pulserate", "heartrate", "hr", "bpm"), "vital.heart_rate"),
    **dict.fromkeys(("spo2", "oxygen", "bloodoxygen"), "vital.spo2"),
    **dict.fromkeys(("temp", "bodytemp", "temperature", "bodytemperature"), "vital.body_temperature"),
    **dict.fromkeys(("weight", "bodyweight"), "vital.body_weight"),
    **dict.fromkeys(("bloodglucose", "glucose", "bloodsugar"), "vital.blood_glucose"),
    **dict.fromkeys(("battery", "batterylevel"), "battery.level"),
}
# A thermometer is of the body by where it was held; other words ("Room", "Object", "Surface") are of things.
BODY = frozenset({"", "head", "forehead", "ear", "body", "adult", "child", "oral", "axilla", "human"})
MG_PER_MMOL = 18.0182  # of glucose
MMOL_BELOW = 35.0  # as mg/dL nobody would hold the meter any more; as mmol/L it is the top of most meters


class BleGatewayAdapter:
    """Qube-Vital, AVA4 and Dusun gateways and what they hear."""

    name = NAME
    scheme = SCHEME

    def claims(self, topic: str) -> bool:
        """Whether the topic is such a gateway's, or stands below a prefix that says so."""
        return _ROOT.fullmatch(topic.rpartition("/")[2]) is not None or values.below(topic, MARKS) is not None

    def urgent(self, topic: str, payload: bytes) -> bool:
        """Return False: what is measured by hand waits with the rest."""
        return False

    def decode(self, message: Message) -> Sequence[Telemetry]:
        """Return one telemetry for each measuring device, or for the gateway itself.

        Raises:
            DecodeError: Not a JSON object.
        """
        if message.payload.strip() == b"":
            return ()
        said = values.fields(NAME, message.payload)
        about = said.get("data")
        if not isinstance(about, dict):
            raise DecodeError(NAME, "a report without data")
        if said.get("type") == "reportAttribute":
            return tuple(_measured(said, about, message))
        return tuple(_gateway(said, about, message))

    def encode(self, command: Command) -> Downlink | None:
        """Return None: neither gateway nor meter has anything to show words on."""
        return None


def _mac(value: object) -> str:
    plain = re.sub(r"[^0-9a-f]", "", values.word(value).lower())
    return plain if len(plain) == 12 else ""


def _gateway(said: Mapping[str, Any], about: Mapping[str, Any], message: Message) -> Iterator[Telemetry]:
    mac, state = _mac(said.get("mac")), values.word(about.get("msg")).lower()
    if not mac or state not in ("online", "offline"):
        return
    at = plausible.instant(said.get("time"))
    seen = Observation(code="link.online", value=state == "online", quality=values.old(message.retained))
    yield Telemetry(
        device=values.address(SCHEME, f"gateway/{mac}"), adapter=NAME, observations=(seen,), measured_at=at,
        time_quality=plausible.clock(at, message.received_at),
    )  # fmt: skip


def _measured(said: Mapping[str, Any], about: Mapping[str, Any], message: Message) -> Iterator[Telemetry]:
    value = about.get("value")
    if not isinstance(value, dict):
        return
    listed = value.get("device_list")
    found = [one for one in listed if isinstance(one, dict)][:MOST] if isinstance(listed, list) else [value]
    heard_by = _mac(said.get("mac"))
    for one in found:
        mac = _mac(one.get("ble_addr")) or _mac(about.get("ble_mac")) or _mac(about.get("mac"))
        if not mac:
            raise DecodeError(NAME, "a measurement of a device without an address")
        at = plausible.instant(one.get("scan_time", said.get("time")))
        fresh = values.old(message.retained)
        yield Telemetry(
            device=values.address(SCHEME, mac), adapter=NAME, measured_at=at,
            observations=(*values.distinct(_values(one, fresh)), values.alive(fresh)),
            time_quality=plausible.clock(at, message.received_at), model=values.word(about.get("attribute")) or None,
            via=values.address(SCHEME, f"gateway/{heard_by}") if heard_by else None,
        )  # fmt: skip


def _values(said: Mapping[str, Any], fresh: Quality) -> Iterator[Observation]:
    mode = values.word(said.get("mode")).lower()
    for name, value in list(said.items())[:MOST]:
        code = NUMBERS.get(values.key(name))
        if code is None or (code == "vital.body_temperature" and mode not in BODY):
            continue
        if code == "vital.blood_glucose":
            yield from _glucose(value, values.word(said.get("unit")), values.word(said.get("marker")), fresh)
        else:
            yield from values.measure(code, value, native=name, fresh=fresh)


def _glucose(value: object, unit: str, marker: str, fresh: Quality) -> Iterator[Observation]:
    """Yield a glucose reading in mg/dL. Without a unit it is mmol/L if the number can be nothing else."""
    found = values.number(value)
    if found is None:
        return
    in_mmol = "mmol" in unit.lower() or (not unit and found < MMOL_BELOW)
    scale = MG_PER_MMOL if in_mmol else 1.0
    quality = fresh if unit or not in_mmol else Quality.UNVERIFIED
    yield from values.measure("vital.blood_glucose", found, native=marker or None, fresh=quality, scale=scale)


ADAPTER = BleGatewayAdapter()
