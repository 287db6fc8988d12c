"""The map on real tiles: asked of a server of this test by z/x/y, and her home where those tiles have it."""

import math
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from alerts.places import gcj02_of_wgs84
from tests.browser.conftest import LAPTOP, Desk, Shots
from tests.integration.web.world import Console, World, eventually

HOME = (38.47, 106.26)  # WGS-84, as the neighbourhood has her
OSM = "/osm/{z}/{x}/{y}.png"
AMAP = "/appmaptile?lang=zh_cn&size=1&style=8&x={x}&y={y}&z={z}"  # its numbers stand in the query
ASKED = re.compile(r"/osm/(?P<z>\d+)/(?P<x>\d+)/(?P<y>\d+)\.png$|\?.*x=(?P<qx>\d+)&y=(?P<qy>\d+)&z=(?P<qz>\d+)$")
NEAR_PX = 2.0
NASTY = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def picture() -> bytes:
    """A tile of 256 x 256 px: grey, one byte a pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"\xd0" * 256 for _ in range(256))
    head = struct.pack(">IIBBBBB", 256, 256, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Tiles:
    """Serves tiles and checks what it is asked: numbers that are on the globe, and nothing that tells of whom."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []
        self.wrong: list[str] = []
        tiles, image = self, picture()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = ASKED.search(self.path)
                z, x, y = (int(found[n] or found[f"q{n}"]) for n in "zxy") if found else (-1, 0, 0)
                if not (0 <= z <= 19 and 0 <= x < 2**z and 0 <= y < 2**z) or self.headers.get("Referer"):
                    tiles.wrong.append(f"{self.path} {self.headers.get('Referer')}")
                    self.send_error(400)
                    return
                tiles.asked.append((z, x, y))
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Content-Length", str(len(image)))
                self.end_headers()
                self.wfile.write(image)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="tiles")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def tiles() -> Iterator[Tiles]:
    server = Tiles()
    yield server
    server.close()


def tile_of(lat: float, lon: float, z: int) -> tuple[float, float]:
    """The tile of a place and how far into it, as web maps count (Mercator): x and y with their fractions."""
    n = 2**z
    return (lon + 180) / 360 * n, (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n


# Where her marker stands on the screen, and every tile: its address, corner and width. Nothing while the map moves.
SEEN = """() => {
  const mark = [...document.querySelectorAll('#map .leaflet-overlay-pane path')].filter((p) => p.getAttribute('stroke-width') === '3').at(-1);
  if (!mark || document.querySelector('#map .leaflet-zoom-anim .leaflet-zoom-animated[style*="transition"], #map.leaflet-zoom-anim')) return null;
  const box = mark.getBoundingClientRect();
  return { at: [box.x + box.width / 2, box.y + box.height / 2],
    tiles: [...document.querySelectorAll('#map img.leaflet-tile')].map((t) => { const r = t.getBoundingClientRect(); return [t.src, r.x, r.y, r.width]; }) };
}"""  # noqa: E501 - a script


def distance(seen: dict[str, Any] | None, home: tuple[float, float]) -> float | None:
    """How far from where its tile has her home her marker stands, in px; nothing while that tile is not there."""
    off = []
    for src, left, top, width in (seen or {"tiles": []})["tiles"]:
        found = ASKED.search(src)
        assert found is not None, src
        z, x, y = (int(found[n] or found[f"q{n}"]) for n in "zxy")
        tx, ty = tile_of(*home, z)
        if seen and (x, y) == (int(tx), int(ty)):
            off.append(math.dist((left + (tx - x) * width, top + (ty - y) * width), seen["at"]))
    return min(off, default=None)


def stood(page: Page, measure: Callable[[], float | None]) -> float:
    """What is measured once the map has come to rest: twice the same, some frames apart, on a machine however busy."""
    last: list[float | None] = [None]

    def same() -> bool:
        before, last[0] = last[0], measure()
        page.wait_for_timeout(100)
        return before is not None and before == last[0]

    eventually(same)
    assert last[0] is not None
    return last[0]


@pytest.mark.parametrize(("datum", "template"), [("wgs84", OSM), ("gcj02", AMAP)])
def test_home_stands_where_the_tiles_have_it(  # noqa: PLR0917 - fixtures and two parameters
    chromium: Browser, world: World, tiles: Tiles, shots: Shots, datum: str, template: str
) -> None:
    console = Console(world.dsn)
    console.more = {
        "CAREHUB_MAP_TILES": tiles.url + template,
        "CAREHUB_MAP_DATUM": datum,
        "CAREHUB_MAP_ATTRIBUTION": "©",
    }
    console.start()
    try:
        context = chromium.new_context(viewport=LAPTOP, locale="zh-CN", base_url=console.url)
        desk = Desk(context.new_page()).sign_in()
        case = world.alert("watch-wang")
        world.sql(
            "insert into landmark (kind, name, lat, lon) values ('aed', %(n)s, 38.4702, 106.2604)", n=NASTY
        )  # what somebody typed is a label's words
        desk.page.goto(f"/incidents/{case}")
        desk.page.wait_for_selector("#map img.leaflet-tile-loaded")
        desk.page.wait_for_selector("#map .map-label.is-home", state="attached")
        eventually(lambda: tiles.asked)
        desk.page.locator("#map").scroll_into_view_if_needed()
        assert NASTY in desk.page.locator("#map .map-label.is-aed").inner_text()
        assert desk.page.locator("#map [src='x'], #map script").count() == 0
        wanted = gcj02_of_wgs84(*HOME) if datum == "gcj02" else HOME
        if datum == "gcj02":  # what the browser's own library says, beside ours
            lon, lat = desk.page.evaluate(
                "([lon, lat]) => window.gcoord.transform([lon, lat], window.gcoord.WGS84, window.gcoord.GCJ02)",
                [HOME[1], HOME[0]],
            )
            assert abs(lat - wanted[0]) < 1e-5
            assert abs(lon - wanted[1]) < 1e-5
            assert abs(lat - HOME[0]) + abs(lon - HOME[1]) > 0.002, "a street further"
        place = (float(wanted[0]), float(wanted[1]))
        off = stood(desk.page, lambda: distance(desk.page.evaluate(SEEN), place))
        shots(desk.page, f"map-{datum}")
        assert off <= NEAR_PX
        assert tiles.wrong == []
        assert desk.complaints == []
        context.close()
    finally:
        console.stop()
