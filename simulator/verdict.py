"""What the oracle says: findings, how well each kind was found, how long people took; JSON beside the report."""

from datetime import datetime

import msgspec

from simulator.times import Times


class Finding(msgspec.Struct, kw_only=True):
    """Something that is not as it should be."""

    what: str
    who: str
    at: datetime
    note: str = ""


class Kind(msgspec.Struct, kw_only=True):
    """One kind of thing that a detector should find."""

    what: str
    happened: int = 0
    found: int = 0
    unseen: int = 0  # nothing that could have told was worn or there
    delay_s: Times | None = None

    @property
    def sensitivity(self) -> float | None:
        return self.found / self.happened if self.happened else None


class Alarms(msgspec.Struct, kw_only=True):
    """Alerts of one kind."""

    kind: str
    alerts: int = 0
    right: int = 0
    explained: dict[str, int] = {}  # neither: nothing happened, but it was so; by its class (measured.EXPLAINED)
    false: int = 0
    asked: int = 0  # of the false, those the wearer took back herself
    per_wearer_day: float = 0.0


class Family(msgspec.Struct, kw_only=True):
    """One family of devices."""

    family: str
    devices: int = 0
    sent: int = 0
    saved: int = 0
    copies: int = 0
    nonsense: int = 0
    told: int = 0  # presses and alarms
    lost: int = 0
    alerts: int = 0


class Level(msgspec.Struct, kw_only=True):
    """One service level."""

    what: str
    within_s: float
    wanted: float
    reached: float | None
    of: int


class Lent(msgspec.Struct, kw_only=True):
    """A watch on another's wrist, and what the hub made of it under the name of her whose watch it is."""

    who: str
    at: datetime
    until: datetime | None
    shown: list[str] = []  # alerts: kind, rule, severity, when


class Expected(msgspec.Struct, kw_only=True):
    """One expectation of the story beside what was."""

    what: str
    wanted: str
    was: str
    met: bool


class Verdict(msgspec.Struct, kw_only=True):
    """What the oracle has to say."""

    lost: list[Finding] = []
    invented: list[Finding] = []
    late: list[Finding] = []
    unended: list[Finding] = []
    unsaid: int = 0  # never had power or a line to be said
    spoilt: int = 0  # went out in pieces only
    told: int = 0
    incidents: int = 0
    cases: dict[str, int] = {}  # by kind, and all of them
    calls: int = 0  # of these, in which somebody has to come
    messages_sent: int = 0
    messages_saved: int = 0
    messages_stored: int = 0
    pages: int = 0
    pages_per_incident: float = 0.0
    wearer_days: float = 0.0
    kinds: list[Kind] = []
    alarms: list[Alarms] = []
    families: list[Family] = []
    levels: list[Level] = []
    to_human_s: Times | None = None
    to_door_s: Times | None = None
    to_close_s: Times | None = None
    unanswered: int = 0
    lent: list[Lent] = []
    expected: list[Expected] = []
    faults: list[str] = []

    @property
    def passed(self) -> bool:
        return not (self.lost or self.invented or self.late or self.unended or self.unmet)

    @property
    def unmet(self) -> list[Expected]:
        """What the story expected and what did not come so."""
        return [each for each in self.expected if not each.met]

    def false_alarms(self) -> dict[str, int]:
        """Return how many alerts had no reason, by kind and in all."""
        false = {each.kind: each.false for each in self.alarms}
        return false | {"all": sum(false.values())}

    def found(self, what: str) -> tuple[int, int]:
        """Return of how many of a kind of happening an alert told, and how many there were."""
        one = next((each for each in self.kinds if each.what == what), None)
        return (one.found, one.happened) if one else (0, 0)

    def words(self) -> list[str]:
        """Say it for a terminal."""
        heads = [
            f"{self.incidents} cases, {self.told} presses and alarms, {self.messages_saved} messages acknowledged",
            f"lost {len(self.lost)}, invented {len(self.invented)}, late {len(self.late)}, "
            f"not ended {len(self.unended)}",
        ]
        if self.expected:
            heads.append(f"expectations met {len(self.expected) - len(self.unmet)} of {len(self.expected)}")
        heads += [f"not as expected: {each.what} {each.wanted}, was {each.was}" for each in self.unmet]
        named = (("lost", self.lost), ("invented", self.invented), ("late", self.late), ("not ended", self.unended))
        return heads + [f"{word}: {each.what} {each.who} {each.at:%d %H:%M:%S} {each.note}"
                        for word, found in named for each in found[:20]]  # fmt: skip
