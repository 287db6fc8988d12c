"""The supervisor's morning after a month: the pages on a laptop, in both languages, and the report as paper."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import LAPTOP, Desk
from tests.integration.supervisor.busy_month import busy_month
from tests.integration.supervisor.duty_log import DutyLog, duty_log
from tests.integration.web.world import PASSWORD, Console

PAGES = ("supervisor", "reviews", "work-orders", "visits", "subsidies", "reports")


@pytest.fixture
def month(dsn: str) -> DutyLog:
    return busy_month(duty_log(dsn))


@pytest.fixture
def ma(chromium: Browser, month: DutyLog) -> Iterator[Desk]:
    """The supervisor at her laptop."""
    console = Console(month.world.dsn).start()
    context = chromium.new_context(viewport=LAPTOP, locale="zh-CN", base_url=console.url)
    desk = Desk(context.new_page())
    desk.page.goto("/login?next=/supervisor")
    desk.page.fill("[name=login]", "ma")
    desk.page.fill("[name=password]", PASSWORD)
    desk.page.click("button.primary")
    desk.page.wait_for_selector(".ways")
    yield desk
    context.close()
    console.stop()


def test_supervisor_reads_the_month_draws_calls_and_prints_the_report(ma: Desk, month: DutyLog, tmp_path: Path) -> None:
    page = ma.page
    expect(page.locator("#levels .levels").first).to_contain_text("62.5 %")
    expect(page.locator("#breaches tbody tr")).to_have_count(3)
    for name in PAGES:
        page.click(f".ways a[href^='/{name}']")
        expect(page.locator(f".ways a[href^='/{name}']").first).to_have_attribute("aria-current", "page")
        picture(ma, f"{name}-zh")
    page.click(".ways a[href^='/reviews']")
    page.fill("#draw [name=wanted]", "4")
    page.fill("#draw [name=seed]", "03 11 19 27")
    page.click("#draw button.primary")
    expect(page.locator(".verdict")).to_have_text("重抽结果一致：种子、总体和名单相符。")
    picture(ma, "draw-zh")
    page.goto("/work-orders")
    page.click("#list tbody a >> nth=0")
    expect(page.locator("h1")).to_contain_text("探访")
    picture(ma, "order-zh")
    page.goto(f"/subsidies/residents/{month.world.residents['wang']}?month=2026-10")
    expect(page.locator("tfoot")).to_contain_text("5,000.00")
    picture(ma, "resident-zh")
    month.world.sql("update person set language = 'en' where login = 'ma'")
    for name in PAGES:
        page.goto(f"/{name}?month=2026-10")
        picture(ma, f"{name}-en")
    for language in ("zh-CN", "en"):
        page.goto(f"/reports/month?month=2026-10&language={language}")
        expect(page.locator(".box").first).to_contain_text("62.5 %")
        picture(ma, f"report-{language}")
        kept = Path(os.environ.get("PICTURES", tmp_path)) / f"report-{language}.pdf"
        paper = page.pdf(path=kept, prefer_css_page_size=True)
        assert 2 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 8
    assert ma.complaints == []


def picture(desk: Desk, name: str) -> None:
    """With PICTURES=folder the page is kept there, to be looked at."""
    if folder := os.environ.get("PICTURES"):
        desk.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
