"""A supervisor finds a hole before anything happens and closes it: coverage, its duty list, coverage again."""

from playwright.sync_api import Page, expect

from hub.store import coverage
from tests.browser.conftest import Desk
from tests.integration.web.world import World


def work(page: Page) -> list[str]:
    """Return what the work list calls each hole, as the supervisor reads it."""
    page.goto("/coverage")
    expect(page.locator("table.work")).to_be_visible()
    return [words.strip() for words in page.locator("table.work .tag").all_inner_texts()]


def test_hole_of_coverage_is_closed_by_a_shift_and_gone(world: World, desk: Desk) -> None:
    world.sql("update resident set lat = 38.47, lon = 106.26")
    world.sql("update person set lat = 38.471, lon = 106.261 where role in ('property', 'community')")
    world.sql("delete from shift")  # nobody is on any more
    world.run(coverage.recompute)
    page = desk.sign_in("ma").page
    before = work(page)
    assert "无人可到" in before
    expect(page.locator("table.work tr", has_text="无人可到")).to_contain_text("和平社区")

    page.click("nav.rooms a[href='/rosters']")
    page.click("nav.rota-lists summary")
    page.fill("nav.rota-lists [name=name]", "物业保安")
    page.click("nav.rota-lists button.primary")
    expect(page.locator("h2").first).to_have_text("物业保安")
    page.fill("form[action='/rosters/rotation'] [name=people]", "赵保安")
    page.fill("form[action='/rosters/rotation'] [name=first_day]", "2026-01-01")
    page.click("form[action='/rosters/rotation'] button.primary")
    expect(page.locator(".week tbody tr").first).to_contain_text("赵保安")

    world.run(coverage.recompute)
    after = work(page)
    assert "无人可到" not in after
    assert len(after) < len(before)
    page.goto("/coverage?area=和平社区")
    assert page.locator(".strip rect.c5").count() == 0, "no hour of nobody is drawn any more"
    assert desk.complaints == []
