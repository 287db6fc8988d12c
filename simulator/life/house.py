"""What the sensors of each home tell of a minute: from where she is and what she goes on to, so that all of it agrees.

The infrared sees who moves in its room, the door opens when she goes or comes or somebody visits, the mat feels who
lies down, the meter counts what a step took when it is over: the flush after the toilet, the dishes after the meal.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.life import steps
from simulator.life.days import Days, Moves
from simulator.life.model import Doing, Events, Resident, Room, Sensor
from simulator.life.steps import Step

Ints = NDArray[np.int64]

# Share of minutes in which an infrared sensor notices somebody who does this in its room.
SEEN = np.zeros(len(Doing))
for _doing, _share in {
    Doing.ASLEEP: 0.004, Doing.AWAKE_IN_BED: 0.03, Doing.RESTING: 0.16, Doing.POTTERING: 0.85, Doing.COOKING: 0.9,
    Doing.EATING: 0.4, Doing.ON_TOILET: 0.35, Doing.WASHING: 0.85, Doing.SHOWERING: 0.7, Doing.RECEIVING: 0.8,
    Doing.ON_THE_FLOOR: 0.02,
}.items():  # fmt: skip
    SEEN[_doing] = _share
OTHERS_SEEN = 0.3  # of whoever lives with her, by day
METER_EVERY_MIN = 30
DOOR_OPEN_S = (3.0, 14.0)
LIES_DOWN_S, MOST_S = 12.0, 59.9


class Houses:
    """The sensors of n homes. Minutes are those of `agenda`."""

    def __init__(self, residents: Sequence[Resident], rng: np.random.Generator) -> None:
        n = len(residents)
        self._rng, self._n = rng, n
        self._who = np.array([each.number for each in residents], np.int64)
        self._has = {sensor: np.array([each.household.has(sensor) for each in residents]) for sensor in Sensor}
        self._eyes = np.zeros((n, len(Room)), np.bool_)
        for k, each in enumerate(residents):
            for sensor, room in each.household.sensors:
                self._eyes[k, room] |= sensor is Sensor.MOTION
        self._alone = np.array([each.household.lives_alone for each in residents])
        self._seen = np.zeros((n, len(Room)), np.bool_)  # whose "motion" stands
        self.litres: NDArray[np.float64] = np.floor(rng.uniform(2e4, 3e5, n))  # the meter's count
        self.tap = np.zeros(n)  # litres a minute that run by themselves
        self._told: list[tuple[NDArray[Any], ...]] = []
        self._now_seen = self._seen

    def tell(
        self, now: int, moves: Moves, days: Days, rings: Ints, alarms: Sequence[tuple[int, Sensor, bool]]
    ) -> Events:
        """Return the events of a minute.

        Args:
            rings: homes at whose door a visitor comes or goes.
            alarms: (resident, GAS or SMOKE, begins).
        """
        roll = self._rng.random((6, self._n))
        self._told, self._now_seen = [], np.zeros_like(self._seen)
        self._doors(moves, rings, roll[0])
        self._beds(moves)
        self._meters(now, moves, roll[1])
        self._motions(now, moves, days, roll)
        for k, sensor, begins in alarms:
            if self._has[sensor][k]:
                self._tell(roll[5, k : k + 1] * 60, np.array([k]), sensor, Room.KITCHEN, float(begins))
        return self._events()

    def _doors(self, moves: Moves, rings: Ints, roll: NDArray[np.float64]) -> None:
        through = ((moves.room_before == Room.OUT) != (moves.room_after == Room.OUT)) & self._has[Sensor.DOOR][
            moves.who
        ]
        who = np.append(moves.who[through], rings[self._has[Sensor.DOOR][rings]])
        at = np.append(moves.second[through], 5 + 35 * roll[rings[self._has[Sensor.DOOR][rings]]])
        low, high = DOOR_OPEN_S
        self._tell(at, who, Sensor.DOOR, Room.HALL, 1.0)
        self._tell(np.minimum(at + low + (high - low) * roll[who], MOST_S), who, Sensor.DOOR, Room.HALL, 0.0)
        hall = self._eyes[who, Room.HALL]
        self._see(at[hall] * 0.9, who[hall], np.full(int(hall.sum()), Room.HALL))

    def _beds(self, moves: Moves) -> None:
        before, after = steps.IN_BED[moves.before], steps.IN_BED[moves.after]
        changed = (before != after) & self._has[Sensor.BED][moves.who]
        at = moves.second + np.where(after, LIES_DOWN_S, 0.0)
        value = after[changed].astype(np.float64)
        self._tell(np.minimum(at[changed], MOST_S), moves.who[changed], Sensor.BED, Room.BEDROOM, value)

    def _meters(self, now: int, moves: Moves, roll: NDArray[np.float64]) -> None:
        took = steps.LITRES[moves.before] * (moves.after != Step.FLOOR) * (moves.after != Step.HOSPITAL)
        drawn = np.zeros(self._n)
        drawn[moves.who] = took * (0.6 + 0.8 * roll[moves.who])
        others = ~self._alone & (roll < 0.02) & (6 <= now % 1440 // 60 < 23)
        drawn += self.tap + 6.0 * others
        self.litres += drawn
        k = np.flatnonzero(((drawn > 0) | ((now + self._who) % METER_EVERY_MIN == 0)) & self._has[Sensor.WATER])
        at = np.full(self._n, 30.0)
        at[moves.who] = np.minimum(moves.second + 2, MOST_S)
        self._tell(at[k], k, Sensor.WATER, Room.BATHROOM, np.round(self.litres[k], 1))

    def _motions(self, now: int, moves: Moves, days: Days, roll: NDArray[np.float64]) -> None:
        """See who moves; a room in which nobody has been seen for a minute says so."""
        since = np.zeros(self._n)
        since[moves.who] = np.minimum(moves.second + 3, 58)
        moved = np.zeros(self._n, np.bool_)
        moved[moves.who] = (moves.room_before != moves.room_after) & (moves.after != Step.FLOOR)
        home = days.room != Room.OUT
        seen = home & (moved | (roll[2] < SEEN[days.doing])) & self._eyes[np.arange(self._n), days.room]
        k = np.flatnonzero(seen)
        at = np.where(moved[k], since[k], since[k] + (MOST_S - since[k]) * roll[3, k])
        self._see(at, k, days.room[k])
        others = (~self._alone & (roll[4] < OTHERS_SEEN) & (6 <= now % 1440 // 60 < 22)) | (
            (days.visited_until > now) & (roll[4] < 0.6)
        )
        k = np.flatnonzero(others)
        room = np.where(days.visited_until[k] > now, Room.LIVING, 2 + (now // 25 + k) % 3)
        sees = self._eyes[k, room]
        self._see(MOST_S * roll[5, k[sees]], k[sees], room[sees])
        gone_who, gone_room = np.nonzero(self._seen & ~self._now_seen)
        self._tell(roll[3, gone_who] * 30, gone_who, Sensor.MOTION, gone_room.astype(np.uint8), 0.0)
        self._seen = self._now_seen

    def _see(self, at: NDArray[np.float64], who: Ints, room: NDArray[Any]) -> None:
        self._now_seen[who, room] = True
        self._tell(at, who, Sensor.MOTION, room.astype(np.uint8), 1.0)

    def _tell(
        self, at: NDArray[np.float64], who: NDArray[Any], sensor: Sensor, room: NDArray[np.uint8] | Room,
        value: NDArray[np.float64] | float,
    ) -> None:  # fmt: skip
        m = len(who)
        self._told.append((
            at, who, np.full(m, sensor, np.uint8), np.broadcast_to(np.asarray(room, np.uint8), m),
            np.broadcast_to(np.asarray(value, np.float64), m),
        ))  # fmt: skip

    def _events(self) -> Events:
        at, who, sensor, room, value = (np.concatenate(column) for column in zip(*self._told, strict=True))
        order = np.argsort(at, kind="stable")
        return Events(
            second=at[order].astype(np.float32), resident=who[order].astype(np.int32), sensor=sensor[order],
            room=room[order], value=value[order],
        )  # fmt: skip
