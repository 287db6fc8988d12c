"""A responder's whole round trip on a phone: page, accept, arrive, hand over; and with the line cut in the middle."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Geolocation, Page, expect

from hub import desk as hub_desk
from hub.store.pool import Connection
from tests.browser.conftest import LIMIT_MS, PHONE, Desk, Shots
from tests.integration.web.world import Console, World, eventually

DOOR: Geolocation = {"latitude": 38.47005, "longitude": 106.26003, "accuracy": 20}
VERBS = "select verb from response where incident_id = %(i)s and person_id = %(p)s order by at"


@pytest.fixture
def pocket(chromium: Browser, console: Console) -> Iterator[BrowserContext]:
    """A guard's phone that lets the page ask for its position."""
    context = chromium.new_context(
        viewport=PHONE, locale="zh-CN", base_url=console.url, has_touch=True, is_mobile=True, device_scale_factor=2,
        geolocation=DOOR, permissions=["geolocation"],
        user_agent="Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
    )  # fmt: skip
    context.set_default_timeout(LIMIT_MS)
    yield context
    context.close()


class Visit:
    """One call as the guard has it in his hand."""

    def __init__(
        self, world: World, context: BrowserContext, incident: int, who: str = "guard", shots: Shots | None = None
    ) -> None:
        self.world, self.incident, self.who, self._shots = world, incident, who, shots
        rows = world.sql(
            "select id from page where incident_id = %(i)s and person_id = %(p)s and purpose = 'alarm'"
            " order by id desc",
            i=incident, p=world.people[who],
        )  # fmt: skip
        self.path = f"/r/{world.link(rows[0][0])}"
        phone = Desk(context.new_page())
        self.page: Page = phone.page
        self._complaints = phone.complaints
        # This machine would ask in a window of its own which program opens a map.
        self.page.add_init_script(
            "window.opened = []; window.said = [];"
            " document.addEventListener('carehub:map', e => { window.opened.push(e.detail); e.preventDefault(); });"
            " document.addEventListener('carehub:spoken', e => window.said.push(e.detail))"
        )

    def open(self) -> "Visit":
        self.page.goto(self.path)
        expect(self.page.locator("#line")).to_be_visible()
        self.shot("opened")
        return self

    def shot(self, name: str) -> None:
        if self._shots:
            self._shots(self.page, name)

    def kept(self) -> "Visit":
        """Wait until the phone has the page for when there is no line."""
        eventually(
            lambda: self.page.evaluate(
                "path => caches.open('carehub-calls').then(c => c.match(path)).then(Boolean)", self.path
            )
        )
        return self

    def tap(self, words: str) -> None:
        self.page.locator(".taps button:visible", has_text=words).first.click()

    def shows(self, view: str) -> None:
        expect(self.page.locator(f".call[data-view={view}]")).to_be_visible()
        self.shot(view)

    def complaints(self) -> list[str]:
        """What the browser complained about, but for the line that was cut."""
        lost = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_UNKNOWN_URL_SCHEME", "Failed to launch")
        return [c for c in self._complaints if not any(word in c for word in lost)]

    def answered(self) -> list[str]:
        return [row[0] for row in self.world.sql(VERBS, i=self.incident, p=self.world.people[self.who])]

    def state(self) -> str:
        return str(self.world.sql("select state from incident where id = %(i)s", i=self.incident)[0][0])

    def chain(self) -> list[tuple[Any, ...]]:
        what = ["taken", "en_route", "arrived", "handed_over", "left", "also_on_scene"]
        return self.world.sql(
            "select what from incident_event where incident_id = %(i)s and what = any(%(w)s)"
            " and actor = %(a)s order by seq",
            i=self.incident, w=what, a=f"person:{self.world.people[self.who]}",
        )  # fmt: skip


@pytest.fixture
def visit(world: World, desk: Desk, pocket: BrowserContext, shots: Shots) -> Visit:
    """Mrs Wang fell; Li has it and sends the guard from her console."""
    page = desk.sign_in().page
    incident = world.alert("watch-wang", "fall")
    page.click(f"#row-{incident}")
    page.wait_for_selector("[data-case]")
    page.keyboard.press("Space")
    page.wait_for_selector(".case-head .state-taken")
    page.keyboard.press("d")
    page.check(f"#sheet input[value='{world.people['guard']}']")
    page.click("#sheet .primary")
    page.wait_for_selector(".case-head .state-dispatched")
    return Visit(world, pocket, incident, shots=shots)


def test_round_trip_page_accept_arrive_hand_over(visit: Visit, desk: Desk) -> None:
    page = visit.open().page
    for words in ("王秀英", "和平里 3 号楼 2 单元 501", "跌倒", "有狗"):
        expect(page.locator(".call")).to_contain_text(words)
    expect(page.locator("#code")).to_be_hidden()
    assert page.evaluate("window.said") == [], "nothing is read out before somebody asks"

    visit.tap("我去")
    visit.shows("accepted")
    assert page.evaluate("window.opened")[0].startswith("geo:38.47"), "the same tap opens the map"
    expect(page.locator("#code strong")).to_have_text("4471#")
    visit.tap("出发了")
    visit.shows("en_route")
    visit.tap("已到")
    visit.shows("there")
    desk.page.wait_for_selector(".case-head .state-on_scene")
    expect(page.locator("#locked")).to_be_disabled()

    visit.tap("交接完成")
    expect(page.locator("#missing")).to_be_visible()
    page.locator(".chip", has_text="儿子").click()
    visit.tap("交接完成")
    visit.shows("thanks")
    desk.page.wait_for_selector(".case-head .state-handed_over")
    expect(page.locator("#code")).to_have_count(0)
    visit.tap("离开")
    eventually(lambda: visit.answered() == ["accept", "en_route", "arrived", "handed_over", "left"])
    assert [what for (what,) in visit.chain()][:4] == ["taken", "en_route", "arrived", "handed_over"]
    assert visit.complaints() == []


