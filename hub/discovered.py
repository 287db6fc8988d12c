"""What Home Assistant discovery messages have told of: the table that makes their state topics readable. Bounded."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import sha256

from prometheus_client import Counter

from devices.adapters.homeassistant import HomeAssistantAdapter
from devices.adapters.homeassistant_discovery import Entity, entities_of, home_of

MOST = 50_000  # entities remembered; a house has some hundred
MOST_OF_ONE = 5_000  # of one place: whoever invents entities crowds out its own
LARGEST = 32 << 10  # bytes of a message that is stored; one that describes a device with a hundred entities has 20 kB
LONGEST_TOPIC = 1_000  # characters; what is longer is understood, and not stored
SHARES = 10  # when all is full, a root with more than a tenth makes room
MOST_WAITING = 5_000  # messages that wait to be stored

REFUSED = Counter("carehub_discovery_refused", "Discovery messages not taken: there is room for no more entities")


class Discovered:
    """Learns discovery messages; `adapter` reads what was learned.

    A message that cannot be read changes nothing. What is new waits in `fresh` until it is stored; what was stored
    comes back through `load`.
    """

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self.by_topic: dict[str, tuple[Entity, ...]] = {}
        self.adapter = HomeAssistantAdapter(self.by_topic)
        self.fresh: dict[str, tuple[str, bytes]] = {}  # place and payload by topic: not stored yet
        self._most, self._most_of_one = most, most_of_one
        self._share = min(most_of_one, most // SHARES)
        self._places: dict[str, OrderedDict[str, tuple[Entity, ...]]] = {}  # by place, by topic of the message
        self._counts: dict[str, int] = {}  # entities of each place
        self._total = 0
        self._roots: dict[str, int] = {}  # and of each root, the first word of its places: what one credential can name
        self._places_of: dict[str, dict[str, None]] = {}  # of each root, the oldest first
        self._hogs: set[str] = set()  # roots with more than their share
        self._known: dict[str, bytes] = {}  # digest of each message, so that one said again is not stored again

    def __len__(self) -> int:
        return self._total

    def learn(self, topic: str, payload: bytes) -> None:
        """Take a message that may be one of discovery. The oldest description makes room for one too many."""
        if not topic.endswith("/config"):
            return
        found = entities_of(topic, payload)
        if found is None:
            return
        digest = sha256(payload).digest()
        if self._known.get(topic) == digest:
            return
        key, entities = found
        changed = self._put(key, home_of(topic), entities, digest)
        storable = len(topic) <= LONGEST_TOPIC and len(payload) <= LARGEST and "\x00" not in topic
        if changed and storable and len(self.fresh) < MOST_WAITING:
            self.fresh[topic] = home_of(topic), payload if entities else b""

    def load(self, told: Iterable[tuple[str, bytes]]) -> None:
        """Take what is stored, and what another process stored; an empty message takes its entities out of use."""
        for topic, payload in told:
            digest = sha256(payload).digest()
            found = None if self._known.get(topic) == digest or topic in self.fresh else entities_of(topic, payload)
            if found is not None:
                self._put(found[0], home_of(topic), found[1], digest)

    def stored(self, told: Mapping[str, tuple[str, bytes]]) -> None:
        """These are stored now, unless they have changed meanwhile."""
        for topic, one in told.items():
            if self.fresh.get(topic) == one:
                del self.fresh[topic]

    def _put(self, key: str, place: str, entities: tuple[Entity, ...], digest: bytes) -> bool:
        """Put a message's entities in place of what it told of before; returns whether that changed anything.

        Where there is no room for them, those of before stay.
        """
        old = self._places[place].get(key, ()) if place in self._places else ()
        old_digest = self._known.get(key)
        self._forget(key, place)
        if entities and self._room_for(len(entities)):
            self._add(key, place, entities, digest)
            return True
        if entities and old and old_digest is not None:
            self._add(key, place, old, old_digest)  # there was room for them, and making more has only added to it
            return False
        return bool(old)

    def _add(self, key: str, place: str, entities: tuple[Entity, ...], digest: bytes) -> None:
        self._places.setdefault(place, OrderedDict())[key] = entities
        self._count(place, len(entities))
        self._known[key] = digest
        for one in entities:
            self.by_topic[one.topic] = (*self.by_topic.get(one.topic, ()), one)
        known = self._places[place]
        while self._counts[place] > self._most_of_one and len(known) > 1:
            self._forget(next(iter(known)), place)  # the oldest; the one that came now stays

    def _room_for(self, more: int) -> bool:
        """Whether there is room, where need be in the newest place of a root that has more than its share.

        Never at that of others: whoever invents houses must not have anybody's alarms forgotten.
        """
        while self._total + more > self._most:
            root = max(self._hogs, key=self._roots.__getitem__, default=None)
            if root is None:
                REFUSED.inc()
                return False
            place = next(reversed(self._places_of[root]))
            self._forget(next(iter(self._places[place])), place)
        return True

    def _count(self, place: str, more: int) -> None:
        root = place.partition("/")[0]
        self._total += more
        self._counts[place] = self._counts.get(place, 0) + more
        self._roots[root] = self._roots.get(root, 0) + more
        self._places_of.setdefault(root, {}).setdefault(place)
        if not self._places[place]:
            del self._places[place], self._counts[place], self._places_of[root][place]
        if not self._places_of[root]:
            del self._places_of[root], self._roots[root]
        if self._roots.get(root, 0) > self._share:
            self._hogs.add(root)
        else:
            self._hogs.discard(root)

    def _forget(self, key: str, place: str) -> None:
        known = self._places.get(place)
        gone = () if known is None else known.pop(key, ())
        self._known.pop(key, None)
        if gone:
            self._count(place, -len(gone))
        for one in gone:
            left = tuple(other for other in self.by_topic.get(one.topic, ()) if other is not one)
            if left:
                self.by_topic[one.topic] = left
            else:
                self.by_topic.pop(one.topic, None)
