"""How a responder gets there: in how many minutes, and links that open a map on whatever phone he has.

A map's maker learns a place and nothing else: no name, no reason, and, by our Referrer-Policy, no link.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from alerts import nearness
from alerts.model import Role

ON_FOOT = frozenset({Role.PROPERTY, Role.NEIGHBOUR, Role.COMMUNITY})


def minutes(row: Mapping[str, Any], role: Role) -> int | None:
    """Return how long it takes him, as the escalation counted it: told by the circle, else by his place and hers."""
    start, door = (row["from_lat"], row["from_lon"]), (row["lat"], row["lon"])
    found = nearness.minutes_away(role, row["minutes_away"], start, door)
    return None if found is None else max(1, round(found))


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
