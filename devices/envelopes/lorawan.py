"""What LoRaWAN network servers wrap around a sensor's bytes: whose, their number, when and how heard."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from devices.adapter import DecodeError
from devices.envelopes.lorawan_fields import (
    NAME,
    best,
    count,
    eui_of,
    from_base64,
    from_hex,
    listed,
    mapping,
    models,
    moment,
    nearest,
    number,
    text,
)  # fmt: skip

LONGEST_MESSAGE = 256 * 1024  # a hundred gateways' reception reports of one uplink are under 60 kB

_CHIRPSTACK = re.compile(r"(?:^|/)application/[^/]+/device/([^/]+)/event/([^/]+)$")
_CHIRPSTACK_OLD = re.compile(r"(?:^|/)application/[^/]+/device/([^/]+)/(rx|join|ack|error|status|location|txack)$")
_THE_THINGS = re.compile(r"(?:^|/)v3/[^/]+/devices/([^/]+)/(?:(.+))$")


class Event(StrEnum):
    """What a network server tells of a device."""

    UP = "up"  # the device said something
    JOIN = "join"  # it has a new session: its counters start again
    STATUS = "status"  # battery and link margin, asked for by the network
    ACK = "ack"  # it confirmed a message to it, or did not
    LOCATION = "location"  # the network has worked out where it is
    BESIDE = "beside"  # transmission reports, logs, queues: not the device's own word


class Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a network server about one device.

    `session` changes whenever the device joins; `counter` rises within one. `models` is what the network server calls
    the device, most telling first.
    """

    event: Event
    eui: str  # 16 hex digits
    payload: bytes = b""
    port: int | None = None
    counter: int | None = None
    session: str | None = None
    at: datetime | None = None  # when the network heard it
    clock_broken: bool = False  # it named a time that is none
    models: tuple[str, ...] = ()
    rssi_dbm: float | None = None
    snr_db: float | None = None
    gateway: str | None = None  # the one that heard it best
    battery_pct: float | None = None
    acknowledged: bool | None = None
    lat: float | None = None
    lon: float | None = None

    @property
    def identity(self) -> str | None:
        """Return what this uplink is called in its device: a redelivery names the same time.

        The number alone, also within a session, is no name: a device that joined again or was reset counts from zero,
        and its next press must not be taken for the one that had the number before. That the device sends it again, or
        that another network heard it too, is seen by whoever remembers (`alerts.naming`).
        """
        if self.counter is None or self.at is None:
            return None
        return f"{self.session or ''}/{self.counter}@{int(self.at.timestamp() * 1000)}"


def claims(topic: str) -> bool:
    """Whether a network server speaks on a topic. Those with topics of the customer's choice stand below `lorawan/`."""
    if topic.startswith(("lorawan/", "loriot/")):
        return True
    return ("/event/" in topic or "/devices/" in topic or "application/" in topic) and any(
        form.search(topic) for form in (_CHIRPSTACK, _THE_THINGS, _CHIRPSTACK_OLD)
    )


def read(topic: str, payload: bytes) -> Uplink:
    """Return what a network server's message says.

    Raises:
        DecodeError: Not the JSON of a network server that is known, or not a device's.
    """
    if len(payload) > LONGEST_MESSAGE:
        raise DecodeError(NAME, f"{len(payload)} bytes, at most {LONGEST_MESSAGE} allowed")
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        raise DecodeError(NAME, f"not JSON: {payload[:40]!r}") from None
    if not isinstance(said, dict):
        raise DecodeError(NAME, f"a JSON object is expected, not {type(said).__name__}")
    for mark, reader in _READERS:
        if mark in said:
            return reader(topic, said)
    raise DecodeError(NAME, f"no network server known to carehub writes {', '.join(sorted(said))[:120]!r}")


def _chirpstack4(topic: str, said: Mapping[str, Any]) -> Uplink:
    about = mapping(said.get("deviceInfo"))
    return _chirpstack(topic, said, about.get("devEui"), (about, said))


def _chirpstack3(topic: str, said: Mapping[str, Any]) -> Uplink:
    return _chirpstack(topic, said, said.get("devEUI"), (said,))


def _chirpstack(topic: str, said: Mapping[str, Any], eui: object, about: tuple[Mapping[str, Any], ...]) -> Uplink:
    """Return a ChirpStack event. Versions 3 and 4 differ in where the device stands and in small letters."""
    place = _CHIRPSTACK.search(topic) or _CHIRPSTACK_OLD.search(topic)
    event = _chirpstack_event(place[2] if place else None, said)
    heard = [mapping(one) for one in listed(said.get("rxInfo"))]
    at, broken = moment(said.get("time", next((one["time"] for one in heard if one.get("time")), None)))
    location = mapping(said.get("location"))
    acknowledged = said.get("acknowledged")
    return Uplink(
        event=event,
        eui=eui_of(eui if eui is not None else place[1] if place else None),
        payload=from_base64(said.get("data")) if event is Event.UP else b"",
        port=count(said.get("fPort"), 255),
        counter=count(said.get("fCnt"), 0xFFFFFFFF) if event is Event.UP else None,
        session=text(said.get("devAddr")),
        at=at,
        clock_broken=broken,
        models=models(about),
        rssi_dbm=best(heard, "rssi"),
        snr_db=best(heard, "snr", "loRaSNR", "lora_snr"),
        gateway=nearest(heard, "gatewayId", "gatewayID", "gateway_id"),
        battery_pct=_battery(said) if event is Event.STATUS else None,
        acknowledged=acknowledged if isinstance(acknowledged, bool) else None,
        lat=number(location.get("latitude")) if event is Event.LOCATION else None,
        lon=number(location.get("longitude")) if event is Event.LOCATION else None,
    )


