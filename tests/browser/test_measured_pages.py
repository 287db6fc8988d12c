"""Curves of weeks and years as they are seen: by day and by night, on a telephone, at 320 pixels and in large type."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Shots
from tests.browser.test_accessible import NARROW, WAYS, Windows, faults, windows
from tests.browser.years import years
from tests.integration.web.test_family import consent
from tests.integration.web.test_family import link as family_link
from tests.integration.web.world import World, neighbourhood

__all__ = ["windows"]  # a fixture
SMALLEST_PX = 10  # a letter of a chart, as it is drawn

LETTERS = """() => [...document.querySelectorAll('.curve text')].map((e) => e.getBoundingClientRect())
  .map(({ height, left, right }) => ({ height, out: left < 0 || right > innerWidth + 1 }))"""
OVERLAP = """() => [...document.querySelectorAll('.curve')].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll('.curve-name')].map((e) => e.getBoundingClientRect());
  return boxes.slice(1).filter((box, n) => box.left < boxes[n].right).map((box) => box.left);
})"""


@pytest.fixture
def world(dsn: str) -> World:
    world = neighbourhood(dsn)
    years(world)
    return world


def legible(page: Page, name: str) -> list[str]:
    letters = page.evaluate(LETTERS)
    assert letters, name
    small = [one for one in letters if one["height"] < SMALLEST_PX]
    return [f"{name}: {what}" for what, there in (("small", small), ("out", [o for o in letters if o["out"]]),
                                                  ("overlap", page.evaluate(OVERLAP))) if there]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_span_can_be_read_by_everybody(windows: Windows, world: World, way: str, shots: Shots) -> None:
    world.sql("update person set language = %(l)s", l=WAYS[way][0])
    consent(world, "wang", scope="{family_health}")
    her = world.residents["wang"]
    against: list[str] = []
    desk, phone = windows.of(way, "li").new_page(), windows.without(way).new_page()
    for page, path in ((desk, f"/registry/residents/{her}/measured"), (phone, f"{family_link(world)}/{her}/measured")):
        for span in ("week", "month", "year", "decade"):
            page.goto(f"{path}?span={span}")
            expect(page.locator(".curve-spans [aria-current=page]")).to_have_count(1)
            page.locator(".curve-table summary").click()
            who = "desk" if page is desk else "family"
            shots(page, f"{who}-{span}-{way}", whole=span != "week" or page is phone)
            against += [*(f"{who} {span}: {fault}" for fault in faults(page)), *legible(page, f"{who} {span}")]
    assert not against, "\n".join(against)


def test_at_320_pixels_in_large_type_nothing_sticks_out_and_letters_are_letters(
    windows: Windows, world: World, shots: Shots
) -> None:
    world.sql("update person set look = 'large', language = 'en'")
    consent(world, "wang", scope="{family_health}")
    her = world.residents["wang"]
    against: list[str] = []
    desk, phone = windows.of("day", "li").new_page(), windows.without("day").new_page()
    for page, path in ((desk, f"/registry/residents/{her}/measured"), (phone, f"{family_link(world)}/{her}/measured")):
        page.set_viewport_size(NARROW)
        for span in ("week", "decade"):
            page.goto(f"{path}?span={span}")
            shots(page, f"narrow-{span}", whole=True)
            against += [*faults(page), *legible(page, f"{path} {span}")]
    assert not against, "\n".join(against)
