"""A case from the bell to its end without a mouse."""

from playwright.sync_api import Page

from tests.browser.conftest import Desk
from tests.browser.test_accessible import faults
from tests.integration.web.world import World

MOST_KEYS = 40


def go_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press Tab, or in a row of choices an arrow, until the focus is where somebody without a mouse wants it."""
    for _ in range(MOST_KEYS):
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never comes to {selector}")


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
    go_to(page, "#sheet [name=disposition]")
    page.keyboard.press("Space")
    go_to(page, "#sheet [value=lifted]", "ArrowRight")
    go_to(page, "#sheet [name=done]")
    page.keyboard.type("扶起，无伤")
    go_to(page, "#sheet [name=with_whom]")
    page.keyboard.type("儿子")
    go_to(page, "#sheet [name=how]")
    page.keyboard.press("Space")
    go_to(page, "#sheet [name=called_back]")
    page.keyboard.press("Space")
    go_to(page, "#sheet button.primary")
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


def test_case_of_nobody_known_is_given_its_resident_by_keyboard(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    incident = world.alert("stray", area="")
    page.wait_for_selector(f"#row-{incident}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-case='{incident}']")
    assert faults(page) == []
    page.keyboard.press("i")
    page.wait_for_selector("#sheet [name=q]")
    go_to(page, "#sheet [name=q]")
    page.keyboard.type("王秀英")
    page.wait_for_selector("#sheet [name=resident]")
    assert faults(page) == []
    go_to(page, "#sheet [name=resident]")
    page.keyboard.press("Space")
    go_to(page, "#sheet button.primary")
    page.keyboard.press("Enter")

    page.wait_for_selector(".case-head >> text=王秀英")
    assert faults(page) == []
    told = world.sql("select resident_id from incident where id = %(i)s", i=incident)
    assert told == [(world.residents["wang"],)]
    assert desk.complaints == []
