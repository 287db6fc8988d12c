"""An operator's minute in a real browser."""

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.conftest import LAPTOP, PHONE, Desk
from tests.integration.web.world import Console, World, eventually


def state(world: World, incident: int) -> str:
    return str(world.sql("select state from incident where id = %(i)s", i=incident)[0][0])


def test_press_rings_space_takes_and_it_is_closed(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    page.evaluate("window.sameDocument = true")
    incident = world.alert("watch-wang", "fall")

    page.click(f"#row-{incident}")  # it came by itself
    page.wait_for_selector(f"[data-case='{incident}']")
    desk.until("window.rings.some(r => r.severity === 1 && r.audible)")
    page.keyboard.press("Space")
    page.wait_for_selector(".case-head .state-taken")
    assert state(world, incident) == "taken"

    page.fill("#note-text", "听到电视声")
    page.keyboard.press("Enter")
    page.wait_for_selector(".line-note >> text=听到电视声")
    page.keyboard.press("Escape")

    page.keyboard.press("c")
    page.click("#sheet .dispositions >> text=跌倒，已扶起")
    page.fill("#sheet [name=done]", "扶起，无伤")
    page.fill("#sheet [name=with_whom]", "儿子")
    page.click("#sheet >> text=与本人通话确认")
    page.check("#sheet [name=called_back]")
    page.click("#sheet .primary")
    page.wait_for_selector(".case-head .state-closed")
    assert state(world, incident) == "closed"
    page.wait_for_selector(f"#row-{incident}", state="detached")
    assert page.evaluate("window.sameDocument"), "the page was never loaded again"
    assert desk.complaints == []


def test_critical_rings_until_an_operator_has_it(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    incident = world.alert("watch-wang")
    desk.until("window.rings.length >= 3")
    desk.until("document.title.includes('新警情')")
    page.click(f"#row-{incident}")
    page.wait_for_selector("[data-case]")
    page.keyboard.press("Space")
    page.wait_for_selector(f"#row-{incident}[data-rings=no]")
    page.evaluate("window.rings.length = 0")
    page.wait_for_timeout(2500)  # longer than the bell's own pause: here silence is the thing to be shown
    assert desk.rings() == []


def test_another_press_rings_again_in_the_same_row(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    incident = world.alert("watch-wang")
    page.click(f"#row-{incident}")
    page.wait_for_selector("[data-case]")
    page.keyboard.press("Space")
    page.wait_for_selector(f"#row-{incident}[data-rings=no]")
    page.evaluate("window.rings.length = 0")
    world.alert("button-wang")
    page.wait_for_selector(f"#row-{incident} .presses >> text=按了2次")
    desk.until("window.rings.length >= 1")


def test_test_press_is_grey_and_does_not_go_on_ringing(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    incident = world.alert("button-liu", test=True)
    page.wait_for_selector(f"#row-{incident}.is-test[data-rings=no]")


def test_lost_connection_is_said_and_everything_fetched_again(desk: Desk, console: Console, world: World) -> None:
    page = desk.sign_in().page
    console.stop(hard=True)
    page.wait_for_selector("#bar-lost:not([hidden])")
    incident = world.alert("watch-wang")
    console.start()
    page.wait_for_selector(f"#row-{incident}")
    page.wait_for_selector("#bar-lost", state="hidden")
    desk.until("window.rings.length >= 1")


def test_silent_bell_is_said_across_the_page(desk: Desk) -> None:
    desk.sign_in()
    # The same session in a window nobody has clicked in: the browser keeps its sound back.
    fresh = Desk(desk.page.context.new_page())
    fresh.page.goto("/")
    fresh.page.wait_for_selector("#bar-sound:not([hidden])")
    fresh.page.click("#sound-on")
    fresh.page.wait_for_selector("#bar-sound", state="hidden")
    fresh.until("window.rings.some(r => r.audible)")


def test_page_counts_as_delivered_once_it_is_on_the_screen(desk: Desk, world: World) -> None:
    desk.sign_in()
    incident = world.alert("watch-wang")
    about = {"i": incident, "p": world.people["li"]}
    query = "select state from page where incident_id = %(i)s and person_id = %(p)s and channel = 'console'"
    eventually(lambda: world.sql(query, **about) == [("delivered",)])
    desk.page.click(f"#row-{incident}")
    eventually(lambda: world.sql(query, **about) == [("read",)])


def test_words_half_written_survive_news(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    incident = world.alert("watch-wang")
    page.click(f"#row-{incident}")
    page.wait_for_selector("[data-case]")
    page.keyboard.press("Space")
    page.wait_for_selector(".case-head .state-taken")
    page.fill("#note-text", "正在写")
    world.alert("button-wang")
    page.wait_for_selector(".case-head .presses")
    assert page.input_value("#note-text") == "正在写"
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.wait_for_selector("#sheet[open]")
    world.alert("watch-wang")
    page.wait_for_selector(f"#row-{incident} .presses >> text=3")
    assert page.is_visible("#sheet[open] .choices")


def test_hostile_name_runs_nothing(desk: Desk, world: World) -> None:
    nasty = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    world.resident("evil", nasty, address=nasty, entrance=nasty)
    world.device("evil-watch", "evil", model=nasty)
    page = desk.sign_in().page
    incident = world.alert("evil-watch")
    page.click(f"#row-{incident}")
    page.wait_for_selector(".case-head h1")
    assert nasty in page.inner_text(".case-head h1")
    assert desk.complaints == []


def test_keys_are_shown_and_arrows_walk_the_queue(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    first, second = world.alert("watch-wang"), world.alert("stray")
    page.wait_for_selector(f"#row-{second}")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-case='{second}']")
    assert state(world, first) == state(world, second) == "open"


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_nothing_sticks_out_of_the_screen(desk: Desk, world: World, size: ViewportSize, language: str) -> None:
    world.sql("update person set language = %(l)s", l=language)
    incident = world.alert("watch-wang", "fall")
    world.alert("watch-he", "vitals", 3, rule="V1")
    world.alert("watch-zhang", "silence", 5, rule="T3")
    page = desk.page
    page.set_viewport_size(size)
    desk.sign_in()
    for path in ("/", f"/incidents/{incident}"):
        page.goto(path)
        page.wait_for_selector("#pulse[data-state=live]", state="attached")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_no_two_parts_of_a_page_have_one_name(desk: Desk, world: World) -> None:
    """A telephone's panel and the list of calls once shared theirs: rows went into the panel, and the script broke."""
    incident = world.alert("watch-wang")
    page = desk.sign_in().page
    page.click(f"#row-{incident}")
    page.wait_for_selector("[data-case]")
    names = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    assert desk.complaints == []


def test_pushed_rows_go_where_they_belong_and_still_open(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    first = world.alert("watch-wang")
    page.wait_for_selector(f"#row-{first}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    second = world.alert("button-liu", "fall", 2)
    page.wait_for_selector(f"#calls > li > #row-{second}")
    assert page.eval_on_selector_all("#calls .row", "all => all.map(one => one.dataset.incident)") == [
        str(first), str(second),
    ]  # fmt: skip
    assert [url for url in asked if "/queue/rows" in url] == []
    page.click(f"#row-{second}")
    page.wait_for_selector(f"[data-case='{second}']")
    assert desk.complaints == []


def test_press_that_the_server_does_not_answer_is_told_and_pressed_again(desk: Desk, world: World) -> None:
    """Silence after a key would look like done."""
    page = desk.sign_in().page
    incident = world.alert("watch-wang")
    page.wait_for_selector(f"#row-{incident}")
    page.route(f"**/incidents/{incident}", lambda route: route.abort())
    page.click(f"#row-{incident}")
    page.wait_for_selector("#bar-unanswered:visible")
    assert "没有回答" in page.locator("#bar-unanswered").inner_text()
    page.unroute(f"**/incidents/{incident}")
    page.click(f"#row-{incident}")
    page.wait_for_selector(f"[data-case='{incident}']")
    page.wait_for_selector("#bar-unanswered", state="hidden")
    page.route(f"**/incidents/{incident}/take", lambda route: route.abort())
    page.keyboard.press("Space")
    page.wait_for_selector("#bar-unanswered:visible")
    assert state(world, incident) == "open"
    page.unroute(f"**/incidents/{incident}/take")
    page.keyboard.press("Space")
    page.wait_for_selector(".case-head .state-taken")
    page.wait_for_selector("#bar-unanswered", state="hidden")
