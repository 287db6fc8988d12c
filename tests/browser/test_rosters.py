"""A supervisor's morning in a real browser: a list, a rotation, a swap, and what coverage says of it."""

import psycopg
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.integration.web.world import World


def test_supervisor_makes_a_list_a_rotation_and_a_swap(world: World, desk: Desk) -> None:
    world.sql("update person set role = 'supervisor' where login = 'li'")
    guard = world.sql("select id, name from person where role = 'property' order by id")[0]
    page = desk.sign_in().page
    page.goto("/rosters")
    page.click("nav.rota-lists summary")
    page.fill("nav.rota-lists [name=name]", "夜班")
    page.click("nav.rota-lists button.primary")
    expect(page.locator("h2").first).to_have_text("夜班")
    page.fill("form[action='/rosters/rotation'] [name=people]", guard[1])
    page.fill("form[action='/rosters/rotation'] [name=first_day]", "2026-01-01")
    page.click("form[action='/rosters/rotation'] button.primary")
    expect(page.locator(".week tbody tr").first).to_contain_text(guard[1])
    expect(page.locator(".stands")).to_have_text(guard[1])
    day = page.locator(".week thead th").nth(3).inner_text().split()[-1]
    year = world.sql("select extract(year from hub_now())::int")[0][0]
    page.select_option("#override [name=off]", str(guard[0]))
    page.fill("#override [name=from]", f"{year}-{day}T09:00")
    page.fill("#override [name=to]", f"{year}-{day}T12:00")
    page.click("#override button.primary")
    expect(page.locator(".slot.is-off i").first).to_have_text("09:00")
    expect(page.locator(".gaps .slot.is-gap").last).to_contain_text("12:00")
    page.goto("/coverage?area=和平社区")
    expect(page.locator(".heat svg[role=img]").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert desk.complaints == []
    with psycopg.connect(world.dsn) as conn:
        assert conn.execute("select count(*) from shift where source = 'rotation'").fetchone() != (0,)
