"""The devices' page in a bad week: what is down, what will be flat, who must go, what has to be pressed twice."""

import os
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.fleet_town import bad_week
from tests.integration.web.world import World


def test_supervisor_sees_what_is_wrong_with_the_devices_and_ticks_a_visit_off(world: World, desk: Desk) -> None:
    bad_week(world)
    page = desk.sign_in("ma").page
    page.click("nav.rooms a[href='/fleet']")
    expect(page.locator("h1")).to_have_text("设备")
    assert page.locator(".figure b").all_inner_texts() == ["1", "3", "6", "2"]
    expect(page.locator("#gateways tbody tr")).to_contain_text("34 台，11 台已超时")
    expect(page.locator("#silent tbody tr")).to_have_count(3)
    expect(page.locator("#league tbody tr").first).to_contain_text("TS0215A")
    expect(page.locator("#batteries")).to_contain_text("未知：刚充过电")
    _picture(desk, "fleet-zh")

    visit = page.locator("#visits tbody tr", has_text="逾期")
    visit.locator("input[name=note]").fill("换了电池")
    visit.locator("button").click()
    expect(page.locator("#visits tr[id^=visit]")).to_have_count(1)
    assert world.sql("select status, note, done_by from visit where note = '换了电池'") == [
        ("done", "换了电池", f"person:{world.people['ma']}")
    ]
    page.click("form[action='/language'] button")
    expect(page.locator("h1")).to_have_text("Devices")
    _picture(desk, "fleet-en")
    page.click("#league tbody a >> text=SG-20")
    expect(page.locator("#worn")).to_be_visible()
    assert desk.complaints == []


def _picture(desk: Desk, name: str) -> None:
    """With PICTURES=folder the page is kept there, to be looked at."""
    if folder := os.environ.get("PICTURES"):
        desk.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
