"""Alarms that go on: what is on until somebody clears it is said again and again, and is one call, not many.

Only alarms that their grammar calls lasting (`Observation.lasting`) are looked at: a flag that stays true, a bit that
stays set. A press that a device reports as an event rings each time.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from alerts.detectors.sos import BUTTONS, OVER
from devices.telemetry import Observation, Quality, Stage, Telemetry

GAP_MS = 60_000  # not said for longer, it is another alarm: too many rings are better than one too few
HOUSE_GAP_MS = 7_200_000  # of detectors, which do say when it is over, and repeat themselves by the hour
HOUSE = frozenset({"alarm.smoke", "alarm.fire", "alarm.gas", "alarm.carbon_monoxide", "alarm.water_leak"})
RESTART_MS = 60_000  # how long after its start a bridge may be sending the states that it remembers
MOST = 20_000  # devices in alarm, and bridges, that are remembered
BRIDGE = "/bridge"  # what the address of a bridge itself ends in

What: TypeAlias = tuple[str, str | None, Stage | None]  # code, channel, stage: a fall that is confirmed is news of it


@dataclass(slots=True)
class Train:
    """What a device is alarming about, since when, and when it last said so. Times in ms."""

    what: frozenset[What]
    since_ms: int
    said_ms: int


class Lasting:
    """What goes on at each device. It is not stored: after a restart of the hub an alarm that goes on rings once more.

    Looking at a message twice, which both lanes may do, changes nothing.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._trains: OrderedDict[str, Train] = OrderedDict()  # by device address
        self._started: OrderedDict[str, int] = OrderedDict()  # bridge -> when it said that it is there

    def hear(self, said: Telemetry, at_ms: int, *, retained: bool = False) -> Telemetry:
        """Note what a message says of lasting alarms, and return it; what a bridge that was started anew only
        remembers, and what nobody has cleared since it rang, is marked as replayed.
        """
        if retained:
            return said
        self._note_bridge(said, at_ms)
        on = _on(said)
        train = self._trains.get(said.device)
        if train is not None:
            if at_ms < train.said_ms:
                return said  # looked at before
            train = self._without(said, on, train)
        if train is None or not on <= train.what:
            self._begins(said.device, on, at_ms)
        elif at_ms - train.said_ms <= (HOUSE_GAP_MS if {code for code, *_ in on} <= HOUSE else GAP_MS):
            train.said_ms = at_ms if on else train.said_ms
        elif self._only_remembered(said, at_ms):
            return _replayed(said)
        else:
            self._begins(said.device, on, at_ms)
        return said

    def _without(self, said: Telemetry, on: frozenset[What], train: Train) -> Train | None:
        """Return what still goes on after this message."""
        train.what -= _over(said, on, train)
        if not train.what:
            del self._trains[said.device]
        return train if train.what else None

    def _begins(self, device: str, on: frozenset[What], at_ms: int) -> None:
        if on:
            self._trains[device] = Train(on, at_ms, at_ms)
            _trim(self._trains, device, self._most)

    def since_ms(self, said: Telemetry, at_ms: int) -> int | None:
        """Return since when the alarm in a message that was heard has been going on, None if some of it is new."""
        train = self._trains.get(said.device)
        if train is None or train.since_ms >= at_ms or any(_event(one) for one in said.observations):
            return None
        on = _on(said)
        return train.since_ms if on and on <= train.what else None

    def _note_bridge(self, said: Telemetry, at_ms: int) -> None:
        if said.device.endswith(BRIDGE) and any(o.code == "link.online" and o.value is True for o in said.observations):
            place = said.device.removesuffix(BRIDGE)
            self._started[place] = at_ms
            _trim(self._started, place, self._most)

    def _only_remembered(self, said: Telemetry, at_ms: int) -> bool:
        """Whether the bridge in front of this device has just started, and the message does not say how old it is."""
        if said.measured_at is not None:
            return False
        place = said.device
        while "/" in place:
            place = place.rpartition("/")[0]
            started = self._started.get(place)
            if started is not None:
                return 0 <= at_ms - started <= RESTART_MS
        return False


def _on(said: Telemetry) -> frozenset[What]:
    return frozenset((one.code, one.channel, one.stage) for one in said.observations if _is_on(one))


def _is_on(one: Observation) -> bool:
    return one.lasting and one.quality is Quality.OK and one.value is True and one.stage not in OVER


def _event(one: Observation) -> bool:
    """Whether this is something that happened, beside what goes on."""
    calls = one.code.startswith("alarm.") or one.code in BUTTONS
    return calls and not one.lasting and one.quality is Quality.OK and one.value not in (None, False, "", 0)


def _over(said: Telemetry, on: frozenset[What], train: Train) -> frozenset[What]:
    """Return what a message says is over. A report with a place, as trackers send, would name what goes on; one that
    was made before the alarm came says nothing of it.
    """
    off = {(o.code, o.channel) for o in said.observations if o.lasting and o.value is False and o.quality is Quality.OK}
    over = frozenset(one for one in train.what if one[:2] in off)
    whole = any(one.code == "location" for one in said.observations)
    if whole and (said.measured_at is None or said.measured_at.timestamp() * 1000 >= train.since_ms):
        over |= train.what - on
    return over


def _replayed(said: Telemetry) -> Telemetry:
    marked = (
        msgspec.structs.replace(one, quality=Quality.REPLAYED) if _is_on(one) else one
        for one in said.observations
    )  # fmt: skip
    return msgspec.structs.replace(said, observations=tuple(marked))


def _trim(table: "OrderedDict[str, Train] | OrderedDict[str, int]", newest: str, most: int) -> None:
    table.move_to_end(newest)
    while len(table) > most:
        table.popitem(last=False)