def test_line_cut_after_accepting_and_the_page_loaded_again_without_it(
    visit: Visit, desk: Desk, pocket: BrowserContext
) -> None:
    page = visit.open().kept().page
    visit.tap("我去")
    expect(page.locator("#code strong")).to_have_text("4471#")
    eventually(lambda: visit.answered() == ["accept"])

    pocket.set_offline(True)
    visit.tap("已到")
    visit.shows("there")
    expect(page.locator("#waiting li")).to_contain_text(["已到"])
    page.locator(".chip", has_text="儿子").click()
    visit.tap("交接完成")
    visit.shows("thanks")
    expect(page.locator("#waiting li")).to_have_count(2)
    expect(page.locator("#leaving")).to_be_hidden()  # the desk does not know yet who has her

    page.reload()
    visit.shows("thanks")
    expect(page.locator("#waiting li").nth(1)).to_contain_text("未送达，将自动发送")
    expect(page.locator("#line")).to_contain_text("没有网络")
    assert "4471#" not in page.content(), "the door code is in nothing that the phone keeps"
    assert visit.answered() == ["accept"]
    assert visit.state() == "dispatched"

    pocket.set_offline(False)
    desk.page.wait_for_selector(".case-head .state-handed_over")
    expect(page.locator("#waiting")).to_be_hidden()
    expect(page.locator("#leaving")).to_be_visible()
    assert visit.answered() == ["accept", "arrived", "handed_over"]
    assert [what for (what,) in visit.chain()] == ["taken", "arrived", "handed_over"]
    page.reload()
    visit.shows("thanks")
    assert visit.answered() == ["accept", "arrived", "handed_over"], "nothing is sent twice"
    assert visit.complaints() == []


def test_tap_that_the_case_has_overtaken_says_what_happened_instead(
    visit: Visit, world: World, pocket: BrowserContext
) -> None:
    page = visit.open().kept().page
    pocket.set_offline(True)
    visit.tap("我去")
    visit.shows("accepted")
    world.sql(  # what the desk saw meanwhile: the worker took it
        "insert into shift (person_id, during) select %(p)s, tstzrange(hub_now() - interval '1 hour', null)",
        p=world.people["worker"],
    )
    other = another_takes_it(world, visit.incident, "worker")
    assert other
    pocket.set_offline(False)
    expect(page.locator("#happened")).to_contain_text("“我去”")
    expect(page.locator("#waiting")).to_be_hidden()
    page.locator("#happened button").click()
    expect(page.locator("#happened")).to_be_hidden()
    assert world.sql("select responder_id from incident where id = %(i)s", i=visit.incident) == [(other,)]
    assert visit.answered() == [], "a refused answer is none"


def another_takes_it(world: World, incident: int, who: str) -> int:
    """Send this person as well, and let him say yes first."""

    async def taken(conn: Connection) -> None:
        await hub_desk.dispatch(conn, incident, world.people["li"], world.people[who])
        row = await (
            await conn.execute(
                "select id from page where incident_id = %s and person_id = %s order by id desc",
                (incident, world.people[who]),
            )
        ).fetchone()
        assert row is not None
        await hub_desk.answer(conn, world.people[who], row[0], "hers", "accept")

    world.run(taken)
    return world.people[who]


def test_english_round_trip_says_every_step_in_english(visit: Visit, world: World, desk: Desk) -> None:
    world.sql("update person set language = 'en' where id = %(p)s", p=world.people["guard"])
    page = visit.open().page
    call = page.locator(".call")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    for words in ("Somebody needs help", "Fall", "called at", "Beware", "dog"):
        expect(call).to_contain_text(words)
    desk.page.keyboard.press("n")  # called back: she does not answer
    expect(page.locator("#silent")).to_have_text("no answer")

    visit.tap("I am going")
    visit.shows("accepted")
    expect(call).to_contain_text("You said you are going")
    expect(page.locator("#code strong")).to_have_text("4471#")
    visit.tap("On my way")
    visit.shows("en_route")
    expect(call).to_contain_text("press her red call button")
    visit.tap("I am there")
    visit.shows("there")
    expect(page.locator("#proof")).to_contain_text("Arrival proved: your position")
    expect(page.locator("#locked")).to_have_text("Leave (hand over first)")
    page.fill("#to", "Dr Ma, community clinic")
    visit.tap("Handed over")
    visit.shows("thanks")
    expect(call).to_contain_text("Handed over. Thank you")
    desk.page.wait_for_selector(".case-head .state-handed_over")
    visit.tap("Leave")
    expect(page.locator("#after")).to_have_text("You have left. Thank you.")
    assert visit.complaints() == []
