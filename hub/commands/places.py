"""Where a door is, as somebody read it from a map: checked, and turned into the one datum that is stored, WGS-84."""

import argparse

from alerts.places import gcj02_of_wgs84, wgs84_of_gcj02
from hub.errors import HubError

DATUMS = ("wgs84", "gcj02")


def add_place(parser: argparse.ArgumentParser, whose: str) -> None:
    """Add --lat, --lon and the map they were read from."""
    parser.add_argument("--lat", type=float, help=f"degrees north, {whose}; in WGS-84 unless --datum says otherwise")
    parser.add_argument("--lon", type=float, help="degrees east")
    parser.add_argument(
        "--datum", choices=DATUMS, default=DATUMS[0],
        help="gcj02: read from a Chinese map, 300 to 700 m off; turned into WGS-84 at once; left out: %(default)s",
    )  # fmt: skip


def place_of(options: argparse.Namespace) -> tuple[float | None, float | None]:
    """Return the position in WGS-84, None twice where none was given.

    Raises:
        HubError: Half a position, no position on earth, or a map and no position.
    """
    lat, lon = options.lat, options.lon
    if (lat is None) != (lon is None):
        raise HubError("give --lat and --lon together")
    if lat is None:
        if options.datum != DATUMS[0]:
            raise HubError("--datum says of which map --lat and --lon are: give them as well, as that map shows them")
        return None, None
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise HubError("--lat and --lon are degrees: no such place")
    if options.datum == "gcj02":
        lat, lon = map(float, wgs84_of_gcj02(lat, lon))
    return lat, lon


def shown(lat: float | None, lon: float | None) -> str:
    """Return a stored position as satellites say it and as Chinese maps draw it."""
    if lat is None or lon is None:
        return "–"
    drawn = tuple(map(float, gcj02_of_wgs84(lat, lon)))
    return f"{lat:.6f}, {lon:.6f} (GCJ-02 {drawn[0]:.6f}, {drawn[1]:.6f})"
