"""The steps of a day as one table: what she does in each, where, how long, what follows, what water it takes."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from simulator.life.model import Doing, Room


class Step(IntEnum):
    CHOOSE = 0  # nothing follows: she chooses
    SLEEP = 1
    LIE_AWAKE = 2
    NIGHT_TOILET = 3
    RISE = 4
    MORNING_TOILET = 5
    MORNING_WASH = 6
    COOK = 7
    EAT = 8
    DISHES = 9
    SIT = 10
    POTTER_LIVING = 11
    POTTER_KITCHEN = 12
    POTTER_BEDROOM = 13
    TOILET = 14
    WASH_HANDS = 15
    NAP = 16
    DRESS = 17
    WALK_OUT = 18
    SIT_OUT = 19
    EXERCISE = 20
    WALK_BACK = 21
    COME_IN = 22
    SHOWER = 23
    RECEIVE = 24
    EVENING_TOILET = 25
    EVENING_WASH = 26
    AWAY = 27
    HOSPITAL = 28
    FLOOR = 29
    ILL_IN_BED = 30
    WANDER = 31


class Row(NamedTuple):
    doing: Doing
    room: Room
    shortest_min: float
    longest_min: float
    then: Step
    litres: float = 0.0  # drawn when it ends


_IN_BED = (Doing.ASLEEP, Doing.AWAKE_IN_BED)
_S, _D, _R = Step, Doing, Room
TABLE: dict[Step, Row] = {
    _S.CHOOSE: Row(_D.RESTING, _R.LIVING, 1, 2, _S.CHOOSE),
    _S.SLEEP: Row(_D.ASLEEP, _R.BEDROOM, 30, 600, _S.SLEEP),  # until she wakes or the bladder calls
    _S.LIE_AWAKE: Row(_D.AWAKE_IN_BED, _R.BEDROOM, 4, 28, _S.SLEEP),
    _S.NIGHT_TOILET: Row(_D.ON_TOILET, _R.BATHROOM, 3, 9, _S.LIE_AWAKE, 7.0),
    _S.RISE: Row(_D.AWAKE_IN_BED, _R.BEDROOM, 2, 14, _S.MORNING_TOILET),
    _S.MORNING_TOILET: Row(_D.ON_TOILET, _R.BATHROOM, 4, 11, _S.MORNING_WASH, 7.0),
    _S.MORNING_WASH: Row(_D.WASHING, _R.BATHROOM, 4, 12, _S.POTTER_BEDROOM, 8.0),
    _S.COOK: Row(_D.COOKING, _R.KITCHEN, 12, 42, _S.EAT, 9.0),
    _S.EAT: Row(_D.EATING, _R.LIVING, 12, 30, _S.DISHES),
    _S.DISHES: Row(_D.POTTERING, _R.KITCHEN, 4, 13, _S.CHOOSE, 10.0),
    _S.SIT: Row(_D.RESTING, _R.LIVING, 8, 75, _S.CHOOSE),
    _S.POTTER_LIVING: Row(_D.POTTERING, _R.LIVING, 3, 18, _S.CHOOSE),
    _S.POTTER_KITCHEN: Row(_D.POTTERING, _R.KITCHEN, 3, 15, _S.CHOOSE, 1.5),
    _S.POTTER_BEDROOM: Row(_D.POTTERING, _R.BEDROOM, 3, 14, _S.CHOOSE),
    _S.TOILET: Row(_D.ON_TOILET, _R.BATHROOM, 3, 9, _S.WASH_HANDS, 6.0),
    _S.WASH_HANDS: Row(_D.WASHING, _R.BATHROOM, 1, 3, _S.CHOOSE, 1.5),
    _S.NAP: Row(_D.ASLEEP, _R.BEDROOM, 20, 100, _S.POTTER_BEDROOM),
    _S.DRESS: Row(_D.POTTERING, _R.HALL, 2, 6, _S.WALK_OUT),
    _S.WALK_OUT: Row(_D.WALKING, _R.OUT, 5, 22, _S.SIT_OUT),
    _S.SIT_OUT: Row(_D.SITTING_OUT, _R.OUT, 10, 60, _S.WALK_BACK),
    _S.EXERCISE: Row(_D.EXERCISING, _R.OUT, 15, 50, _S.WALK_BACK),
    _S.WALK_BACK: Row(_D.WALKING, _R.OUT, 5, 22, _S.COME_IN),
    _S.COME_IN: Row(_D.POTTERING, _R.HALL, 1, 5, _S.CHOOSE),
    _S.SHOWER: Row(_D.SHOWERING, _R.BATHROOM, 8, 22, _S.POTTER_BEDROOM, 48.0),
    _S.RECEIVE: Row(_D.RECEIVING, _R.LIVING, 10, 40, _S.CHOOSE),
    _S.EVENING_TOILET: Row(_D.ON_TOILET, _R.BATHROOM, 3, 9, _S.EVENING_WASH, 6.0),
    _S.EVENING_WASH: Row(_D.WASHING, _R.BATHROOM, 4, 14, _S.LIE_AWAKE, 9.0),
    _S.AWAY: Row(_D.AWAY, _R.OUT, 60, 60, _S.COME_IN),
    _S.HOSPITAL: Row(_D.IN_HOSPITAL, _R.OUT, 60, 60, _S.COME_IN),
    _S.FLOOR: Row(_D.ON_THE_FLOOR, _R.LIVING, 1, 1, _S.SIT),  # in the room she is in
    _S.ILL_IN_BED: Row(_D.AWAKE_IN_BED, _R.BEDROOM, 60, 60, _S.RISE),
    _S.WANDER: Row(_D.WALKING, _R.OUT, 20, 60, _S.COME_IN),
}
DOING = np.array([TABLE[step].doing for step in Step], np.uint8)
ROOM = np.array([TABLE[step].room for step in Step], np.uint8)
IN_BED = np.array([TABLE[step].doing in _IN_BED for step in Step])
SHORTEST = np.array([TABLE[step].shortest_min for step in Step])
LONGEST = np.array([TABLE[step].longest_min for step in Step])
THEN = np.array([TABLE[step].then for step in Step], np.uint8)
LITRES = np.array([TABLE[step].litres for step in Step])
