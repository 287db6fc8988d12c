"""A work order in a guard's hand: accepted, on site and done with a photo, with the line cut in the middle."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import LIMIT_MS, PHONE
from tests.integration.web.test_order_taps import given, link, state
from tests.integration.web.world import Console, World, eventually

WIDTH = "document.documentElement.scrollWidth"
PICTURE = Path(__file__).parents[2] / "hub" / "web" / "console.png"  # larger than what may be sent


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_order_is_done_on_a_phone_whose_line_is_cut(
    chromium: Browser, console: Console, world: World, tmp_path: Path, language: str
) -> None:  # fmt: skip
    world.sql("update person set language = %(l)s where id = %(p)s", l=language, p=world.people["guard"])
    number = given(world)
    context = chromium.new_context(
        viewport=PHONE, locale=language, base_url=console.url, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(link(world))
    page.screenshot(path=tmp_path / f"mine-{language}.png", full_page=True)
    page.click("a.order")
    page.screenshot(path=tmp_path / f"new-{language}.png", full_page=True)
    page.click("[data-verb=accept] button")
    expect(page.locator("[data-verb=arrive] button")).to_be_visible()
    eventually(lambda: state(world, number) == "accepted")
    context.set_offline(True)
    page.click("[data-verb=arrive] button")
    page.set_input_files("#photo", PICTURE)
    page.click("[data-verb=photo] button")
    expect(page.locator("#waiting li")).to_have_count(2)
    page.screenshot(path=tmp_path / f"no-line-{language}.png", full_page=True)
    assert state(world, number) == "accepted"
    context.set_offline(False)
    eventually(lambda: state(world, number) == "on_site")
    expect(page.locator("#waiting")).to_be_hidden()
    expect(page.locator("#photos")).to_have_attribute("data-n", "1")
    page.screenshot(path=tmp_path / f"there-{language}.png", full_page=True)
    page.fill("#did", "换了电铃，按三次都响")
    page.click("[data-verb=finish] button")
    eventually(lambda: state(world, number) == "done")
    expect(page.locator("header.what")).to_contain_text("已做完" if language == "zh-CN" else "Done")
    page.screenshot(path=tmp_path / f"done-{language}.png", full_page=True)
    assert page.evaluate(WIDTH) == PHONE["width"], "nothing to scroll sideways"
    assert world.sql("select media_type, bytes < 700000 from work_order_file") == [("image/jpeg", True)]
    assert complaints == []
    context.close()
