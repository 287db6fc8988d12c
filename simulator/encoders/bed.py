"""Sleep radars that publish each reading bare, from DFRobot's sketch for the C1001 in sleep mode: `…/sleepsensor/…`.

Here `heartbeat` is the heart rate, and 255 is a reading that is none. A mat says somebody is in bed by 1 and 0.
"""

from datetime import datetime

from simulator.encoders.encoder import PULSE_BREATH, Awaits, Body, Device, Encoder, Messages, Transport, mqtt

NO_READING = 255


def bed(device: Device, at: datetime, on: bool) -> Messages:
    return (mqtt(f"{device.native}/bed_status", "1" if on else "0"),)


def vitals(device: Device, at: datetime, body: Body) -> Messages:
    pulse = NO_READING if body.heart_rate_bpm is None else body.heart_rate_bpm
    breath = NO_READING if body.respiration_rpm is None else body.respiration_rpm
    return (mqtt(f"{device.native}/heartbeat", str(pulse)), mqtt(f"{device.native}/respiration", str(breath)))


def login(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/status", "online", retain=True),)


def farewell(device: Device, at: datetime) -> Messages:
    return (mqtt(f"{device.native}/status", "offline", retain=True),)


ENCODER = Encoder(
    family="bed", transport=Transport.MQTT, awaits=Awaits.PUBACK, model="C1001", example="bed:home7/sleepsensor",
    source="https://github.com/DFRobot/DFRobot_HumanDetection",
    vitals=vitals, measures=PULSE_BREATH, login=login, farewell=farewell, bed=bed,
)  # fmt: skip
