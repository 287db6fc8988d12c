"""The 3G watch's TCP words: `[3G*id*length*COMMAND,fields]`, from the vendor's protocol sheet."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.encoders import encoder
from simulator.encoders.encoder import PRESSURE, PULSE_OXYGEN, Awaits, Body, Device, Encoder, Messages, Transport, tcp

SOS_BIT = 1 << 16

MAX_FRAME_BYTES = 4096
ORDERS = ("CR", "hrtstart", "FIND", "UPLOAD", "CALL", "SOS", "MESSAGE", "RESET")  # what a server may tell a watch
_REPLY = re.compile(rb"\[([A-Z0-9]{2})\*([^*\]]+)\*([0-9A-Fa-f]{4})\*([^\]]*)\]")


@dataclass(frozen=True, kw_only=True)
class Fix:
    """Where the watch believes it is. `valid` False is what it sends indoors: the last place, marked V."""

    lat: float
    lon: float
    valid: bool = True
    satellites: int = 7


def frame(watch: str, content: str, maker: str = "3G") -> bytes:
    """Return one message; the length counts the bytes of its content in four hex digits."""
    body = content.encode("ascii")
    return b"[%s*%s*%04X*%s]" % (maker.encode(), watch.encode(), len(body), body)


def keepalive(watch: str, *, steps: int, tumbles: int, battery_pct: int) -> bytes:
    """LK: sent every few minutes; the watch hangs up when no answer comes."""
    return frame(watch, f"LK,{steps},{tumbles},{battery_pct}")


def position(
    watch: str, at: datetime, fix: Fix, *, battery_pct: int, steps: int, status: int = 0, command: str = "UD"
) -> bytes:
    """UD, and with `command="AL"` the alarm that has the same fields and a status bit that says why."""
    moment = at.astimezone(UTC)
    fields = [
        command,
        moment.strftime("%d%m%y"),
        moment.strftime("%H%M%S"),
        "A" if fix.valid else "V",
        f"{abs(fix.lat):.6f}",
        "N" if fix.lat >= 0 else "S",
        f"{abs(fix.lon):.6f}",
        "E" if fix.lon >= 0 else "W",
        "0.00",  # km/h
        "0.0",  # course
        "0.0",  # altitude
        str(fix.satellites if fix.valid else 0),
        "100",  # GSM signal, %
        str(battery_pct),
        str(steps),
        "0",  # tumbles
        f"{status:08X}",
        "1,0,460,0,9360,4082,131",  # one cell: timing advance, country, network, area, cell, strength
        "0",  # no Wi-Fi seen
    ]
    return frame(watch, ",".join(fields))


def alarm(watch: str, at: datetime, fix: Fix, *, battery_pct: int, steps: int, status: int = SOS_BIT) -> bytes:
    """AL: repeated by the watch until the server says AL."""
    return position(watch, at, fix, battery_pct=battery_pct, steps=steps, status=status, command="AL")


def pulse(watch: str, heart_rate_bpm: int) -> bytes:
    """Heart rate; 0 means the watch could not measure."""
    return frame(watch, f"heart,{heart_rate_bpm}")


def oxygen(watch: str, spo2_pct: int) -> bytes:
    """Oxygen saturation; the first field is not explained in the sheet and always 0 here."""
    return frame(watch, f"oxygen,0,{spo2_pct}")


def echo(watch: str, word: str) -> bytes:
    """What a watch says to an order before it obeys: the order's word."""
    return frame(watch, word)


def answers(stream: bytearray) -> Iterator[str]:
    """Take complete server messages off the front of `stream` and yield their command words."""
    while found := _REPLY.search(stream):
        content = found.group(4).decode("ascii", "replace")
        del stream[: found.end()]
        yield content.split(",", 1)[0]
    if len(stream) > MAX_FRAME_BYTES:
        stream.clear()


LOW_BATTERY_BIT, TAKEN_OFF_BIT, FALL_BIT = 1 << 17, 1 << 20, 1 << 21


def _line(device: Device, payload: bytes, answer: str = "") -> Messages:
    device.owed = answer.encode()
    return (tcp("watch3g", payload),)


def _alarm(device: Device, at: datetime, bits: int) -> Messages:
    fix = Fix(lat=device.fix.lat, lon=device.fix.lon, valid=device.fix.valid, satellites=device.fix.satellites)
    said = alarm(device.native, at, fix, battery_pct=device.battery_pct, steps=device.steps, status=bits)
    return _line(device, said, "AL")


def _press(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, SOS_BIT)


def _fall(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, FALL_BIT)


def _low_battery(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, LOW_BATTERY_BIT | 1)


def _taken_off(device: Device, at: datetime, identity: str) -> Messages:
    return _alarm(device, at, TAKEN_OFF_BIT | 1 << 3)


def _position(device: Device, at: datetime, fix: encoder.Fix) -> Messages:
    device.fix = fix
    place = Fix(lat=fix.lat, lon=fix.lon, valid=fix.valid, satellites=fix.satellites)
    return _line(device, position(device.native, at, place, battery_pct=device.battery_pct, steps=device.steps))


def _heartbeat(device: Device, at: datetime) -> Messages:
    said = keepalive(device.native, steps=device.steps, tumbles=0, battery_pct=device.battery_pct)
    return _line(device, said, "LK")


def _steps(device: Device, at: datetime, count: int) -> Messages:
    device.steps = count
    return _heartbeat(device, at)


def _battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return _heartbeat(device, at)


def _vitals(device: Device, at: datetime, body: Body) -> Messages:
    """One word a reading; pressures come with a pulse, and the wearer's height, sex, age and weight."""
    watch, said = device.native, list[bytes]()
    if body.systolic_mmhg is not None and body.diastolic_mmhg is not None:
        pulse_too = body.heart_rate_bpm or 0
        said.append(frame(watch, f"bphrt,{body.systolic_mmhg},{body.diastolic_mmhg},{pulse_too},168,1,71,60"))
    elif body.heart_rate_bpm is not None:
        said.append(pulse(watch, body.heart_rate_bpm))
    if body.spo2_pct is not None:
        said.append(oxygen(watch, body.spo2_pct))
    if body.temperature_c is not None:
        said.append(frame(watch, f"btemp2,1,{body.temperature_c:.1f}"))
    device.owed = b""
    return tuple(tcp("watch3g", one) for one in said)


def _acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and device.owed.decode() in answers(bytearray(reply))


ENCODER = Encoder(
    family="watch3g", transport=Transport.TCP, awaits=Awaits.REPLY, model="3G-watch", example="watch3g:8800000015",
    source="SeTracker server protocol V1.8, 2019",
    press=_press, fall=_fall, low_battery=_low_battery, taken_off=_taken_off, vitals=_vitals,
    measures=PULSE_OXYGEN | PRESSURE | {"temperature_c"}, steps=_steps, battery=_battery, position=_position,
    login=_heartbeat, heartbeat=_heartbeat, acknowledged=_acknowledged,
)  # fmt: skip
