"""The wrong button on a phone at the door: one tap takes it back, with a line and without one, and the desk sees it."""

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Desk
from tests.browser.test_responder_visit import Visit, pocket, visit
from tests.integration.web.world import eventually

__all__ = ["pocket", "visit"]  # fixtures
BACK = "点错了，收回"


def at_her_door(visit: Visit) -> Visit:
    visit.open().tap("我去")
    visit.tap("出发了")
    visit.tap("已到")
    visit.shows("there")
    eventually(lambda: visit.state() == "on_scene")
    return visit


def test_hand_over_by_mistake_is_taken_back_at_the_door_and_at_the_desk(visit: Visit, desk: Desk) -> None:
    page = at_her_door(visit).page
    page.locator(".chip", has_text="儿子").click()
    visit.tap("交接完成")
    visit.shows("thanks")
    desk.page.wait_for_selector(".case-head .state-handed_over")
    visit.tap(BACK)
    visit.shows("there")
    expect(page.locator("#name")).to_have_text("王秀英")
    expect(page.locator("#code strong")).to_have_text("4471#")
    desk.page.wait_for_selector(".case-head .state-on_scene")
    expect(desk.page.locator("#case")).to_contain_text("赵保安 点错了“交接”，已收回")
    expect(page.locator("#mistake")).to_be_hidden()

    page.locator(".chip", has_text="儿子").click()
    visit.tap("交接完成")
    visit.shows("thanks")
    eventually(lambda: visit.state() == "handed_over")
    assert visit.complaints() == []


def test_arrived_by_mistake_without_a_line_is_taken_back_before_it_was_ever_sent(
    visit: Visit, pocket: BrowserContext
) -> None:
    page = visit.open().kept().page
    visit.tap("我去")
    visit.tap("出发了")
    eventually(lambda: visit.answered() == ["accept", "en_route"])
    pocket.set_offline(True)
    visit.tap("已到")
    visit.shows("there")
    visit.tap(BACK)
    visit.shows("en_route")
    expect(page.locator("#waiting li")).to_contain_text(["已到", "收回"])
    visit.tap("已到")
    expect(page.locator("#waiting li")).to_have_count(3)
    pocket.set_offline(False)
    eventually(lambda: visit.answered() == ["accept", "en_route", "arrived", "mistake", "arrived"])
    visit.shows("there")
    eventually(lambda: visit.state() == "on_scene")


def test_cannot_go_by_mistake_is_one_tap_away_from_going(visit: Visit) -> None:
    page = visit.open().page
    visit.tap("我去")
    visit.shows("accepted")
    visit.tap("去不了")
    visit.shows("declined")
    visit.tap(BACK)
    visit.shows("accepted")
    expect(page.locator("#mistake")).to_be_hidden()
    eventually(lambda: visit.state() == "taken")
