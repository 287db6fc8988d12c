"""The family's page on a phone: it follows her call by itself, and is whole without scripts."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from hub import desk as hub_desk
from tests.browser.conftest import LIMIT_MS, PHONE
from tests.integration.web.test_family import consent, link
from tests.integration.web.world import Console, World

WIDTH = "document.documentElement.scrollWidth"


@pytest.mark.parametrize(("language", "scheme"), [("zh-CN", "light"), ("en", "dark")])
def test_page_follows_her_call_on_a_phone(  # noqa: PLR0917 - fixtures and two parameters
    chromium: Browser, console: Console, world: World, tmp_path: Path, language: str, scheme: str
) -> None:  # fmt: skip
    world.sql("update person set language = %(l)s where id = %(p)s", l=language, p=world.people["son"])
    consent(world, "wang", scope="{family_health}")
    world.heart_rates("watch-wang", [80, 82])
    context = chromium.new_context(
        viewport=PHONE, locale=language, base_url=console.url, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.goto(link(world))
    expect(page.locator(".calm")).to_be_visible()
    page.screenshot(path=tmp_path / f"quiet-{language}.png", full_page=True)
    case, li = world.alert("watch-wang", "fall"), world.people["li"]
    expect(page.locator(".state-open")).to_be_visible()
    world.run(lambda conn: hub_desk.take(conn, case, li))
    world.run(lambda conn: hub_desk.dispatch(conn, case, li, world.people["guard"]))
    expect(page.locator(".state-dispatched")).to_be_visible()
    page.screenshot(path=tmp_path / f"coming-{language}.png", full_page=True)
    assert page.evaluate(WIDTH) == PHONE["width"], "nothing to scroll sideways"
    assert complaints == []
    page.click("a[href$='/away']")
    page.screenshot(path=tmp_path / f"away-{language}.png", full_page=True)
    assert page.evaluate(WIDTH) == PHONE["width"]
    context.close()


def test_page_is_whole_without_scripts(chromium: Browser, console: Console, world: World) -> None:
    consent(world, "wang")
    world.alert("watch-wang")
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=console.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(link(world))
    expect(page.locator(".state-open")).to_contain_text("正在叫人")
    expect(page.locator("#fresh")).to_be_hidden()
    page.click("text=刷新")
    page.click("text=我是")
    expect(page.locator("text=您已确认是她的紧急联系人")).to_be_visible()
    page.click("text=以前的呼叫")
    expect(page.locator("h1")).to_contain_text("王秀英：以前的呼叫")
    context.close()
