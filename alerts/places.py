"""Where on earth, in which of two datums: WGS-84 as satellites say, GCJ-02 as maps and phones sold in China say.

The same door is 300 to 700 m apart in the two, about as much as a fence is wide, so they are never mixed: every
stored position is WGS-84, turned into it where it is written. Numbers or arrays of any shape.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Degrees: TypeAlias = npt.NDArray[np.float64]
Pair: TypeAlias = tuple[Degrees, Degrees]  # latitude, longitude

AXIS_M, ECCENTRICITY2 = 6_378_245.0, 0.006_693_421_622_965_943  # Krasovsky's ellipsoid, on which the offset is defined
SOUTH, NORTH, WEST, EAST = 0.8293, 55.8271, 72.004, 137.8347  # the box in which there is an offset
CLOSE_DEG = 1e-7  # a centimetre
ROUNDS = 10  # of coming closer; three or four do


def wgs84_of_gcj02(lat: npt.ArrayLike, lon: npt.ArrayLike) -> Pair:
    """Return GCJ-02 positions in WGS-84.

    There is no formula back: a position is sought whose GCJ-02 is the given one, to within a centimetre.
    """
    given_lat, given_lon = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    at_lat, at_lon = given_lat, given_lon
    for _ in range(ROUNDS):
        there_lat, there_lon = gcj02_of_wgs84(at_lat, at_lon)
        off_lat, off_lon = given_lat - there_lat, given_lon - there_lon
        at_lat, at_lon = at_lat + off_lat, at_lon + off_lon
        if not (np.abs(off_lat) + np.abs(off_lon) > CLOSE_DEG).any():
            break
    return at_lat, at_lon


def gcj02_of_wgs84(lat: npt.ArrayLike, lon: npt.ArrayLike) -> Pair:
    """Return WGS-84 positions in GCJ-02; outside China's box they are the same.

    Source: the offset published in 2013 by way of map viewers, and used by every converter since.
    """
    y, x = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    north_m, east_m = _offset_m(y - 35.0, x - 105.0)
    squeeze = 1.0 - ECCENTRICITY2 * np.sin(np.radians(y)) ** 2
    meridian_m = AXIS_M * (1.0 - ECCENTRICITY2) / squeeze**1.5  # radii of curvature
    parallel_m = AXIS_M / np.sqrt(squeeze) * np.cos(np.radians(y))
    with np.errstate(divide="ignore", invalid="ignore"):  # at the poles, which lie outside
        moved = y + np.degrees(north_m / meridian_m), x + np.degrees(east_m / parallel_m)
    inside = (y >= SOUTH) & (y <= NORTH) & (x >= WEST) & (x <= EAST)
    return np.where(inside, moved[0], y), np.where(inside, moved[1], x)


def _offset_m(y: Degrees, x: Degrees) -> Pair:
    """Return metres to the north and to the east, `y` and `x` being degrees from 35° N, 105° E."""
    ripple = 20.0 * (np.sin(6.0 * np.pi * x) + np.sin(2.0 * np.pi * x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    waves = 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)
    waves += 160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)
    north += (ripple + waves) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    waves = 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)
    waves += 150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)
    east += (ripple + waves) * 2.0 / 3.0
    return north, east
