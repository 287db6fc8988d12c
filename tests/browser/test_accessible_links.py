"""What stands behind links, in windows, and at the end of wrong ways, held against WCAG 2.2 AA: by day and by night."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from hub import desk as hub_desk
from hub.store.pool import Connection
from tests.browser.conftest import Shots
from tests.browser.test_accessible import WAYS, Windows, faults, windows, world
from tests.integration.web.test_family import consent
from tests.integration.web.test_family import link as family_link
from tests.integration.web.test_phone import link_of
from tests.integration.web.world import World

__all__ = ["windows", "world"]  # fixtures
WINDOWS = {"?": "keys", "/": "search", "d": "dispatch", "c": "close", "h": "hold", "r": "resolve", "1": "120"}
pytestmark = pytest.mark.parametrize("way", WAYS)


class Looked:
    """Pages that were looked at, and what is against them."""

    def __init__(self, context: BrowserContext, shots: Shots, way: str) -> None:
        self.page: Page = context.new_page()
        self.against: list[str] = []
        self._shots, self._way = shots, way

    def at(self, address: str, name: str = "", wait: str = "main") -> None:
        self.page.goto(address)
        self.page.wait_for_selector(wait)
        self.now(name or address.strip("/").replace("/", "-"))

    def now(self, name: str) -> None:
        self.page.wait_for_load_state()
        self._shots(self.page, f"{name}-{self._way}", whole=not self.page.locator("dialog[open]").count())
        self.against += [f"{name}: {fault}" for fault in faults(self.page)]

    def done(self) -> None:
        self.page.close()
        assert not self.against, "\n".join(self.against)


@pytest.fixture
def looked(windows: Windows, shots: Shots, world: World, way: str) -> Looked:
    world.sql("update person set language = %(l)s", l=WAYS[way][0])
    return Looked(windows.without(way), shots, way)


def sent(world: World) -> tuple[int, int]:
    """Mrs Wang fell, nobody answers, and the guard is sent; returns the case and his page."""
    case, li, guard = world.alert("watch-wang", "fall"), world.people["li"], world.people["guard"]

    async def dispatched(conn: Connection) -> None:
        await hub_desk.take(conn, case, li)
        await hub_desk.no_speech(conn, case, li)
        await hub_desk.dispatch(conn, case, li, guard)

    world.run(dispatched)
    found = world.sql("select max(id) from page where incident_id = %(i)s and person_id = %(p)s", i=case, p=guard)
    return case, found[0][0]


def answered(world: World, page: int, verb: str) -> None:
    """What the guard says on this page of his."""

    async def said(conn: Connection) -> None:
        to = "儿子" if verb == "handed_over" else ""
        await hub_desk.answer(conn, world.people["guard"], page, verb, verb, to=to)

    world.run(said)


def test_responders_page_in_each_state(looked: Looked, world: World) -> None:
    _, number = sent(world)
    path = f"/r/{world.link(number)}"
    looked.at(path, "asked", "[data-view=asked]")
    for verb, view in (
        ("accept", "accepted"), ("en_route", "en_route"), ("arrived", "there"), ("handed_over", "thanks"),
    ):  # fmt: skip
        answered(world, number, verb)
        looked.at(path, view, f"[data-view={view}]")
    looked.done()


def test_responders_page_is_as_large_as_his_own_page_says(looked: Looked, world: World) -> None:
    _, number = sent(world)
    looked.at(link_of(world, "guard"), "me-before")
    looked.page.click("[name=large][value=yes]")
    expect(looked.page.locator(":root[data-look~=large]")).to_have_count(1)
    looked.now("me-large")
    looked.at(f"/r/{world.link(number)}", "asked-large", "[data-view=asked]")
    assert looked.page.evaluate("getComputedStyle(document.body).zoom") == "1.2"
    assert looked.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    looked.done()


def test_responder_who_cannot_go(looked: Looked, world: World) -> None:
    _, number = sent(world)
    answered(world, number, "cannot_go")
    looked.at(f"/r/{world.link(number)}", "declined", ".call")
    looked.done()


def test_pages_of_ones_own_link(looked: Looked, world: World) -> None:
    sent(world)
    consent(world, "wang", scope="{family_health}")
    asked = world.sql(
        "insert into contact_asked (resident_id, person_id, asked_by, asked_at)"
        " values (%(r)s, %(p)s, 'person:1', hub_now()) returning id",
        r=world.residents["wang"], p=world.people["son"],
    )[0][0]  # fmt: skip
    looked.at(link_of(world, "guard"), "me")
    looked.at(f"/me/contact/{world.question(asked)}", "contact")
    looked.page.click("[value=yes]")
    expect(looked.page.locator(".done")).to_be_visible()
    looked.now("contact-yes")
    family = family_link(world)
    her = world.residents["wang"]
    for address, name in (
        (family, "family"),
        (f"{family}/{her}/history", "history"),
        (f"{family}/{her}/away", "away"),
        (f"{family}/{her}/measured", "measured"),
    ):
        looked.at(address, f"family-{name}")
    looked.page.goto(family)
    looked.page.click("[name=large][value=yes]")
    expect(looked.page.locator(":root[data-look~=large] [name=large][value=no]")).to_be_visible()
    looked.now("family-large")
    consent(world, "wang", given=False)
    looked.at(family, "family-no-consent")
    looked.done()


def test_wrong_ways_end_on_a_page_for_everybody(looked: Looked, windows: Windows, way: str) -> None:
    for address in ("/r/nobody", "/me/nobody", "/f/nobody", "/me/contact/nobody", "/login", "/nowhere", "/supervisor"):
        looked.at(address)
    looked.page.goto("/login")
    looked.page.fill("[name=login]", "li")
    looked.page.fill("[name=password]", "wrong")
    looked.page.click("button.primary")
    looked.page.wait_for_selector("[role=alert]")
    looked.now("wrong-password")
    looked.page.close()
    looked.page = windows.of(way, "li").new_page()
    for address in ("/people", "/incidents/999999", "/nowhere"):
        looked.at(address, f"li-{address.strip('/').replace('/', '-')}")
    looked.done()


def test_every_window_of_the_console(looked: Looked, windows: Windows, world: World, way: str) -> None:
    case = world.alert("watch-wang", "fall")
    world.alert("button-wang")
    for person in ("ma", "li"):  # the supervisor's queue has the disaster's window
        looked.page.close()
        looked.page = page = windows.of(way, person).new_page()
        page.goto(f"/incidents/{case}")
        page.wait_for_selector("#pulse[data-state=live]")
        if person == "ma" and way == "day":
            page.click(".surge-open")
            page.wait_for_selector("#sheet[open] h2")
            looked.now("surge")
    world.run(lambda conn: hub_desk.take(conn, case, world.people["li"]))
    page.wait_for_selector(".case-head .state-taken")
    looked.now("case")
    for key, name in WINDOWS.items():
        page.keyboard.press(key)
        page.wait_for_selector("dialog[open] button")
        looked.now(name)
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog[open]", state="detached")
    world.run(lambda conn: hub_desk.dispatch(conn, case, world.people["li"], world.people["guard"]))
    number = world.sql("select max(id) from page where person_id = %(p)s", p=world.people["guard"])[0][0]
    for verb in ("accept", "arrived"):
        answered(world, number, verb)
    page.click("[hx-get$='sheet/hand_over']")
    page.wait_for_selector("#sheet[open] [name=to]")
    looked.now("hand-over")
    looked.done()
