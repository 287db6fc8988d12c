"""What Milesight's fall radar VS373 says in its channels, and the six bytes of its smoke detector GS524N."""

from collections.abc import Mapping

from devices.adapters.lorawan.parts import Frame, Said, absent, alarm, measure, past, state, unix
from devices.telemetry import Observation, Stage

# The maker's table of alarms: type -> our code. README and decoder of the maker disagree on the numbers; these are the
# decoder's, and a device is put to use only after a fall has been played in front of it.
ALARMS: Mapping[int, tuple[str, bool]] = {  # type -> code, its value while the alarm is on
    0: ("alarm.fall", True),
    1: ("alarm.motionless", True),
    2: ("alarm.dwell", True),
    3: ("bed.occupied", False),
    4: ("presence.occupied", True),
    5: ("presence.occupied", False),
}
_WORDS = {6: "bradypnea", 7: "tachypnea"}
_TRIGGERED, _DEACTIVATED, _IGNORED = 1, 2, 3


def detection(frame: Frame, at: int) -> Said:
    """Yield what the radar sees now: a fall, somebody in bed, out of it, or nobody."""
    status = frame.u8(at)
    if status == 4:
        yield alarm("alarm.fall", True, Stage.SUSPECTED, native="fall")
    elif status in (2, 3):
        yield state("bed.occupied", status == 2)
    elif status == 1:
        yield state("presence.occupied", False)


def regions_before(frame: Frame, at: int) -> Said:
    """Yield the four zones of firmware 1.0.1, where 0 is occupied. Later ones say it the other way round."""
    for zone in range(4):
        if frame.u8(at + zone) in (0, 1):
            yield state("presence.occupied", frame.u8(at + zone) == 0, channel=str(zone + 1))


def regions(frame: Frame, at: int) -> Said:
    """Yield the zones of later firmware: how many there are, and a bit for each that somebody is in."""
    taken = frame.u32le(at + 1)
    for zone in range(min(frame.u8(at), 32)):
        yield state("presence.occupied", bool(taken >> zone & 1), channel=str(zone + 1))


def event(frame: Frame, at: int) -> Said:
    """Yield an alarm that began, ended, or that somebody waved away."""
    kind, status = frame.u8(at + 2), frame.u8(at + 3)
    code, value = ALARMS.get(kind, (None, True))
    if code is None or status not in (_TRIGGERED, _DEACTIVATED, _IGNORED):
        return
    if not code.startswith("alarm."):
        if status == _TRIGGERED:
            yield state(code, value, channel=str(frame.u8(at + 4)) if frame.u8(at + 4) else None)
        return
    stages = {_TRIGGERED: Stage.CONFIRMED, _DEACTIVATED: Stage.ENDED, _IGNORED: Stage.CANCELLED}
    yield alarm(code, status == _TRIGGERED, stages[status], native=_WORDS.get(kind))


def past_event(frame: Frame, at: int) -> Said:
    """Yield an alarm out of the radar's memory."""
    then = unix(frame.u32le(at))
    for seen in event(frame, at + 4):
        yield past(seen, then)


def respiration(frame: Frame, at: int) -> Said:
    """Yield breaths a minute; 0 while the radar could not count any."""
    rate = frame.u16le(at + 1)
    yield measure("vital.respiratory_rate", rate / 100) if rate else absent("vital.respiratory_rate")


_SMOKE: Mapping[int, tuple[Observation, ...]] = {  # the low half of the event byte; the high half is 1 for smoke
    0x1: (alarm("alarm.smoke", True),),
    0x2: (alarm("alarm.smoke", True, native="silenced"),),
    0x4: (state("battery.low", True),),
    0x5: (alarm("alarm.fault", True),),
    0x7: (alarm("alarm.smoke", False),),
    0xA: (alarm("alarm.tamper", True, native="removed"),),
    0xB: (alarm("alarm.tamper", False, native="installed"),),
    0xE: (state("test.smoke", True), state("battery.low", False)),
    0xF: (state("test.smoke", True), state("battery.low", True)),
}


def smoke(frame: Frame) -> Said:
    """Yield the GS524N's event, battery and temperature."""
    if frame.u8(1) >> 4 == 1:
        yield from _SMOKE.get(frame.u8(1) & 0x0F, ())
    yield measure("battery.level", frame.u8(2))
    yield measure("env.temperature", frame.i8(4))
