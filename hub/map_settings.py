"""Settings of the map: whose tiles, and in which datum they are drawn. Without tiles nothing is asked of anybody."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DATUMS = ("wgs84", "gcj02")
MOST_SUBDOMAINS = 10
_HOST = re.compile(r"[a-z0-9{}.-]+(:\d{1,5})?")


@dataclass(frozen=True, kw_only=True)
class MapSettings:
    """`[map]`: Tianditu and OpenStreetMap are wgs84, AMap is gcj02."""

    tiles: str = ""  # https://… with {x}, {y}, {z}, and {s} where there are subdomains; empty: our own plan
    subdomains: str = ""  # the letters or digits {s} stands for: 01234567
    datum: str = "wgs84"  # gcj02: positions are converted in the browser before they are drawn
    attribution: str = ""  # what the tiles' licence wants to stand on them
    max_zoom: int = 18

    def __post_init__(self) -> None:
        if self.datum not in DATUMS:
            raise ValueError(f"datum: {self.datum!r} is none we know; write {' or '.join(DATUMS)}")
        if not self.tiles:
            return
        parts = urlsplit(self.tiles)
        if parts.scheme not in ("https", "http") or not _HOST.fullmatch(parts.netloc):
            raise ValueError(f"tiles: {self.tiles!r} is no address; write https://host/…{{z}}/{{x}}/{{y}}…")
        if not all(hole in self.tiles for hole in ("{x}", "{y}", "{z}")):
            raise ValueError(f"tiles: {self.tiles!r} lacks {{x}}, {{y}} or {{z}}")
        if ("{s}" in self.tiles) != bool(self.subdomains) or len(self.subdomains) > MOST_SUBDOMAINS:
            raise ValueError("subdomains: give them exactly when the address has {s}, 10 at most")
        if not 1 <= self.max_zoom <= 22:
            raise ValueError("max_zoom: 1 to 22")
        if not self.attribution:
            raise ValueError("attribution: whose map it is must stand on it")

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the origins that pictures may come from: these and no other."""
        if not self.tiles:
            return ()
        parts = urlsplit(self.tiles)
        names = [parts.netloc.replace("{s}", each) for each in self.subdomains or "-"]
        return tuple(dict.fromkeys(f"{parts.scheme}://{name}" for name in names))
