"""The nouns of a life: who a resident is, what she does, what is seen of it, and what really happened.

People are numbered: resident k of `Life` is line k of every array. Times are aware UTC; a simulated minute is named by
its beginning. In float arrays NaN, in integer arrays -1 says "not measured".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

CHINA = timezone(timedelta(hours=8))

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]  # of an IntEnum
Numbers = NDArray[np.int32]


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class Illness(StrEnum):
    COPD = "copd"
    HEART_FAILURE = "heart failure"
    ATRIAL_FIBRILLATION = "atrial fibrillation"
    HYPERTENSION = "hypertension"
    DIABETES = "diabetes"
    DEMENTIA = "dementia"
    FRAILTY = "frailty"
    SLEEP_APNOEA = "sleep apnoea"
    PARKINSON = "parkinson"


class Medicine(StrEnum):
    BETA_BLOCKER = "beta blocker"
    BLOOD_PRESSURE = "for blood pressure"
    DIURETIC = "diuretic"  # the bladder calls more often
    SLEEPING_PILL = "sleeping pill"


class Doing(IntEnum):
    """What she does in a minute. The values are those of the arrays."""

    ASLEEP = 0
    AWAKE_IN_BED = 1
    RESTING = 2  # sits: television, a newspaper, the window
    POTTERING = 3
    COOKING = 4
    EATING = 5
    ON_TOILET = 6
    WASHING = 7
    SHOWERING = 8
    RECEIVING = 9  # somebody visits
    WALKING = 10  # out of the house, on her feet
    SITTING_OUT = 11  # out of the house, with neighbours, at cards, at the clinic
    AWAY = 12  # for days: with the children, on a journey
    IN_HOSPITAL = 13
    ON_THE_FLOOR = 14  # has fallen and not got up
    EXERCISING = 15  # brisk walk, dance in the square


class Room(IntEnum):
    """Where she is. OUT is beyond the door of her home."""

    OUT = 0
    BEDROOM = 1
    LIVING = 2
    KITCHEN = 3
    BATHROOM = 4
    HALL = 5


class Sensor(IntEnum):
    """What a home can have, and what the value of its event says."""

    DOOR = 1  # 1 opened, 0 closed
    MOTION = 2  # 1 motion seen, 0 none any more; `room` says where
    BED = 3  # 1 occupied, 0 left
    WATER = 4  # the meter's count in litres, with every use and every half-hour
    GAS = 5  # 1 alarm, 0 over
    SMOKE = 6  # 1 alarm, 0 over


class FallKind(StrEnum):
    FORWARD = "forward"
    BACKWARD = "backward"
    SIDE = "side"
    SLIP = "slip"
    FAINT = "faint"  # sinks down without a protective hand
    FROM_SITTING = "from sitting"
    OUT_OF_BED = "out of bed"


class Deed(StrEnum):
    """What a wrist does all day, and what looks like a fall and is none."""

    WALKING = "walking"
    JOGGING = "jogging"
    STAIRS = "stairs"
    SITTING = "sitting"
    LYING = "lying"
    SITS_DOWN = "sits down"
    STANDS_UP = "stands up"
    DROPS_INTO_CHAIR = "drops into a chair"
    LIES_DOWN = "lies down"
    GETS_OUT_OF_BED = "gets out of bed"
    BENDS = "picks something up"
    CLAPPING = "claps"
    HITS_TABLE = "hits the table"
    WASHING_HANDS = "washes hands"
    DRINKING = "drinks"
    BRUSHING_TEETH = "brushes teeth"
    OPENS_DOOR = "opens a door"
    STUMBLES = "stumbles and catches herself"


class What(StrEnum):
    """What can happen to somebody, by itself or because a scenario wants it. In brackets what `how` may say."""

    FALLS = "falls"  # [kind: FallKind, lies: timedelta (until she gets up), hurt: bool]
    FEVER = "fever"  # [degrees: float, lasts: timedelta]
    BREATHLESS = "short of breath"  # [points: float (of SpO2), lasts: timedelta]
    FAST_HEART = "fast heart"  # [rise_bpm: float, lasts: timedelta]
    SLOW_HEART = "slow heart"  # [bpm: float, lasts: timedelta]
    GOES_OUT = "goes out"  # [lasts: timedelta]
    GOES_AWAY = "goes away"  # [lasts: timedelta] for days
    TO_HOSPITAL = "is taken to hospital"  # [lasts: timedelta]
    VISITED = "is visited"  # [lasts: timedelta]
    STAYS_IN_BED = "stays in bed"  # [lasts: timedelta]
    WANDERS = "wanders"  # [lasts: timedelta] leaves at an odd hour
    WATCH_OFF = "takes the watch off"  # [lasts: timedelta]
    SOMEBODY_ELSE = "somebody else wears the watch"  # [lasts: timedelta, resting_bpm: float]
    SMOKE = "smoke"  # [lasts: timedelta]
    GAS = "gas"  # [lasts: timedelta]
    TAP_RUNNING = "the tap runs"  # [lasts: timedelta, litres_a_minute: float]
    HELPED = "is helped"  # somebody is with her: she is lifted, brought home, put to bed
    DIES = "dies"


@dataclass(frozen=True, kw_only=True, slots=True)
class Constitution:
    """What is lasting about a body."""

    resting_bpm: float  # awake, sitting
    spo2_pct: float  # awake
    breaths_rpm: float
    systolic_mmhg: float
    diastolic_mmhg: float
    temperature_c: float
    frailty: float  # 0 spry … 1 hardly leaves the chair
    height_cm: float
    sleep_dip: float  # share by which the heart slows in sleep
    restless: float  # how far the heart rate wanders, 1 as most


@dataclass(frozen=True, kw_only=True, slots=True)
class Routine:
    """When she does what, in minutes of the local day, and how strictly."""

    wakes: int
    breakfast: int
    lunch: int
    supper: int
    to_bed: int
    nap: int  # minutes of it, 0 none
    strict: float  # standard deviation of all of these, minutes
    outings: float  # a day
    outing_min: int  # how long one usually takes
    exercise: float  # share of outings that are brisk
    visits: float  # a week
    night_toilets: float  # a night
    showers: float  # a week
    takes_watch_off_to_sleep: bool
    takes_watch_off_to_wash: bool
    charges: int  # minute of the day at which the watch is on its charger


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """What there is at home. `families` are names of adapter families, in the order wrist, button, home, bed."""

    lives_alone: bool
    sensors: tuple[tuple[Sensor, Room], ...]
    wrist: str | None  # adapter family of what she wears
    button: str | None  # of a button that hangs on a wall or a neck
    home: str | None  # of the gateway or the sensors in her home
    bed: str | None

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(one for one in (self.wrist, self.button, self.home, self.bed) if one)

    def has(self, sensor: Sensor) -> bool:
        return any(one is sensor for one, _ in self.sensors)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resident:
    """One older person who never was."""

    number: int  # her line in every array
    age: int
    sex: Sex
    illnesses: frozenset[Illness]
    medicines: frozenset[Medicine]
    constitution: Constitution
    routine: Routine
    household: Household

    @property
    def risk(self) -> str:
        """`high`, `raised` or `usual`: what a care assessment would say."""
        points = len(self.illnesses) + (self.age >= 85) + 2 * (self.constitution.frailty > 0.6)
        return "high" if points >= 4 else "raised" if points >= 2 else "usual"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mix:
    """What kind of people and homes are invented: shares 0 … 1, and weights of adapter families."""

    youngest: int = 66
    oldest: int = 98
    illnesses: Mapping[Illness, float] = field(default_factory=dict)  # instead of the usual share
    alone: float = 0.7
    door: float = 0.5
    motion: float = 0.5
    water: float = 0.3
    bed: float = 0.2
    gas: float = 0.4
    smoke: float = 0.5
    wrist: Mapping[str, float] = field(default_factory=lambda: {"carehub": 0.6, "watch_3g": 0.4})
    button: Mapping[str, float] = field(default_factory=lambda: {"zigbee2mqtt": 1.0})
    home: Mapping[str, float] = field(default_factory=lambda: {"zigbee2mqtt": 1.0})
    beds: Mapping[str, float] = field(default_factory=lambda: {"bed": 1.0})
    wears: float = 0.9  # share who have something on the wrist
    presses: float = 0.6  # share who have a button


@dataclass(frozen=True, kw_only=True, slots=True)
class Bodies:
    """What is true of n bodies in this minute; arrays (n,)."""

    heart_rate_bpm: Floats
    spo2_pct: Floats
    respiration_rpm: Floats
    temperature_c: Floats  # core
    systolic_mmhg: Floats
    diastolic_mmhg: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """What the watch on each wrist has to tell of this minute; arrays (n,)."""

    told: Bools  # it speaks at all in this minute: a late measurement is told in the next, or never
    second: Bytes  # of the minute in which it measured
    worn: Bools  # what the watch believes
    heart_rate_bpm: Floats
    spo2_pct: Floats
    respiration_rpm: Floats
    temperature_c: Floats  # of the skin
    systolic_mmhg: Floats
    diastolic_mmhg: Floats
    steps: NDArray[np.int16]
    quality: Bytes  # 0 … 100, of the pulse signal
    irregular: Bools  # the watch finds the beat irregular


@dataclass(frozen=True, slots=True)
class SensorEvent:
    """One word of a home."""

    second: float  # within the minute
    resident: int
    sensor: Sensor
    room: Room
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Events:
    """m sensor events of one minute, by second; arrays (m,). Iterating gives them one by one."""

    second: Floats
    resident: Numbers
    sensor: Bytes
    room: Bytes
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.second)

    def __iter__(self) -> Iterator[SensorEvent]:
        columns = (self.second, self.resident, self.sensor, self.room, self.value)
        for second, who, sensor, room, value in zip(*(each.tolist() for each in columns), strict=True):
            yield SensorEvent(second, who, Sensor(sensor), Room(room), value)


@dataclass(frozen=True, kw_only=True)
class Episode:
    """Something that really happened to somebody: what an oracle holds the hub's account against."""

    number: int
    resident: int
    what: What
    at: datetime
    until: datetime | None  # None: for good, or not known yet
    scripted: bool  # a scenario wanted it; else it came by itself
    how: Mapping[str, object] = field(default_factory=dict)  # in the words of `What`


@dataclass(frozen=True, kw_only=True, slots=True)
class Minutes:
    """One minute of everybody; arrays (n,)."""

    at: datetime  # its beginning
    doing: Bytes  # of Doing
    room: Bytes  # of Room
    in_bed: Bools
    visited: Bools
    away_m: Floats  # from home
    bodies: Bodies
    readings: Readings
    events: Events
    began: tuple[Episode, ...]  # what began to happen in this minute, scripted or not


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """Wrist samples, gravity included; 1 g = 9.80665 m/s²."""

    accel_mg: NDArray[np.int16]  # (n, 3)
    gyro_2mrad: NDArray[np.int16]  # (n, 3), 0.002 rad/s
    rate_hz: float
    range_g: float = 8.0
    impact_s: float | None = None  # of a fall: when the body hits the floor

    @property
    def seconds(self) -> float:
        return len(self.accel_mg) / self.rate_hz


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of minutes [since, until) of one resident, e.g. in which the watch was worn."""

    resident: int
    since: datetime
    until: datetime
