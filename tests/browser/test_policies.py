"""A supervisor changes the policy in a real browser: edit, fault, fix, rehearse, publish, history."""

from datetime import UTC, datetime, timedelta

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
    page.fill("[name=at]", f"{datetime.now(UTC) + timedelta(days=40):%Y-%m-%d}T02:14")
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


def test_supervisor_publishes_regrets_it_and_puts_the_earlier_one_back(
    chromium: Browser, console: Console, world: World
) -> None:
    world.sql("update shift set during = tstzrange(hub_now(), hub_now() + interval '30 days')")
    context = chromium.new_context(viewport=LAPTOP, locale="zh-CN", base_url=console.url)
    desk = Desk(context.new_page()).sign_in("ma")
    page = desk.page
    texts: list[str] = []
    for comment in ("第一版", "保安等得太久"):
        page.goto("/policies")
        page.wait_for_selector(".gutter i")
        text = page.input_value("#policy-text")
        texts.append(text if not texts else text.replace('wait = "60s"', 'wait = "40s"', 1))
        page.fill("#policy-text", texts[-1])
        page.fill("[name=comment]", comment)
        with page.expect_navigation():
            page.click("button[value=publish]")
        if page.locator("[name=force]").count():
            page.check("[name=force]")
            page.click("button[value=publish]")
        page.wait_for_selector(f"p.verdict.is-good >> text=版本 {len(texts)} 已发布")

    page.locator(".history a", has_text="版本 1").click()
    page.wait_for_selector(".comment >> text=第一版")
    page.fill("[name=comment]", "退回：新预案把保安叫得太早")
    if page.locator("[name=force]").count():
        page.check("[name=force]")
    with page.expect_navigation():
        page.click("form[action$='/rollback'] button.primary")
    if page.locator("[name=force]").count():  # what is doubtful is seen first, then agreed to
        page.fill("[name=comment]", "退回：新预案把保安叫得太早")
        page.check("[name=force]")
        page.click("form[action$='/rollback'] button.primary")
    page.wait_for_selector(".history .is-active >> text=版本 3")
    assert page.input_value("#policy-text").replace("\r\n", "\n") == texts[0]
    page.locator(".history a", has_text="版本 3").click()
    page.wait_for_selector("text=恢复自版本 1")
    kept = world.sql("select body from policy_version order by id")
    assert [body for (body,) in kept] == [texts[0], texts[1], texts[0]]
    assert [c for c in desk.complaints if c != REFUSED] == []
    context.close()
