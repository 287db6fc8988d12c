"""A case from the bell to its end without a mouse."""

from playwright.sync_api import Page

from tests.browser.conftest import Desk
from tests.integration.web.world import World

MOST_TABS = 40


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is where it is wanted, as somebody does who uses no mouse."""
    for _ in range(MOST_TABS):
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {selector}")


def arrow_to(page: Page, selector: str) -> None:
    """Go through a row of choices with the arrow key."""
    for _ in range(MOST_TABS):
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
        page.keyboard.press("ArrowRight")
    raise AssertionError(f"the arrow never comes to {selector}")


def test_case_is_taken_and_closed_by_keyboard_only(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    incident = world.alert("watch-wang", "fall")
    page.wait_for_selector(f"#row-{incident}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-case='{incident}']")
    page.keyboard.press("Space")
    page.wait_for_selector(".case-head .state-taken")

    page.keyboard.press("c")
    page.wait_for_selector("#sheet [name=disposition]")
    tab_to(page, "#sheet [name=disposition]")
    page.keyboard.press("Space")
    arrow_to(page, "#sheet [value=lifted]")
    tab_to(page, "#sheet [name=done]")
    page.keyboard.type("扶起，无伤")
    tab_to(page, "#sheet [name=with_whom]")
    page.keyboard.type("儿子")
    tab_to(page, "#sheet [name=how]")
    page.keyboard.press("Space")
    tab_to(page, "#sheet [name=called_back]")
    page.keyboard.press("Space")
    tab_to(page, "#sheet button.primary")
    page.keyboard.press("Enter")

    page.wait_for_selector(".case-head .state-closed")
    page.wait_for_selector(".line-note >> text=扶起，无伤")
    assert "跌倒，已扶起" in page.inner_text(".case-head")
    page.wait_for_selector(f"#row-{incident}", state="detached")
    ended = world.sql("select state, disposition from incident where id = %(i)s", i=incident)
    assert ended == [("closed", "lifted")]
    assert desk.complaints == []


def test_no_answer_is_one_key_and_the_case_says_so(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    incident = world.alert("watch-wang")
    page.wait_for_selector(f"#row-{incident}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-case='{incident}']")
    page.keyboard.press("Space")
    page.wait_for_selector(".case-head .state-taken")
    page.keyboard.press("n")
    page.wait_for_selector(".case-head .state-dispatched")
    page.wait_for_selector(".case-head em.silent >> text=无应答")
    page.wait_for_selector(f"#row-{incident} em.silent")
    page.wait_for_selector(".timeline >> text=回拨无应答")
    assert desk.complaints == []
