"""What really happened: episodes, and when each watch was worn. An oracle holds the hub's account against it."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from simulator.life.model import Bools, Episode, Span

CHANGES_KEPT = 4_000_000  # of wearing, the oldest go first: half a year of two thousand residents
MINUTE = timedelta(minutes=1)


@dataclass
class Truth:
    """Grows by what happens. Minutes here are of UTC since 1970."""

    count: int
    episodes: list[Episode] = field(default_factory=list)  # by number
    minutes: int = 0  # lived so far
    first: int = 0
    worn_min: NDArray[np.int64] = field(init=False)  # (n,) how long each watch was worn

    def __post_init__(self) -> None:
        self.worn_min = np.zeros(self.count, np.int64)
        self._worn = np.zeros(self.count, np.bool_)
        self._changes = array("q")  # minute << 32 | resident << 1 | worn

    def begin(self, episode: Episode) -> None:
        self.episodes.append(episode)

    def end(self, number: int, at: datetime) -> None:
        """Say that an episode was over earlier than it was meant to be, or at all."""
        self.episodes[number] = replace(self.episodes[number], until=at)

    def note(self, minute: int, worn: Bools) -> None:
        """Keep who wears the watch in a minute."""
        if self.minutes == 0:
            self.first = minute
        self.minutes += 1
        self.worn_min += worn
        changed = np.flatnonzero(worn != self._worn)
        if len(changed):
            word = np.int64(minute) << 32 | changed.astype(np.int64) << 1 | worn[changed]
            self._changes.frombytes(word.astype(np.int64).tobytes())
            self._worn = worn.copy()
        if len(self._changes) > CHANGES_KEPT:
            del self._changes[: CHANGES_KEPT // 4]

    def worn(self, resident: int) -> tuple[Span, ...]:
        """Return when a resident wore her watch, as far back as is kept."""
        return tuple(self._spans(resident))

    def _spans(self, resident: int) -> Iterator[Span]:
        words = np.frombuffer(self._changes.tobytes(), np.int64)
        mine = words[(words >> 1 & 0x7FFFFFFF) == resident]
        since: int | None = None
        for word in mine.tolist():
            if word & 1:
                since = word >> 32
            elif since is not None:
                yield Span(resident=resident, since=_time(since), until=_time(word >> 32))
                since = None
        if since is not None:
            yield Span(resident=resident, since=_time(since), until=_time(self.first + self.minutes))


def _time(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
