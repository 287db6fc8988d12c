"""How a responder gets there: how far it is, and links that open a map on whatever phone he has.

A map's maker learns a place and nothing else: no name, no reason, and, by our Referrer-Policy, no link.
"""

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from alerts.model import Role

EARTH_M = 6_371_008.8  # mean radius, IUGG
ON_FOOT = frozenset({Role.PROPERTY, Role.NEIGHBOUR, Role.COMMUNITY})


def metres_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the distance as the crow flies; degrees in."""
    a, b = math.radians(lat), math.radians(other_lat)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def metres(row: Mapping[str, Any]) -> int | None:
    """Return how far the person usually is from her door, when both places are known."""
    places = [row[name] for name in ("from_lat", "from_lon", "lat", "lon")]
    return None if None in places else round(metres_between(*places))


def maps(row: Mapping[str, Any], role: Role, label: str) -> dict[str, str]:
    """Return one link for each map, by its place, or by its address when nobody has measured the place.

    `geo` opens whatever map an Android phone has, `apple` the iPhone's own; `amap` and `baidu` are web pages that open
    their apps. Coordinates are WGS 84; the Chinese maps are told so, or they would be some hundred metres off.
    """
    lat, lon, address, name = row["lat"], row["lon"], quote(row["address"] or ""), quote(label)
    if lat is None or lon is None:
        return {
            "geo": f"geo:0,0?q={address}", "apple": f"https://maps.apple.com/?q={address}",
            "amap": f"https://uri.amap.com/search?keyword={address}&callnative=1&src=carehub",
            "baidu": f"https://api.map.baidu.com/geocoder?address={address}&output=html&src=carehub",
        } if address else {}  # fmt: skip
    mode = "walk" if role in ON_FOOT else "car"
    return {
        "geo": f"geo:{lat:.6f},{lon:.6f}?q={lat:.6f},{lon:.6f}({name})",
        "apple": f"https://maps.apple.com/?daddr={lat:.6f},{lon:.6f}",
        "amap": f"https://uri.amap.com/navigation?to={lon:.6f},{lat:.6f},{name}&mode={mode}"
        "&coordinate=wgs84&callnative=1&src=carehub",
        "baidu": f"https://api.map.baidu.com/marker?location={lat:.6f},{lon:.6f}&title={name}&content={name}"
        "&coord_type=wgs84&output=html&src=carehub",
    }  # fmt: skip
