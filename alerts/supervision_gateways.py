"""When a gateway is lost: it says so, or its devices fall silent together; and when it is back. Pure.

One gateway's loss is one alert. What a press does is no business of this: nothing here is asked on its way.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

MEMBERS = 3  # devices behind a gateway that must be silent together: two may be two flat batteries
TOGETHER_MS = 2 * 3_600_000  # found silent within this of each other: daily heartbeats do not end in one minute
HEARD_SHARE = 0.04  # of a deadline: what speaks daily is missed after 25 hours, so its gateway has been gone for one
GONE_SHARE = 0.75  # of its deadline: a device that has been quiet for so long may well be gone
OFFLINE_GRACE_MS = 180_000  # a gateway that says it is offline may restart: the grade of path supervision on the mains
BEATS = 2  # messages from behind a lost gateway that end the loss: one may have been under way


class Why(StrEnum):
    """How we know that a gateway is lost."""

    SAID = "said"  # it, or the broker for it, said so
    SILENT = "silent"  # its devices fell silent together


@dataclass(frozen=True, kw_only=True, eq=False)
class Members:
    """The supervised devices behind one gateway, arrays of one length.

    `quiet_ms`: since they were heard, time in which the hub was away left out; `deadline_ms`: what each may be quiet;
    `found_ms`: when each was found silent, 0 for one that is not.
    """

    rows: NDArray[np.int64]
    quiet_ms: NDArray[np.int64]
    deadline_ms: NDArray[np.int64]
    found_ms: NDArray[np.int64]

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Which are past their deadline."""
        return self.quiet_ms > self.deadline_ms


def lost(members: Members, now_ms: int, back_ms: int = 0) -> bool:
    """Whether devices behind a gateway have fallen silent together. Asked when one of them is past its deadline.

    `back_ms`: since when the gateway is known to work; silences that were found before are not its doing.

    Either so many are past their deadlines, found within two hours of each other; or not one of them has been heard for
    most of its deadline, the first being past it: then it is known at the first and not at the third. A gateway through
    which somebody has just spoken is there, however many batteries behind it are flat.
    """
    silent = members.silent
    if not silent.any():
        return False
    gone = members.quiet_ms >= GONE_SHARE * members.deadline_ms
    if len(gone) >= MEMBERS and gone.all():
        return True
    news = (members.found_ms > back_ms) & (now_ms - members.found_ms <= TOGETHER_MS)
    explained = int(members.quiet_ms.min()) >= HEARD_SHARE * members.deadline_ms
    return int((silent & explained & ((members.found_ms == 0) | news)).sum()) >= MEMBERS


def offline_too_long(said_ms: int, now_ms: int, grace_ms: int = OFFLINE_GRACE_MS) -> bool:
    """Whether a gateway that said it is offline has had its time to restart."""
    return now_ms - said_ms > grace_ms
