"""Every page of the hub held against WCAG 2.2 AA: in both languages, by day on a laptop and by night on a phone.

Each also at 320 CSS pixels in large type, where nothing may stick out and nothing be too small to hit.
The pages are those of the table that says who may what, so a new one is looked at without being told. axe-core finds
what a machine can find; the keyboard's way through a case is `test_by_keyboard.py`.
"""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, ViewportSize

from hub.web import access
from hub.web.access import Holder
from tests.browser.conftest import LAPTOP, LIMIT_MS, PHONE
from tests.browser.years import years
from tests.integration.web.world import PASSWORD, Console, World, neighbourhood

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Who looks: the first of these a page is for. One person a role, by login.
LOOKS = {
    Holder.SUPERVISOR: "ma", Holder.OPERATOR: "li", Holder.DISPATCHER: "disp", Holder.INSTALLER: "inst",
    Holder.ADMINISTRATOR: "admin", Holder.AUDITOR: "audit",
}  # fmt: skip
NARROW: ViewportSize = {"width": 320, "height": 640}  # what is left of 1,280 at 400 % (WCAG 1.4.10)
WAYS: dict[str, tuple[str, ViewportSize, Literal["light", "dark"]]] = {
    "day": ("zh-CN", LAPTOP, "light"),
    "night": ("en", PHONE, "dark"),
}
_PART = re.compile(r"\{(\w+)(?::\w+)?\}")


def pages() -> list[str]:
    """The templates of all addresses somebody signed in may open."""
    found = [name[4:] for name, line in access.TABLE.items() if name.startswith("GET ")]
    return [path for path in found if path not in access.PARTS and "/sheet" not in path]


def who_looks(path: str) -> Holder | None:
    holders = access.Way(method="GET", path=path, line=access.TABLE[f"GET {path}"]).everybody
    return next((role for role in LOOKS if role in holders), None)


@pytest.fixture
def world(dsn: str) -> World:
    world = neighbourhood(dsn)
    for role in (Holder.DISPATCHER, Holder.INSTALLER, Holder.ADMINISTRATOR, Holder.AUDITOR):
        world.person(LOOKS[role], f"{role} 某", str(role), login=True)
    world.heart_rates("watch-wang", [72.0, 80.0, 96.0, 112.0])
    years(world, days=400)
    return world


def example(world: World, path: str, incident: int) -> str:
    """Fill in an address: numbers of things that are there."""
    first = {
        "incident_id": incident, "incident": incident, "device_id": world.devices["watch-wang"],
        "resident": world.residents["wang"], "resident_id": world.residents["wang"],
        "person": world.people["guard"], "person_id": world.people["guard"],
    }  # fmt: skip
    return _PART.sub(lambda part: str(first.get(part[1], 1)), path)


@pytest.fixture
def windows(chromium: Browser, console: Console, world: World) -> Iterator["Windows"]:
    found = Windows(chromium, console)
    yield found
    found.close()


class Windows:
    """A browser window for each way of looking and each person, signed in when first asked for."""

    def __init__(self, chromium: Browser, console: Console) -> None:
        self._chromium, self._console = chromium, console
        self._contexts: dict[tuple[str, str], BrowserContext] = {}

    def without(self, way: str) -> BrowserContext:
        """A browser in which nobody is signed in."""
        return self.of(way, "")

    def of(self, way: str, login: str) -> BrowserContext:
        if (way, login) not in self._contexts:
            language, size, scheme = WAYS[way]
            context = self._chromium.new_context(
                viewport=size, locale=language, color_scheme=scheme, base_url=self._console.url
            )
            context.set_default_timeout(LIMIT_MS)
            self._contexts[way, login] = context
            if not login:
                return context
            page = context.new_page()
            page.goto(f"/login?language={language}")
            page.fill("[name=login]", login)
            page.fill("[name=password]", PASSWORD)
            page.click("button.primary")
            page.wait_for_url(lambda url: "/login" not in url)
            page.close()
        return self._contexts[way, login]

    def close(self) -> None:
        for context in self._contexts.values():
            context.close()


# Wider than the window, or a target below 24 x 24 px that is no link in a sentence (WCAG 1.4.10, 2.5.8).
OUT_OF_REACH = """() => {
  const found = [], wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) found.push(`wide: ${document.documentElement.scrollWidth} > ${wide}`);
  for (const e of document.querySelectorAll('a, button, input:not([type=hidden]), select, summary, textarea')) {
    const boxes = [e, ...(e.labels ?? [])].map((hit) => hit.getBoundingClientRect()), box = boxes[0];
    const inside = e.tagName === 'A' && getComputedStyle(e).display === 'inline';
    if (!e.checkVisibility() || inside || e.matches('.skip, .unseen') || box.right < 0) continue;
    if (boxes.every(({ width, height }) => width < 23.5 || height < 23.5)) found.push(`small: ${Math.round(box.width)}x${Math.round(box.height)} ${e.outerHTML.slice(0, 90)}`);
  }
  return found;
}"""  # noqa: E501 - a script


def out_of_reach(page: Page) -> list[str]:
    page.wait_for_load_state()  # with its looks
    return [f"{page.url} {fault}" for fault in page.evaluate(OUT_OF_REACH)]


def faults(page: Page) -> list[str]:
    """What axe-core has against this page, a line each, and what its sizes have."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": LEVELS}, "resultTypes": ["violations"]})
    return [
        f"{page.url} {one['id']}: {node['target'][0]} – {one['help']}"
        for one in found.response["violations"]
        for node in one["nodes"][:3]
    ] + out_of_reach(page)


def opened(page: Page, address: str) -> bool:
    """Whether this address is a page, and not a piece of one, a table or a chart's figures."""
    try:
        answer = page.goto(address, wait_until="domcontentloaded", timeout=LIMIT_MS)
    except Error as err:
        if "Download is starting" in str(err):
            return False
        raise
    assert answer is not None
    assert answer.status < 500, f"{address}: {answer.status}"
    return "text/html" in answer.headers.get("content-type", "") and "<!doctype html>" in answer.text().lower()


@pytest.mark.parametrize("way", WAYS)
def test_no_page_shuts_anybody_out(windows: Windows, world: World, way: str) -> None:
    world.sql("update person set language = %(l)s", l=WAYS[way][0])
    incident = world.alert("watch-wang", "fall")
    against: list[str] = []
    looked = 0
    for path in pages():
        role = who_looks(path)
        if role is None:
            continue
        page = windows.of(way, LOOKS[role]).new_page()
        if opened(page, example(world, path, incident)):
            against += faults(page)
            looked += 1
        page.close()
    assert looked >= 10
    assert not against, "\n".join(against)


def test_no_page_sticks_out_in_large_type_at_320_pixels(windows: Windows, world: World) -> None:
    world.sql("update person set look = 'large', language = 'en'")
    incident = world.alert("watch-wang", "fall")
    against: list[str] = []
    for path in pages():
        if role := who_looks(path):
            page = windows.of("day", LOOKS[role]).new_page()
            page.set_viewport_size(NARROW)
            if opened(page, example(world, path, incident)):
                against += out_of_reach(page)
            page.close()
    assert not against, "\n".join(against)
