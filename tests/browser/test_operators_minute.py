"""The operator's minute, as the duty room tells it, by keyboard only: from the press at 02:14 to who is with her now.

Every step leaves a picture.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import pytest
from playwright.sync_api import Browser

from alerts.model import Disposition
from hub import desk as hub_desk
from hub.store.pool import Connection
from tests.browser.conftest import LAPTOP, Desk, Shots
from tests.browser.test_by_keyboard import go_to
from tests.integration.web.world import Console, World, eventually

RESTING = [84.0, 84, 86, 85, 84, 86, 89, 94, 97, 99, 103, 104, 106, 109, 110, 112, 111, 112]
CARD_S = 5.0  # asserted, on machines that do ten things at once; what it was stands in the pictures' folder


@pytest.fixture
def night(world: World) -> World:
    """Her people with their minutes, two accidental presses some weeks ago, her heart rate rising, where she is."""
    world.person("rider", "马骑手", "third_party", area="和平社区", phone="138 0000 0004")
    world.contact("rider", "webhook", "http://127.0.0.1:9/rider")
    for person, relation, minutes in (("guard", "物业", 3), ("rider", "骑手", 6), ("worker", "社区", 9)):
        world.circle("wang", person, relation, minutes)
    world.sql("delete from shift where person_id = %(p)s", p=world.people["worker"])  # gone home
    for days in (12, 20):
        incident = world.alert("button-wang")

        async def closed(conn: Connection, incident: int = incident) -> None:
            li = world.people["li"]
            await hub_desk.take(conn, incident, li)
            await hub_desk.resolve(conn, incident, li, "voice")
            await hub_desk.close(
                conn, incident, li, disposition=Disposition.ACCIDENTAL, done="通话", with_whom="本人", called_back=True
            )

        world.run(closed)
        world.sql(
            "update incident set opened_at = opened_at - make_interval(days => %(d)s),"
            " closed_at = closed_at - make_interval(days => %(d)s) where id = %(i)s",
            d=days, i=incident,
        )  # fmt: skip
    world.heart_rates("watch-wang", RESTING)
    world.sql(
        "insert into observation (received_at, device_id, batch, measured_at, code, number, quality, lat, lon) values"
        " (hub_now() - interval '14 seconds', %(d)s, 1, hub_now(), 'location', 1, 'ok', 38.4703, 106.2606)",
        d=world.devices["watch-wang"],
    )
    world.sql("insert into landmark (kind, name, lat, lon) values ('aed', '卫生站门口', 38.4712, 106.2618)")
    return world


@pytest.fixture
def console(world: World) -> Iterator[Console]:
    running = Console(world.dsn)
    running.more = {"CAREHUB_CONSOLE_DESK_PHONE": "0951 000 1234"}
    running.start()
    yield running
    if running.process is not None:
        running.stop()


def pages(world: World, incident: int, person: str) -> list[tuple[str, str]]:
    rows = world.sql(
        "select purpose, state from page where incident_id = %(i)s and person_id = %(p)s order by id",
        i=incident, p=world.people[person],
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]


def timer(world: World, incident: int) -> datetime:
    found: datetime = world.sql("select due_at from timer where incident_id = %(i)s", i=incident)[0][0]
    return found


def answers(world: World, incident: int, person: str, *verbs: str) -> None:
    """What this person taps on the phone, one after the other."""

    async def tapped(conn: Connection) -> None:
        page = world.sql(
            "select max(id) from page where incident_id = %(i)s and person_id = %(p)s and purpose = 'alarm'",
            i=incident, p=world.people[person],
        )[0][0]  # fmt: skip
        for verb in verbs:
            await hub_desk.answer(conn, world.people[person], page, f"{verb}-1", verb)

    world.run(tapped)


@pytest.mark.parametrize(("language", "scheme"), [("zh-CN", "light"), ("en", "dark")])
def test_minute_by_keyboard_only(  # noqa: PLR0917 - fixtures and two parameters
    chromium: Browser, console: Console, night: World, shots: Shots, language: str, scheme: Literal["light", "dark"]
) -> None:
    world = night
    world.sql("update person set language = %(l)s where id = %(p)s", l=language, p=world.people["li"])
    context = chromium.new_context(viewport=LAPTOP, locale=language, base_url=console.url, color_scheme=scheme)
    li = Desk(context.new_page()).sign_in()
    page = li.page
    chen = Desk(chromium.new_context(viewport=LAPTOP, base_url=console.url).new_page()).sign_in("chen").page

    # 02:14:07. Bell.
    incident = world.alert("watch-wang", "fall", rule="FALL")
    for _ in range(3):
        world.alert("watch-wang", countdown_s=0.0)
    page.wait_for_selector(f"#row-{incident} .presses")
    li.until("window.rings.some(r => r.severity === 1)")
    shots(page, "bell")

    # Opening it shows colleagues who is looking and changes no timer. Card within a second.
    due = timer(world, incident)
    go_to(page, f"#row-{incident}", "ArrowDown")
    began = time.monotonic()
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-case='{incident}'] .card .facts")
    took_s = time.monotonic() - began
    shots.measured("card", took_s)
    page.wait_for_selector("#vitals .plot canvas")
    shots.measured("card with chart", time.monotonic() - began)
    assert took_s < CARD_S
    chen.wait_for_selector(f"#row-{incident} .looking >> text=李雪")
    assert timer(world, incident) == due
    card = page.inner_text("#detail")
    wanted = ["王秀英", "82", "和平里 3 号楼 2 单元 501", "电梯到 5 楼右手", "物业前台", "38", "61 %", "112"]
    wanted += {
        "zh-CN": ["独居", "失能", "宁夏话", "心衰", "佩戴中", "误按 2 次", "跌倒 + 呼救", "按了3次", "最后位置",
                  "上升"],
        "en": ["lives alone", "dependent", "Ningxia dialect", "heart failure", "worn", "2 accidental", "Fall + SOS",
               "pressed 3×", "Last position", "up "],
    }[language]  # fmt: skip
    assert [word for word in wanted if word not in card] == []
    assert "4471" not in card, "the door code is shown on a press alone"
    page.wait_for_selector("#map .map-label.is-home", state="attached")
    shots(page, "card")

    # A clock counts. Space takes it.
    assert page.evaluate("document.querySelector('.case-clocks .since').dataset.since") is not None
    page.keyboard.press("Space")
    page.wait_for_selector(".case-head .state-taken")
    page.wait_for_selector(f"#row-{incident}[data-rings=no]")

    # Silence. N: dispatch leaves at once, the son is called, and her watch is told to dial the desk.
    page.keyboard.press("n")
    page.wait_for_selector(".case-head .state-dispatched")
    page.wait_for_selector(".case-head em.silent")
    page.wait_for_selector(".retrying")
    eventually(lambda: pages(world, incident, "guard") and pages(world, incident, "son"))
    told = world.sql("select what, detail from device_command where incident_id = %(i)s", i=incident)
    assert told == [("call", {"number": "09510001234"})]
    page.wait_for_selector(".step-call.is-next >> text=120")
    shots(page, "no-speech")

    # The script proposes 1: 120 joined, address read out.
    page.keyboard.press("1")
    page.wait_for_selector("#sheet .script li")
    assert "和平里 3 号楼 2 单元 501" in page.inner_text("#sheet .script li:first-child")
    shots(page, "120")
    page.keyboard.type("A-77")
    page.keyboard.press("Enter")
    page.wait_for_selector(".case-head .joined >> text=120")
    page.keyboard.press("y")
    page.wait_for_selector(".step-call.is-yes")

    # 0:36 the guard accepts, the others stand down.
    answers(world, incident, "guard", "read", "accept", "en_route")
    page.wait_for_selector(".case-head .state-en_route")
    assert {purpose for purpose, _ in pages(world, incident, "son")} >= {"alarm"}
    stood_down = [p for p in ("son", "worker", "rider") if pages(world, incident, p)]
    assert stood_down
    for person in stood_down:
        last = pages(world, incident, person)[-1]
        assert last[0] == "stand_down" or last[1] == "withdrawn", (person, last)

    # 1:40 she presses again: the case rings again, no new row.
    page.evaluate("window.rings.length = 0")
    world.alert("watch-wang")
    page.wait_for_selector(f"#row-{incident} .presses >> text=4")
    li.until("window.rings.length >= 1")
    assert page.locator("#queue .row").count() == 1
    shots(page, "pressed-again")

    # Closing needs a disposition, what was done, and who is with her now.
    answers(world, incident, "guard", "arrived")
    page.wait_for_selector(".case-head .state-on_scene")
    page.keyboard.press("c")
    page.wait_for_selector("#sheet [name=disposition]")
    go_to(page, "#sheet button.primary")
    page.keyboard.press("Enter")
    assert page.is_visible("#sheet[open]"), "nothing is closed without the three"
    go_to(page, "#sheet [name=disposition]", "Shift+Tab")
    page.keyboard.press("Space")
    go_to(page, "#sheet [value=hospital]", "ArrowRight")
    go_to(page, "#sheet [name=done]")
    page.keyboard.type("120 送医院")
    go_to(page, "#sheet [name=with_whom]")
    page.keyboard.type("儿子，120 #A-77")
    go_to(page, "#sheet [name=how]")
    go_to(page, "#sheet [name=how][value=scene]", "ArrowRight")
    go_to(page, "#sheet [name=called_back]")
    page.keyboard.press("Space")
    shots(page, "closing")
    go_to(page, "#sheet button.primary")
    page.keyboard.press("Enter")
    page.wait_for_selector(".case-head .state-closed")
    shots(page, "closed")
    assert world.sql("select state, disposition from incident where id = %(i)s", i=incident) == [("closed", "hospital")]
    assert li.complaints == []
    context.close()
