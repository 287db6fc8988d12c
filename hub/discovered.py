"""What Home Assistant discovery messages have told of: the table that makes their state topics readable. Bounded."""

from collections import OrderedDict

from devices.adapters.homeassistant import Entity, HomeAssistantAdapter, entities_of

MOST = 50_000  # entities remembered; a house has some hundred


class Discovered:
    """Learns discovery messages; `adapter` reads what was learned.

    It is not stored: whoever sends discovery messages sends them again when it connects, and a broker that keeps them
    hands them to every subscriber. A message that cannot be read changes nothing.
    """

    def __init__(self, most: int = MOST) -> None:
        self.by_topic: dict[str, tuple[Entity, ...]] = {}
        self.adapter = HomeAssistantAdapter(self.by_topic)
        self._most = most
        self._known: OrderedDict[str, tuple[Entity, ...]] = OrderedDict()  # by the topic of their discovery message
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def learn(self, topic: str, payload: bytes) -> None:
        """Take a message that may be one of discovery. The oldest description makes room for one too many."""
        if not topic.endswith("/config"):
            return
        found = entities_of(topic, payload)
        if found is None:
            return
        key, entities = found
        self._forget(key)
        if not entities:
            return
        self._known[key] = entities
        self._count += len(entities)
        for one in entities:
            self.by_topic[one.topic] = (*self.by_topic.get(one.topic, ()), one)
        while self._count > self._most and len(self._known) > 1:
            self._forget(next(iter(self._known)))

    def _forget(self, key: str) -> None:
        gone = self._known.pop(key, ())
        self._count -= len(gone)
        for one in gone:
            left = tuple(other for other in self.by_topic.get(one.topic, ()) if other is not one)
            if left:
                self.by_topic[one.topic] = left
            else:
                self.by_topic.pop(one.topic, None)
