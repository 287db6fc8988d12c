"""Counts the messages that were kept as they came, by the device each is of, and how many rows they must have made."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from devices import registry
from devices.adapter import DecodeError, Message
from devices.adapters.carehub_columns import decode_vitals
from devices.protocols import PROTOCOLS
from devices.telemetry import Telemetry
from hub.discovered import Discovered
from hub.gather import CAREHUB, LEVELS, VITALS, vitals_address
from hub.gathered import spoken
from hub.store.telemetry import moment

NUMBERED = "carehub:"
Raw = tuple[int, str, bytes]  # received_ms, topic, payload
# Frames of a tracker all come in on one topic: only the frame says whose it is.
TRACKERS = {
    each.topic: (found.scheme, each.device_of)
    for each in PROTOCOLS if (found := registry.adapter_for(each.topic)) is not None
}  # fmt: skip


class Counting:
    """What each device said, of messages taken in the order in which they came.

    `messages`: all of them, copies and what nobody could read included; one of several devices' is counted for each.
    `unreadable`: of these, what no adapter reads. `total`: however many each is about; `topics`: by topic.
    """

    def __init__(self) -> None:
        self.total = 0
        self.topics: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self.unreadable: Counter[str] = Counter()
        self._discovered = Discovered()
        self._whose: dict[str, str] = {}  # topics that are one device's
        self._marks: dict[str, array[int]] = defaultdict(lambda: array("q"))

    def take(self, batch: Sequence[Raw]) -> None:
        """Count one batch."""
        vitals = [one for one in batch if _is_vitals(one[1])]
        if vitals:
            ok = decode_vitals([one[2] for one in vitals], np.array([one[0] for one in vitals], np.int64)).ok.tolist()
            for (_, topic, payload), readable in zip(vitals, ok, strict=True):
                self._vitals(vitals_address(topic), payload, readable=readable)
        self.total += len(batch)
        self.topics.update(topic for _, topic, _ in batch)
        for received_ms, topic, payload in batch:
            if not _is_vitals(topic):
                self._read(received_ms, topic, payload)

    def readable(self, device: str) -> int:
        """Return how many messages of a device could be read: so many rows there must be at least.

        Where a device numbers its messages one that came again makes no row (hub/repeats.py).
        """
        marks = self._marks.get(device, ())
        return len(set(marks)) if device.startswith(NUMBERED) else len(marks)

    def _read(self, received_ms: int, topic: str, payload: bytes) -> None:
        said = self._said(received_ms, topic, payload)
        devices = {one.device for one in said or ()}
        if len(devices) == 1 and topic not in TRACKERS:
            self._whose.setdefault(topic, *devices)
        self.messages.update(devices)
        for one in said or ():
            if spoken(one):
                self._marks[one.device].append(hash(payload))
        if not devices:
            whose = self._of(topic, payload)
            self.messages[whose] += 1
            self.unreadable[whose] += said is None

    def _said(self, received_ms: int, topic: str, payload: bytes) -> Sequence[Telemetry] | None:
        """Return what a message says; None of one that cannot be read."""
        self._discovered.learn(topic, payload)
        adapter = registry.adapter_for(topic)
        if adapter is None and self._discovered.adapter.claims(topic):
            adapter = self._discovered.adapter
        if adapter is None:
            return None
        try:
            return adapter.decode(Message(topic=topic, payload=payload, received_at=moment(received_ms)))
        except (DecodeError, ValueError, KeyError, IndexError):
            return None

    def _of(self, topic: str, payload: bytes) -> str:
        """Return whose a message is that says nothing."""
        scheme, device_of = TRACKERS.get(topic, ("", None))
        if device_of is not None:
            named = device_of(payload)
            return f"{scheme}:{named}" if named else ""
        levels = topic.split("/")
        return f"carehub:{levels[1]}" if topic.startswith(CAREHUB) and len(levels) == 3 else self._whose.get(topic, "")

    def _vitals(self, device: str, payload: bytes, *, readable: bool) -> None:
        self.messages[device] += 1
        if readable:
            self._marks[device].append(hash(payload))
        elif not readable:
            self.unreadable[device] += 1


def _is_vitals(topic: str) -> bool:
    return topic.startswith(CAREHUB) and topic.endswith(VITALS) and topic.count("/") == LEVELS
