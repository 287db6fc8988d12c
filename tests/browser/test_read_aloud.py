"""The console for somebody who does not see it: what is said and how often, where the focus stays, what has a name."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import LAPTOP, Desk
from tests.integration.web.world import Console, World

# What a screen reader would say by itself: every change inside a live region that is not in a timer within it.
LISTEN = """
window.said = []; window.spoken = [];
document.addEventListener('carehub:spoken', (event) => window.spoken.push(event.detail));
document.addEventListener('DOMContentLoaded', () => new MutationObserver((changes) => {
  for (const change of changes) {
    const target = change.target.nodeType === 1 ? change.target : change.target.parentElement;
    const region = target?.closest('[aria-live], [role=alert], [role=status], [role=timer], [role=log]');
    const polite = region?.getAttribute('aria-live') ?? (region?.matches('[role=timer]') ? 'off' : region && 'polite');
    const text = target?.textContent.trim();
    if (polite && polite !== 'off' && region.checkVisibility() && text) window.said.push(text);
  }
}).observe(document.body, { childList: true, subtree: true, characterData: true }));
"""
A_VOICE = """
const own = { name: 'Own', lang: 'zh-CN', localService: true };
const far = { name: 'Far', lang: 'zh-CN', localService: false };
window.voices = [far, own];
Object.defineProperty(window, 'speechSynthesis', { value: {
  getVoices: () => window.voices, speak: (said) => {}, cancel: () => {}, addEventListener: () => {} } });
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
"""
NAMELESS = """() => [
  ...document.querySelectorAll('dialog[open]:not([aria-label], [aria-labelledby])'),
  ...document.querySelectorAll('table:not(:has(th))'),
  ...[...document.querySelectorAll('canvas, svg')].filter((e) => !e.closest('[role=img][aria-label], [aria-hidden]')),
].map((e) => e.outerHTML.slice(0, 100))"""


@pytest.fixture
def listened(chromium: Browser, console: Console) -> Iterator[Desk]:
    context = chromium.new_context(viewport=LAPTOP, locale="zh-CN", base_url=console.url)
    desk = Desk(context.new_page())
    desk.page.add_init_script(LISTEN)
    desk.page.add_init_script(A_VOICE)
    yield desk
    context.close()


def said(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.said")
    return found


def focused(page: Page) -> str:
    where: str = page.evaluate("document.activeElement.closest('#detail, #queue, dialog')?.id ?? 'nowhere'")
    return where


def test_new_case_is_said_once_and_no_second_is_counted(listened: Desk, world: World) -> None:
    page = listened.sign_in().page
    world.alert("watch-wang", "fall")
    expect(page.get_by_role("alert").filter(has_text="新警情")).to_have_text("新警情：王秀英，跌倒")
    listened.until("document.querySelector('#queue .since').textContent.endsWith('4')")
    assert [text for text in said(page) if "新警情" in text] == ["新警情：王秀英，跌倒"]
    assert [text for text in said(page) if re.fullmatch(r"[\d:]+", text)] == []
    world.alert("watch-wang", countdown_s=0.0)
    expect(page.locator("#told-new")).to_have_text("再次呼叫：王秀英，跌倒 + 呼救")
    world.alert("watch-wang", countdown_s=0.0)
    expect(page.locator("#told-new")).to_have_text("再次呼叫：王秀英，跌倒 + 呼救，按了2次")
    assert listened.complaints == []


def test_voice_says_it_only_where_it_was_asked_for_and_only_with_a_voice_of_the_machine(
    listened: Desk, world: World
) -> None:
    page = listened.sign_in().page
    page.wait_for_selector(".quiet-box")
    world.alert("button-liu")
    expect(page.locator("#told-new")).to_have_text("新警情：刘桂芳，呼救")
    assert page.evaluate("window.spoken") == []
    page.click(".look summary")
    page.click("[name=voice]")
    page.wait_for_selector("#pulse[data-state=live]")
    assert world.sql("select look from person where id = %(p)s", p=world.people["li"]) == [("voice",)]
    world.alert("watch-wang")
    listened.until("window.spoken.length === 1")
    assert page.evaluate("window.spoken") == [{"text": "新警情：王秀英，呼救", "voice": "Own"}]
    listened.until("window.rings.some(ring => ring.severity === 1)")  # the bell all the same
    page.evaluate("window.voices.pop()")  # the one that is left sends what it says to its maker
    world.alert("watch-zhang")
    listened.until("window.spoken.length === 2")
    assert page.evaluate("window.spoken[1].voice") is None
    page.click(".look summary")
    expect(page.locator("#no-voice")).to_be_visible()


def test_focus_stays_where_she_works(listened: Desk, world: World) -> None:
    page = listened.sign_in().page
    case = world.alert("watch-wang", "fall")
    page.wait_for_selector(f"#row-{case}")
    page.focus(f"#row-{case}")
    world.alert("watch-zhang")  # the queue is another now
    page.wait_for_selector("#queue .row >> nth=1")
    assert page.evaluate("document.activeElement.id") == f"row-{case}"
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-case='{case}']")
    page.focus("[data-key=' ']")
    page.keyboard.press("Enter")  # the button is gone with its answer
    page.wait_for_selector(".case-head .state-taken")
    listened.until("document.activeElement.closest('#detail') !== null")
    page.focus("[data-key='d']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet[open]")
    assert focused(page) == "sheet"
    for _ in range(25):
        page.keyboard.press("Tab")
        assert focused(page) in ("sheet", "nowhere"), "behind a window is nothing to reach"
    page.keyboard.press("Escape")
    page.wait_for_selector("#sheet[open]", state="detached")
    assert page.evaluate("document.activeElement.dataset.key") == "d"
    assert listened.complaints == []


def test_what_is_seen_has_a_name(listened: Desk, world: World) -> None:
    world.heart_rates("watch-wang", [80.0, 96.0, 112.0])
    case = world.alert("watch-wang", "fall")
    page = listened.sign_in().page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.goto(f"/incidents/{case}")
    page.wait_for_selector("#vitals .plot canvas")
    expect(page.get_by_role("img", name="最低 80，最高 112")).to_be_visible()
    expect(page.get_by_role("img", name="住处 · 圆圈")).to_be_attached()
    tree = page.locator("#desk").aria_snapshot()
    for wanted in ('region "警情队列"', 'heading "王秀英', 'region "经过"'):
        assert wanted in tree, tree
    assert page.evaluate(NAMELESS) == []
    for key, name in (("?", "快捷键"), ("/", "查找")):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        assert name in page.get_by_role("dialog").aria_snapshot().splitlines()[0]
        page.keyboard.press("Escape")
    page.goto("/")
    page.wait_for_selector(".overview")
    assert page.evaluate(NAMELESS) == []
    page.goto("/handover")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
