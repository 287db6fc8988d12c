"""Commands that devices may still answer: which of their frames is the answer."""

import asyncio
from collections.abc import Iterable

from devices.adapter import Answer
from devices.protocols import BY_NAME

MOST_AWAITED = 10_000  # beyond it the oldest are not waited for any more; what they asked for still comes


class Awaited:
    """Asked about every frame of a tracker; while nothing is awaited that costs one look."""

    def __init__(self) -> None:
        self._sent: dict[str, dict[int, bytes]] = {}  # topic of a device → command → what it was sent
        self._topics: dict[int, str] = {}  # oldest first
        self.answers: asyncio.Queue[tuple[int, Answer]] = asyncio.Queue()

    def __len__(self) -> int:
        return len(self._topics)

    def expect(self, command: int, topic: str, payload: bytes) -> None:
        """Wait for the answer to what is being sent to a device of a TCP protocol that has answers."""
        protocol = BY_NAME.get(topic.split("/")[1]) if topic.startswith("tcp/") else None
        if protocol is None or protocol.answer is None:
            return
        self._sent.setdefault(topic, {})[command] = payload
        self._topics[command] = topic
        while len(self._topics) > MOST_AWAITED:
            self.forget(next(iter(self._topics)))

    def forget(self, command: int) -> None:
        """Wait for it no longer."""
        topic = self._topics.pop(command, None)
        if topic is not None:
            self._sent[topic].pop(command)
            if not self._sent[topic]:
                del self._sent[topic]

    def renew(self, known: Iterable[tuple[int, str, bytes]], under_way: set[int]) -> None:
        """Wait for exactly these, and for those that are being sent this moment."""
        rows = {command: (topic, payload) for command, topic, payload in known}
        for command in [number for number in self._topics if number not in rows and number not in under_way]:
            self.forget(command)
        for command, (topic, payload) in rows.items():
            if command not in self._topics:
                self.expect(command, topic, payload)

    def heard(self, topic: str, frame: bytes) -> None:
        """Look whether a device's frame answers a command to it; one frame answers one, the oldest."""
        for command, payload in (self._sent.get(topic) or {}).items():
            answer = BY_NAME[topic.split("/")[1]].answer
            said = None if answer is None else answer(payload, frame)
            if said is not None:
                self.answers.put_nowait((command, said))
                self.forget(command)
                return
