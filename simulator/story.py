"""The story of a town: who lives there, what happens, what breaks and how people answer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from simulator.expect import Expect
from simulator.quirks import Quirk

ZONE = "Asia/Shanghai"


class Happens(StrEnum):
    """What may happen to a resident."""

    PRESSES = "presses for help"
    PRESSES_BY_ACCIDENT = "presses by accident"
    PRESSES_TO_TEST = "presses to test"
    PRESSES_LONELY = "presses out of loneliness"
    SAYS_ONLY_HELP = "presses and can only say help"
    FALLS = "falls"
    FALLS_AND_CANCELS = "falls and says it was nothing"
    FALLS_LOCKED = "falls behind a locked door"
    FEVER = "gets a fever"
    BREATHLESS = "gets short of breath"
    FAST_HEART = "heart races"
    SLOW_HEART = "heart slows down"
    GOES_OUT = "goes out"
    AWAY = "is away"
    HOSPITAL = "is taken to hospital"
    VISITED = "is visited"
    STAYS_IN_BED = "stays in bed"
    WANDERS = "wanders off"
    SMOKE = "burns the supper"
    GAS = "leaves the gas on"
    TAP = "leaves the tap running"
    WATCH_OFF = "takes the watch off"
    WRONG_WEARER = "lends the watch to somebody"
    DIES = "dies in her sleep"
    LEAK = "has water on the floor"
    EVERY_WORD = "every device says all it can"


class Breaks(StrEnum):
    """What may go wrong with devices and networks."""

    BATTERY = "batteries run down"
    CLOCK = "clocks are wrong"
    CLOCK_JUMPS = "clocks jump about"
    REPEATS = "messages are repeated"
    LATE = "messages come late in bursts"
    DISORDER = "messages come out of order"
    CUT = "messages are cut"
    NETWORK = "the network is down"
    GATEWAY = "a gateway dies"
    POWER = "the power is cut"
    FIRMWARE = "the firmware is broken"
    QUIRK = "the firmware has a quirk"
    PIECES = "messages come in pieces"
    DRIFT = "clocks drift"
    CLOCK_1970 = "clocks start at 1970"
    CLOCK_2000 = "clocks start at 2000"
    CLOCK_SUMMER = "clocks go to summer time"
    CLOCK_ZONE = "clocks take another zone"
    STOLEN_KEY = "a key is stolen"


class Answers(StrEnum):
    """What a person does when called."""

    GOES = "goes"
    CANNOT_GO = "cannot go"
    SILENT = "does not answer"


class Script(StrEnum):
    """How an operator works."""

    USUAL = "by the book"
    HOLDS = "puts calls on hold"
    SLOW = "asks again and again"  # of a caller who can only say help


@dataclass(frozen=True, kw_only=True)
class Span:
    """How long something takes: eight times in ten between the two, now and then less or much more."""

    low_s: float
    high_s: float


@dataclass(frozen=True, kw_only=True)
class Whom:
    """Whom something concerns: a name, some number of residents, or everybody, of one community or of all."""

    name: str = ""
    number: int | None = None  # None: everybody, when there is no name
    community: str = ""
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class TownPlan:
    """[town]: what is invented."""

    residents: int
    communities: tuple[str, ...]
    begins: datetime
    days: float
    reports_every_min: int
    steps_min: int  # what is no alarm is told so often: fewer steps for the hub, and reports that much older
    lives_by_itself: bool
    motion_a_day: float  # how often a day a wrist's samples are sent although nobody fell
    shares: dict[str, float] = field(default_factory=dict)  # of Mix: door, motion, alone, …
    wrist: dict[str, float] = field(default_factory=dict)
    button: dict[str, float] = field(default_factory=dict)
    homes_a_gateway: int = 10
    forgets_to_charge: float = 0.0  # share of residents who often do not put the watch on its charger
    makers: tuple[str, ...] = ()  # entries of the encoders' registry: the first resident has the first, and so on

    @property
    def ends(self) -> datetime:
        return self.begins + timedelta(days=self.days)


@dataclass(frozen=True, kw_only=True)
class Named:
    """[[resident]]: somebody the story is about."""

    name: str
    community: str = ""
    age: int | None = None
    wears: str | None = None  # a family of wrist devices
    language: str = "普通话"
    door_code: str | None = None  # "" : nobody has it
    key_place: str | None = None
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Event:
    """[[event]]."""

    at_s: float  # after the beginning
    who: Whom
    what: Happens
    within_s: float = 0.0  # some time within this
    lasts_s: float | None = None
    times: int = 1
    apart_s: float = 4.0
    every_s: float | None = None  # again and again, until the end
    note: str = ""
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """[[trouble]]."""

    at_s: float
    who: Whom
    what: Breaks
    lasts_s: float | None = None
    share: float = 1.0  # of those it concerns
    by_s: float = 0.0  # clocks: by how much; late: how long it is kept back
    times: int = 1  # repeats: copies; a stolen key: messages a second
    devices: str = ""  # a kind ("button") or a maker ("gt06"); empty: what has a line of its own
    quirk: Quirk | None = None
    ppm: float = 0.0  # of a clock that drifts: +11.6 is a second a day
    note: str = ""
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Manners:
    """[[people]]: how some of those who are called answer."""

    who: str  # a name or a role
    of: str = ""  # a community
    does: Answers = Answers.GOES
    number: int | None = None  # how many of them there are in each community
    answers: Span = Span(low_s=10, high_s=90)
    leaves: Span = Span(low_s=20, high_s=180)
    arrives: Span = Span(low_s=180, high_s=1200)
    stays: Span = Span(low_s=240, high_s=1800)
    hands_over_to: str = "家属"
    cannot_go: float = 0.0  # share of calls
    silent: float = 0.0
    flat_phone: float = 0.0  # share of people who are not reached at all
    gives_up: float = 0.0  # says he goes, and then that he cannot
    leaves_early: float = 0.0  # tries to leave before anybody has taken over
    wrong_button: float = 0.0  # says no, or that she is handed over, by mistake, and then what he meant
    old_page: float = 0.0  # answers the page of the case before first
    wrong_code: float = 0.0  # opens a link whose code is none first; on a terminal, a page that is not his
    elsewhere: float = 0.0  # says that he is there half-way, with his phone's place
    comes_too: float = 0.0  # goes although somebody else does
    ends_with_shift: float = 0.0  # off duty, he hands over to a colleague, or turns back
    shift: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """[operators]."""

    number: int = 2
    takes: Span = Span(low_s=5, high_s=30)
    script: Script = Script.USUAL
    works: Span = Span(low_s=20, high_s=90)  # between two things she does
    holds_s: float = 300.0
    supervisor: bool = False  # who declares disaster mode when the console proposes it: then a house is taken as one


@dataclass(frozen=True, kw_only=True)
class Story:
    """The whole file."""

    title: str
    about: str
    town: TownPlan
    residents: tuple[Named, ...] = ()
    events: tuple[Event, ...] = ()
    faults: tuple[Fault, ...] = ()
    people: tuple[Manners, ...] = ()
    desk: Desk = Desk()
    expect: Expect | None = None

    def manners(self, name: str, role: str, area: str) -> Manners:
        """Return how somebody answers: by the name, by the role in the community, by the role, or by simply going."""
        fitting = [
            each for each in self.people if each.who in (name, role) and each.of in ("", area)
        ]  # fmt: skip
        ranked = sorted(fitting, key=lambda each: (each.who != name, not each.of))
        return ranked[0] if ranked else Manners(who=role)
