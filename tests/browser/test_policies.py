"""A supervisor changes the policy in a real browser: edit, fault, fix, rehearse, publish, history."""

from playwright.sync_api import Browser

from tests.browser.conftest import LAPTOP, Desk
from tests.integration.web.world import Console, World

REFUSED = "Failed to load resource: the server responded with a status of 409 (Conflict)"


def test_supervisor_edits_sees_the_fault_fixes_rehearses_and_publishes(
    chromium: Browser, console: Console, world: World
) -> None:
    context = chromium.new_context(viewport=LAPTOP, locale="zh-CN", base_url=console.url)
    desk = Desk(context.new_page()).sign_in("ma")
    page = desk.page
    page.goto("/")
    page.goto("/policies")
    page.wait_for_selector(".gutter i")
    text = page.input_value("#policy-text")
    bad = text.replace('role = "property"', 'role = "janitor"', 1)
    line = bad[: bad.index('"janitor"')].count("\n") + 1

    page.fill("#policy-text", bad)
    page.click("button[value=check]")
    page.wait_for_selector(".verdict.is-bad")
    assert page.inner_text(".gutter .is-bad") == str(line)
    page.click(f"[data-line='{line}']")
    desk.until(
        f"document.getElementById('policy-text').selectionStart === {bad.rindex(chr(10), 0, bad.index('janitor')) + 1}"
    )
    page.focus("#policy-text")
    page.keyboard.type('notify = [ { role = "property" } ]')  # over the line that was chosen by the click

    page.fill("[name=resident]", str(world.residents["wang"]))
    page.fill("[name=at]", "2027-01-05T02:14")
    page.select_option("[name=kind]", "fall")
    page.click("button[value=dry_run]")
    page.wait_for_selector(".played")
    played = page.inner_text(".played")
    assert "先询问本人" in played
    assert "王小明（家属）" in played
    assert "跳过第 3 步：不在 07:00–22:00" in played
    assert world.sql("select count(*) from incident")[0][0] == 0

    page.fill("[name=comment]", "保安先到")
    page.click("button[value=publish]")
    page.check("[name=force]")  # the duty lists of this neighbourhood end tonight
    page.click("button[value=publish]")
    page.wait_for_selector("p.verdict.is-good")
    page.click(".history .is-active a")
    page.wait_for_selector(".comment >> text=保安先到")
    assert world.sql("select body, published_as from policy_version") == [(text, "马班长")]
    assert [c for c in desk.complaints if c != REFUSED] == []
    context.close()
