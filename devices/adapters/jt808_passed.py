"""What a JT/T 808 terminal passes on of the device behind it (message 0900): a car's own computer, most of all.

The standard leaves its content to the makers; this is what open servers agree on.
"""

from devices.adapters.jt808_items import coordinates
from devices.adapters.tracker import GMT8, Reader, Report, bcd, moment

DRIVEN, MOVED = 0x03, 0x15  # what a frame of the kind F0 holds
HARD: dict[int, str] = {
    51: "alarm.hardAcceleration",
    52: "alarm.hardBraking",
    53: "alarm.hardCornering",
    54: "alarm.laneChange",
    56: "alarm.accident",
}
GIVEN: dict[int, str] = {
    0x01: "alarm.powerRestored",
    0x02: "alarm.powerCut",
    0x0E: "alarm.idle",
    0x1A: "alarm.hardAcceleration",
    0x1B: "alarm.hardBraking",
    0x1C: "alarm.hardCornering",
    **dict.fromkeys((0x1D, 0x1E, 0x1F), "alarm.laneChange"),
    0x23: "alarm.fatigueDriving",
    0x25: "alarm.overspeed",
    **dict.fromkeys((0x26, 0x27, 0x28), "alarm.accident"),
    **dict.fromkeys((0x31, 0x32), "alarm.door"),
}


def read(body: Reader) -> list[Report]:
    """Return what is passed on, if it is for us.

    Raises:
        DecodeError: It ends before its kind must.
    """
    kind = body.u(1)
    report = Report()
    if kind in (0x53, 0x54):
        coordinates(report, body)
        body.take(6)  # altitude, speed, direction
        report.at = moment(bcd(body.take(6)), GMT8)
    elif kind == 0xFF:
        report.at = moment(bcd(body.take(6)), GMT8)
        report.place(body.i(4) / 1e6, body.i(4) / 1e6, valid=True)
    elif kind == 0xF0:
        report.at = moment(bcd(body.take(6)), GMT8)
        body.take(2)  # whether it was held back, what kind of car
        _of_car(report, body, body.u(1))
    else:
        return []
    return [report]


def _of_car(report: Report, body: Reader, kind: int) -> None:
    """Read events. Readings and fault codes are a car's own; the place behind them is passed over, as others do."""
    if kind == MOVED:
        event = body.u(4)
        report.alarm(HARD.get(event), f"f0:15:{event:02x}")
        return
    if kind == DRIVEN:
        for _ in range(body.u(1)):
            event = body.u(1)
            report.alarm(GIVEN.get(event), f"f0:{event:02x}")
            body.take(body.u(1))
