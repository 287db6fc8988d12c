"""Who is who among the homes that are followed: which device gives signs of whom, and what belongs to each row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from alerts.detectors.home_signs import Sign
from hub.store.followed import Ints, Sensors, milliseconds

NOBODY = -1
SIGN_ROOM = 16  # a device and its sign as one number


@dataclass(frozen=True, kw_only=True)
class Places:
    """What was learnt of all homes at one look. Made anew at every look; numbers of devices rise everywhere."""

    device: Ints  # every device
    row: Ints  # whose it is
    since_ms: Ints  # what it said before is not hers
    pairs: Ints  # device and sign that are known, as one number
    ears: Ints  # whose being heard shows that the home is: what sees motion; where nothing does, any sensor
    beds: Ints
    watches: Ints  # those that give no sign: they may count steps
    fenced: Ints  # those whose positions matter
    home: NDArray[np.float64]  # (rows, 2) where she lives, WGS 84; NaN: not known
    by_row: Ints  # places in `device`, by row

    @classmethod
    def of(cls, sensors: Sensors, row_of_line: Ints, fence_row: Ints, rows: int) -> Self:
        """Return the places of `rows` homes.

        Args:
            row_of_line: whose each line of the sensors is.
            fence_row: whose each fence is, NOBODY of who is not followed.
        """
        device_of_line, sign = sensors.lines["device"].astype(np.int64), sensors.lines["sign"].astype(np.int64)
        device, first = np.unique(device_of_line, return_index=True)
        row = row_of_line[first]
        home = np.full((rows, 2), np.nan)
        known = fence_row != NOBODY
        home[fence_row[known]] = np.stack([sensors.fences["lat"][known], sensors.fences["lon"][known]], axis=1)
        gives = sign > 0
        tells = gives & (sign != Sign.PLACE)
        return cls(
            device=device, row=row, since_ms=milliseconds(sensors.lines["since_us"][first]),
            pairs=distinct(device_of_line[gives] * SIGN_ROOM + sign[gives]),
            ears=distinct(device_of_line[_ears(sign, row_of_line, tells, rows)]),
            beds=distinct(device_of_line[sign == Sign.BED_IN]),
            watches=device[~among(device, distinct(device_of_line[tells]))],
            fenced=device[~np.isnan(home[row, 0])], home=home, by_row=np.argsort(row, kind="stable"),
        )  # fmt: skip

    def rows_of(self, device: Ints) -> Ints:
        """Return (n,) whose each device is, NOBODY where nobody's."""
        if len(self.device) == 0:
            return np.full(len(device), NOBODY, np.int64)
        at = np.minimum(np.searchsorted(self.device, device), len(self.device) - 1)
        return np.where(self.device[at] == device, self.row[at], NOBODY)

    @property
    def listening(self) -> Ints:
        """Return the devices that are asked whether they were heard."""
        return distinct(np.concatenate([self.ears, self.beds]))

    def only(self, rows: Ints) -> Callable[[Ints], Ints]:
        """Return what picks the devices of some rows out of others."""
        low = np.searchsorted(self.row, rows, "left", sorter=self.by_row)
        many = np.searchsorted(self.row, rows, "right", sorter=self.by_row) - low
        nth = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        hers = np.sort(self.device[self.by_row[np.repeat(low, many) + nth]])
        return lambda devices: hers[among(hers, devices)]


def _ears(sign: Ints, row: Ints, tells: NDArray[np.bool_], rows: int) -> NDArray[np.bool_]:
    """Return the lines that count as being heard. A meter that speaks does not show that the motion sensor would."""
    seeing = np.zeros(rows, np.bool_)
    seeing[row[sign == Sign.MOTION]] = True
    heard: NDArray[np.bool_] = (sign == Sign.MOTION) | (tells & ~seeing[row])
    return heard


def distinct(values: Ints) -> Ints:
    """Return each of some numbers once, rising. By sorting: numpy's own `unique` hashes, six times as slow."""
    order = np.sort(values)
    return order[np.append(True, order[1:] != order[:-1])] if len(order) else order


def among(these: Ints, known: Ints) -> NDArray[np.bool_]:
    """Return which of these numbers are known; `known` rises. Quick where these are few and the known many."""
    if len(known) == 0:
        return np.zeros(len(these), np.bool_)
    found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, these), len(known) - 1)] == these
    return found
