"""What a press is recognised by, where its message alone does not tell: by what the device said before it."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from alerts.triage import SAME_PRESS
from devices.telemetry import Telemetry

LORAWAN, SHELLY = "lorawan:", "shelly1:"
SLEEPER = "/shellybutton1-"  # runs on a battery and speaks only when it is pressed
FORGOTTEN_MS = 3_600_000  # when a sleeper says the count it had before, and its battery may have been changed between
MOST = 50_000  # devices remembered
SAME_MS = int(SAME_PRESS.total_seconds() * 1000)  # between what two networks heard of one uplink
AGAIN_MS = 60_000  # how long a device sends one uplink again that nobody confirmed


@dataclass(slots=True)
class Count:
    """A press counter as it was heard last. `turn`: how often it has started again."""

    count: int
    turn: int
    said_ms: int


class Naming:
    """Two rules, each of one family.

    A LoRaWAN uplink that the device sends again, or that several networks deliver, has another time: the same counter
    within seconds, or within a minute of one session, keeps the name it had first. A counter alone would name two
    presses alike once the device has joined again.

    A Shelly of the first generation says its last press again and again with its count. So a count that has not changed
    is no press, however long that has been so; one that has fallen was started again, and what it counts is new.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._uplinks: OrderedDict[str, tuple[int, int, str]] = OrderedDict()  # device -> counter, when, name
        self._counts: OrderedDict[tuple[str, str], Count] = OrderedDict()  # device, input -> its counter

    def load(self, known: Iterable[tuple[str, str]], now_ms: int) -> None:
        """Take over the last press of each counter, (device, name) in the order they came, from before a restart."""
        for device, name in known:
            head, _, told = name.rpartition(":")
            count, _, turn = told.partition(".")
            if head and count.isdecimal() and (turn or "0").isdecimal():
                self._keep_count((device, head), Count(int(count), int(turn or 0), now_ms))

    def hear(self, said: Telemetry, at_ms: int) -> Telemetry:
        """Return a message under the name that a press in it is known by. Looking at it twice changes nothing."""
        if said.sequence is None or said.identity is None:
            return said
        if said.device.startswith(LORAWAN):
            return self._uplink(said, said.sequence, said.identity, at_ms)
        if said.device.startswith(SHELLY):
            return self._counted(said, said.sequence, said.identity, at_ms)
        return said

    def _uplink(self, said: Telemetry, counter: int, name: str, at_ms: int) -> Telemetry:
        known = self._uplinks.get(said.device)
        if known is not None and known[0] == counter:
            same_session = known[2].partition("/")[0] == name.partition("/")[0]
            if 0 <= at_ms - known[1] <= (AGAIN_MS if same_session else SAME_MS):
                return msgspec.structs.replace(said, identity=known[2])
        self._uplinks[said.device] = counter, at_ms, name
        self._uplinks.move_to_end(said.device)
        if len(self._uplinks) > self._most:
            self._uplinks.popitem(last=False)
        return said

    def _counted(self, said: Telemetry, count: int, name: str, at_ms: int) -> Telemetry:
        key = (said.device, name.rpartition(":")[0])
        known = self._counts.get(key)
        if known is None:
            known = Count(count, 0, at_ms)
        elif at_ms >= known.said_ms:
            slept = SLEEPER in said.device and count == known.count and at_ms - known.said_ms > FORGOTTEN_MS
            known = Count(count, known.turn + (count < known.count or slept), at_ms)
        self._keep_count(key, known)
        return msgspec.structs.replace(said, identity=f"{name}.{known.turn}" if known.turn else name)

    def _keep_count(self, key: tuple[str, str], count: Count) -> None:
        self._counts[key] = count
        self._counts.move_to_end(key)
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)
