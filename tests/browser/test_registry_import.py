"""An Excel file with faults: seen by row, corrected, shown, confirmed; on a laptop and a phone, in both languages."""

import io
import os
from pathlib import Path

from openpyxl import Workbook  # type: ignore[import-untyped]
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.conftest import LAPTOP, PHONE
from tests.integration.web.world import PASSWORD, Console, World

HEADS = ["姓名", "社区", "住址", "电话", "出生日期", "风险等级"]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def excel(*rows: list[object]) -> FilePayload:
    book, out = Workbook(), io.BytesIO()
    for row in (HEADS, *rows):
        book.active.append(row)
    book.save(out)
    return {"name": "长者名单.xlsx", "mimeType": XLSX, "buffer": out.getvalue()}


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_faults_are_seen_corrected_and_confirmed(chromium: Browser, console: Console, world: World) -> None:
    context = chromium.new_context(viewport=LAPTOP, locale="zh-CN", base_url=console.url)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" and "422" not in m.text else None)
    page.goto("/login")
    page.fill("[name=login]", "ma")
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.goto("/registry/import")
    page.set_input_files("[name=file]", excel(
        ["李一", "和平社区", "1 号楼 101", "1380000", "1944-13-01", "很高"],
        ["", "和平社区", "2 号楼 202", "13800000008", "1950-01-01", "低"],
        ["王秀英", "和平社区", "和平里 3 号楼 2 单元 501", "13800000007", "", "高"],
    ))  # fmt: skip
    page.get_by_role("button", name="检查文件").click()
    expect(page.locator(".faults-table tbody tr")).to_have_count(4)
    picture(page, "registry-faults-zh")
    page.set_input_files("[name=file]", excel(
        ["李一", "和平社区", "1 号楼 101", "13800000009", "1944-12-01", "高"],
        ["赵二", "和平社区", "2 号楼 202", "13800000008", "1950-01-01", "低"],
        ["王秀英", "和平社区", "和平里 3 号楼 2 单元 501", "13800000007", "", "高"],
    ))  # fmt: skip
    page.get_by_role("button", name="检查文件").click()
    expect(page.locator("#preview .figure b")).to_have_text(["2", "1", "0"])
    picture(page, "registry-preview-zh")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    picture(page, "registry-preview-phone")
    assert world.sql("select count(*) from resident where name = '李一'") == [(0,)]
    page.get_by_role("button", name="确认导入 3 行").click()
    expect(page.get_by_role("status").first).to_contain_text("新增 2")
    assert world.sql("select count(*) from resident where name in ('李一', '赵二')") == [(2,)]
    page.set_viewport_size(LAPTOP)
    page.goto(f"/registry/residents/{world.residents['wang']}")
    picture(page, "registry-resident-zh")
    world.sql("update person set language = 'en' where id = %(id)s", id=world.people["ma"])
    page.goto("/registry")
    picture(page, "registry-list-en")
    page.goto(f"/registry/residents/{world.residents['wang']}/edit")
    picture(page, "registry-edit-en")
    page.set_viewport_size(PHONE)
    page.goto(f"/registry/residents/{world.residents['wang']}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    picture(page, "registry-resident-phone-en")
    assert not complaints
    context.close()
