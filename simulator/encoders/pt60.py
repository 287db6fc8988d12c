"""PT60 watches on TCP, from the numbers of their messages: `@G#@,V01,<number>,<imei>,<imsi>,…,@R#@`.

Any frame is answered with a 38 and the server's time.
"""

from datetime import datetime

from simulator.encoders.encoder import (
    PRESSURE,
    PULSE,
    Awaits,
    Body,
    Device,
    Encoder,
    Fix,
    Messages,
    Outgoing,
    Transport,
    tcp,
    utc,
)

LOGIN, POSITION, STEPS, PULSE_AND_CHARGE, SOS, FALL, BLOOD = 1, 6, 13, 14, 42, 104, 110
ANSWER = b"@G#@,V01,38,"
AROUND = "1,460;0;9360;4082;-33,1,02:00:00:00:00:01;0041;-72"  # cells, and networks with their names in UCS-2


def frame(device: Device, kind: int, *words: str) -> Outgoing:
    device.owed = ANSWER
    line = ",".join(("@G#@", "V01", str(kind), device.native, f"946{device.native[-13:]}", *words, "@R#@"))
    return tcp("pt60", line.encode())


def login(device: Device, at: datetime) -> Messages:
    return (frame(device, LOGIN),)


def position(device: Device, at: datetime, fix: Fix) -> Messages:
    device.fix = fix
    return (frame(device, POSITION, _clock(at), f"{fix.lat:.6f};{fix.lon:.6f}"),)


def steps(device: Device, at: datetime, count: int) -> Messages:
    device.steps = count
    return (frame(device, STEPS, _clock(at), str(count)),)


def _pulse(device: Device, at: datetime, pulse: int) -> Outgoing:
    return frame(device, PULSE_AND_CHARGE, _clock(at), str(pulse), str(device.battery_pct))


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    said = [] if body.heart_rate_bpm is None else [_pulse(device, at, body.heart_rate_bpm)]
    if body.systolic_mmhg is not None and body.diastolic_mmhg is not None:
        said.append(frame(device, BLOOD, _clock(at), str(body.systolic_mmhg), str(body.diastolic_mmhg)))
    return tuple(said)


def battery(device: Device, at: datetime, pct: int) -> Messages:
    device.battery_pct = pct
    return (_pulse(device, at, 0),)


def press(device: Device, at: datetime, identity: str) -> Messages:
    return (frame(device, SOS, _clock(at), AROUND),)


def fall(device: Device, at: datetime, identity: str) -> Messages:
    return (frame(device, FALL, _clock(at), AROUND),)


def acknowledged(device: Device, reply: bytes) -> bool:
    return device.owed != b"" and reply.startswith(device.owed)


def _clock(at: datetime) -> str:
    return f"{utc(at):%Y%m%d%H%M%S}"


ENCODER = Encoder(
    family="pt60", transport=Transport.TCP, awaits=Awaits.REPLY, model="PT60", example="pt60:860000000000017",
    source="PT60 numbers of messages",
    press=press, fall=fall, vitals=vitals, measures=PULSE | PRESSURE, steps=steps, battery=battery, position=position,
    login=login, acknowledged=acknowledged,
)  # fmt: skip
