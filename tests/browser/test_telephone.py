"""She telephones the centre: her card is on the screen at once, one key takes it, one press calls her son back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import LAPTOP, Desk
from tests.integration.telephony.desk import calls, chain_of
from tests.integration.telephony.pbx import KEY, Pbx, open_pbx
from tests.integration.web.world import Console, World, eventually


@pytest.fixture
def pbx() -> Iterator[Pbx]:
    with open_pbx() as pbx:
        yield pbx


@pytest.fixture
def console(world: World, pbx: Pbx) -> Iterator[Console]:
    world.sql("update person set extension = '8001' where id = %(p)s", p=world.people["li"])
    running = Console(world.dsn)
    running.more = {
        "CAREHUB_TELEPHONE_PROVIDER": "pbx", "CAREHUB_TELEPHONE_URL": pbx.url, "CAREHUB_SECRETS_TELEPHONE_KEY": KEY,
    }  # fmt: skip
    running.start()
    pbx.hub = running.url
    yield running
    if running.process is not None:
        running.stop()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_call_pops_up_is_taken_and_her_son_is_called(
    desk: Desk, world: World, pbx: Pbx, tmp_path: Path, language: str
) -> None:  # fmt: skip
    world.sql("update person set language = %(l)s where id = %(p)s", l=language, p=world.people["li"])
    world.heart_rates("watch-wang", [80, 82])
    page = desk.sign_in().page
    reference = pbx.rings("+869510000001")
    card = page.locator("#incoming .incoming")
    expect(card).to_contain_text("王秀英")
    expect(card).to_contain_text("和平里 3 号楼 2 单元 501")
    eventually(lambda: any(ring["severity"] == 2 for ring in desk.rings()))
    page.screenshot(path=tmp_path / f"incoming-{language}.png")
    page.keyboard.press("a")
    expect(card.locator("button.urgent")).to_be_visible()
    page.screenshot(path=tmp_path / f"answered-{language}.png")
    card.locator("button.urgent").click()
    expect(page.locator("[data-case] h1")).to_contain_text("王秀英")
    expect(card).to_have_count(0)
    case = world.sql("select id from incident")[0][0]
    pbx.say("ended", reference=reference, direction="in", seconds=30)

    row = page.locator(".callable li", has_text="王小明")
    row.locator("button").click()
    eventually(lambda: len(pbx.orders) == 1)
    assert pbx.order["desk"] == "8001"
    for event in ("ringing_desk", "ringing", "answered"):
        pbx.say(event)
    expect(page.locator(".made-answered")).to_contain_text("王小明")
    page.screenshot(path=tmp_path / f"speaking-{language}.png")
    pbx.say("ended", seconds=65)
    expect(page.locator(".made-ended").first).to_be_visible()
    assert chain_of(world, case)[-1] == "call_ended"
    assert [c["state"] for c in calls(world)] == ["ended", "ended"]
    assert pbx.faults == []
    assert desk.complaints == []


def test_missed_call_stays_on_every_screen_until_one_operator_has_seen_to_it(
    chromium: Browser, console: Console, desk: Desk, world: World, pbx: Pbx
) -> None:  # fmt: skip
    page = desk.sign_in().page
    context = chromium.new_context(viewport=LAPTOP, locale="zh-CN", base_url=console.url)
    other = Desk(context.new_page()).sign_in("chen").page
    reference = pbx.rings("13800000001")
    expect(other.locator(".incoming-rings")).to_contain_text("王小明（王秀英的儿子）")
    pbx.say("failed", reference=reference, direction="in")
    expect(page.locator(".incoming-missed")).to_contain_text("未接来电")
    page.locator(".incoming-missed button").click()
    expect(other.locator(".incoming")).to_have_count(0)
    assert world.sql("select seen_by from telephone_call") == [(world.people["li"],)]
    context.close()