def _chirpstack_event(word: str | None, said: Mapping[str, Any]) -> Event:
    """Return the event that a topic names; without a topic (HTTP) the fields tell."""
    if word is not None:
        named = {"up": Event.UP, "rx": Event.UP, "join": Event.JOIN, "status": Event.STATUS, "ack": Event.ACK}
        return named.get(word, Event.LOCATION if word == "location" else Event.BESIDE)
    if "data" in said or "fPort" in said:
        return Event.UP
    if "margin" in said:
        return Event.STATUS
    return Event.ACK if "acknowledged" in said else Event.BESIDE


def _battery(said: Mapping[str, Any]) -> float | None:
    """Return the battery of a device status, in percent. One on the mains, or that cannot tell, has none."""
    if said.get("externalPowerSource") is True or said.get("batteryLevelUnavailable") is True:
        return None
    return number(said.get("batteryLevel"))


_THINGS_EVENTS = (  # the field that a message of The Things Stack has -> what it is
    ("uplink_message", Event.UP),
    ("join_accept", Event.JOIN),
    ("downlink_ack", Event.ACK),
    ("downlink_nack", Event.ACK),
    ("location_solved", Event.LOCATION),
)


def _the_things_stack(topic: str, said: Mapping[str, Any]) -> Uplink:
    """Return a message of The Things Stack, which leaves out whatever is 0, false or empty."""
    ids = mapping(said.get("end_device_ids"))
    field, event = next((pair for pair in _THINGS_EVENTS if pair[0] in said), ("", Event.BESIDE))
    body = mapping(said.get(field))
    heard = [mapping(one) for one in listed(body.get("rx_metadata"))]
    at, broken = moment(body.get("received_at") or said.get("received_at"))
    location = mapping(body.get("location"))
    place = _THE_THINGS.search(topic)
    named = ids.get("dev_eui") or str(ids.get("device_id") or (place[1] if place else "")).removeprefix("eui-")
    up = event is Event.UP
    return Uplink(
        event=event,
        eui=eui_of(named),
        payload=from_base64(body.get("frm_payload")) if up else b"",
        port=count(body.get("f_port", 0), 255) if up else None,
        counter=count(body.get("f_cnt", 0), 0xFFFFFFFF) if up else None,
        session=text(body.get("session_key_id")) or text(ids.get("dev_addr")),
        at=at,
        clock_broken=broken,
        models=models(
            (mapping(body.get("version_ids")), mapping(said.get("attributes")), mapping(body.get("attributes")))
        ),
        rssi_dbm=best(heard, "rssi"),
        snr_db=best(heard, "snr"),
        gateway=nearest([{**one, **mapping(one.get("gateway_ids"))} for one in heard], "eui", "gateway_id"),
        acknowledged=field == "downlink_ack" if event is Event.ACK else None,
        lat=number(location.get("latitude", 0)) if event is Event.LOCATION else None,
        lon=number(location.get("longitude", 0)) if event is Event.LOCATION else None,
    )


def _loriot(topic: str, said: Mapping[str, Any]) -> Uplink:
    """Return a LORIOT message: `rx` and `gw` are uplinks (the second names every gateway), the rest is beside."""
    command = said.get("cmd")
    event = Event.UP if command in ("rx", "gw") and ("data" in said or "port" in said) else Event.BESIDE
    heard = [said, *(mapping(one) for one in listed(said.get("gws")))]
    at, broken = moment(said.get("ts"))
    return Uplink(
        event=event,
        eui=eui_of(said.get("EUI")),
        payload=from_hex(said.get("data")) if event is Event.UP else b"",
        port=count(said.get("port"), 255),
        counter=count(said.get("fcnt"), 0xFFFFFFFF) if event is Event.UP else None,
        at=at,
        clock_broken=broken,
        models=models((said,)),
        rssi_dbm=best(heard, "rssi"),
        snr_db=best(heard, "snr"),
        gateway=nearest(heard[1:], "gweui"),
    )


_READERS: tuple[tuple[str, Callable[[str, Mapping[str, Any]], Uplink]], ...] = (
    ("deviceInfo", _chirpstack4),
    ("devEUI", _chirpstack3),
    ("end_device_ids", _the_things_stack),
    ("EUI", _loriot),
)
