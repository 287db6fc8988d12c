"""The phone in a pocket: pushed pages, answers from the lock screen, lines that lie, and no scripts at all."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Route, expect

from hub.channels import vapid
from tests.browser.conftest import LIMIT_MS, PHONE
from tests.browser.test_responder_visit import Visit, another_takes_it, pocket
from tests.integration.web.test_phone import POINT, SUBSCRIPTION, link_of
from tests.integration.web.world import Console, World, eventually

__all__ = ["pocket"]  # a fixture
SIGN_IN = "<!doctype html><title>Café</title><h1>Welcome to our WLAN</h1>"
LONG = "宁夏回族自治区银川市兴庆区和平路和平里小区" * 4 + "37号楼2单元501室PHASEIIIBUILDINGTHIRTYSEVEN"


@pytest.fixture
def visit(world: World, pocket: BrowserContext) -> Visit:
    """The son is called at once: nobody sends him."""
    incident = world.alert("watch-wang", "fall")
    return Visit(world, pocket, incident, "son")


def test_sign_in_page_of_a_cafe_is_no_answer(visit: Visit, pocket: BrowserContext) -> None:
    page = visit.open().page

    def cafe(route: Route) -> None:
        route.fulfill(status=200, content_type="text/html", body=SIGN_IN)

    pocket.route("**/r/*/*", cafe)
    visit.tap("我去")
    visit.shows("accepted")
    expect(page.locator("#waiting li")).to_contain_text(["未送达，将自动发送"])
    assert visit.answered() == []
    pocket.unroute("**/r/*/*", cafe)
    eventually(lambda: visit.answered() == ["accept"])
    expect(page.locator("#waiting")).to_be_hidden()


def test_server_in_trouble_is_said_and_waited_for(visit: Visit, pocket: BrowserContext) -> None:
    page = visit.open().page
    pocket.route("**/r/*/*", lambda route: route.fulfill(status=503, content_type="text/plain", body="away"))
    visit.tap("我去")
    expect(page.locator("#line")).to_contain_text("服务器暂时不答")
    expect(page.locator("#waiting li")).to_have_count(1)
    pocket.unroute("**/r/*/*")
    eventually(lambda: visit.answered() == ["accept"])
    expect(page.locator("#line")).to_contain_text("前更新")


def test_two_quick_taps_are_one(visit: Visit) -> None:
    page = visit.open().page
    page.evaluate(
        "() => { const f = document.querySelector('[data-verb=accept]'); f.requestSubmit(); f.requestSubmit(); }"
    )
    eventually(lambda: visit.answered() == ["accept"])
    visit.tap("出发了")
    eventually(lambda: visit.answered() == ["accept", "en_route"])


def test_tap_is_sent_although_the_page_goes_away_with_it(visit: Visit) -> None:
    page = visit.open().page
    page.evaluate("() => { document.querySelector('[data-verb=accept]').requestSubmit(); location.href = '/login'; }")
    page.wait_for_url("**/login")
    eventually(lambda: visit.answered() == ["accept"])


def test_tap_older_than_an_hour_is_not_sent_and_he_is_told_to_telephone(visit: Visit, pocket: BrowserContext) -> None:
    page = visit.open().kept().page
    pocket.set_offline(True)
    visit.tap("我去")
    expect(page.locator("#waiting li")).to_have_count(1)
    page.evaluate(
        "() => { const key = 'carehub.call.' + document.querySelector('.call').dataset.token;"
        " const kept = JSON.parse(localStorage[key]); kept.taps[0].at -= 61 * 60000;"
        " localStorage[key] = JSON.stringify(kept); }"
    )
    page.reload()
    expect(page.locator("#happened")).to_contain_text("请打电话给坐席")
    visit.shows("asked")
    pocket.set_offline(False)
    expect(page.locator("#line")).to_contain_text("前更新")
    assert visit.answered() == []


def test_link_that_ended_meanwhile_says_that_the_tap_was_not_delivered(
    visit: Visit, world: World, pocket: BrowserContext
) -> None:
    page = visit.open().kept().page
    pocket.set_offline(True)
    visit.tap("我去")
    world.sql("insert into clock (ahead) values (interval '13 hours')")
    pocket.set_offline(False)
    expect(page.locator("#happened")).to_contain_text("链接已失效")
    assert visit.answered() == []
    page.reload()
    expect(page.locator(".view-gone")).to_be_visible()


def test_code_and_name_vanish_from_the_open_page_when_the_case_ends(visit: Visit, world: World) -> None:
    page = visit.open().kept().page
    visit.tap("我去")
    visit.tap("出发了")
    expect(page.locator("#code strong")).to_have_text("4471#")
    assert page.evaluate("caches.open('carehub-calls').then(c => c.keys()).then(k => k.length)") == 1
    world.sql(
        "update incident set state = 'resolved', version = version + 1 where id = %(i)s", i=visit.incident
    )  # the desk heard her voice
    visit.shows("thanks")
    for words in ("4471#", "王秀英", "和平里"):
        expect(page.locator("body")).not_to_contain_text(words)
    eventually(lambda: page.evaluate("caches.open('carehub-calls').then(c => c.keys()).then(k => k.length)") == 0)


def test_address_is_read_out_on_a_tap_only_and_stands_there_as_well(visit: Visit) -> None:
    page = visit.open().page
    assert page.evaluate("window.said") == []
    page.locator("#read").click()
    said = page.evaluate("window.said")[0]
    for words in ("跌倒", "和平里 3 号楼 2 单元 501"):
        assert words in said
        expect(page.locator(".call")).to_contain_text(words)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_smallest_screen_and_longest_address_fit_and_every_target_is_a_thumb_wide(
    visit: Visit, world: World, language: str
) -> None:
    world.sql("update person set language = %(l)s", l=language)
    world.sql("update resident set address = %(a)s", a=LONG)
    page = visit.page
    page.set_viewport_size({"width": 320, "height": 568})
    visit.open()
    go = "I am going" if language == "en" else "我去"
    for view in ("asked", "accepted"):
        visit.shows(view)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small = page.evaluate(
            "() => [...document.querySelectorAll('button, a, summary, input:not([type=hidden])')]"
            ".filter(e => e.checkVisibility()).filter(e => e.getBoundingClientRect().height < 56).map(e => e.outerHTML)"
        )
        assert small == []
        if view == "asked":
            visit.tap(go)


def test_whole_visit_without_scripts(chromium: Browser, console: Console, visit: Visit) -> None:
    context = chromium.new_context(viewport=PHONE, base_url=console.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(visit.path)
    for words in ("我去", "出发了", "已到"):
        page.locator(".taps button:visible", has_text=words).first.click()
    page.fill("#to", "120 #4711")
    page.locator("button:visible", has_text="交接完成").click()
    page.wait_for_selector(".view-thanks")
    context.close()
    assert visit.answered() == ["accept", "en_route", "arrived", "handed_over"]


class Pocket:
    """What a push service does, through the browser's own door for it."""

    def __init__(self, visit: Visit, context: BrowserContext, origin: str) -> None:
        context.grant_permissions(["notifications", "geolocation"], origin=origin)
        self.visit, self.context, self.origin = visit, context, origin
        self._session: CDPSession = context.new_cdp_session(visit.page)
        self._registered: list[str] = []
        self._session.on("ServiceWorker.workerRegistrationUpdated", self._note)
        self._session.send("ServiceWorker.enable")

    def _note(self, event: dict[str, Any]) -> None:
        self._registered += [r["registrationId"] for r in event["registrations"] if not r["isDeleted"]]

    def push(self, **page: Any) -> None:
        eventually(lambda: self.visit.page.evaluate("1") and self._registered)
        self._session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": self.origin, "registrationId": self._registered[-1], "data": json.dumps(page)},
        )

    def shown(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.visit.page.evaluate(
            "navigator.serviceWorker.getRegistration('/r/').then(r => r.getNotifications()).then(all =>"
            " all.map(n => ({title: n.title, body: n.body, tag: n.tag, stays: n.requireInteraction,"
            " actions: n.actions.map(a => a.action)})))"
        )
        return found

    def clicks(self, action: str) -> None:
        """The browser's own click needs a desktop; the worker's answer to it does not."""
        worker = next(w for w in self.context.service_workers if w.url.endswith("/r/worker.js"))
        worker.evaluate(
            "async action => { const [notification] = await registration.getNotifications();"
            " dispatchEvent(new NotificationEvent('notificationclick', {notification, action})); }",
            action,
        )


@pytest.fixture
def pushed(visit: Visit, pocket: BrowserContext, console: Console) -> Pocket:
    visit.open().kept()
    return Pocket(visit, pocket, console.url)


def alarm(visit: Visit, **more: Any) -> dict[str, Any]:
    """What channel `app` sends."""
    page = visit.world.sql(
        "select id from page where incident_id = %(i)s and person_id = %(p)s",
        i=visit.incident, p=visit.world.people[visit.who],
    )[0][0]  # fmt: skip
    return {
        "v": 1, "page": page, "incident": visit.incident, "purpose": "alarm", "language": "zh-CN",
        "text": "【紧急】王秀英跌倒，请立即回应", "answer_url": f"https://hub.example{visit.path}", **more,
    }  # fmt: skip


def test_pushed_page_rings_stays_and_is_receipted(pushed: Pocket, world: World) -> None:
    visit = pushed.visit
    world.sql("update page set state = 'sent', delivered_at = null, read_at = null")
    said = alarm(visit, answer_url=f"{pushed.origin}{visit.path}")
    pushed.push(**said)
    eventually(pushed.shown)
    assert pushed.shown() == [{
        "title": "紧急呼叫", "body": said["text"], "tag": f"incident-{visit.incident}", "stays": True,
        "actions": ["accept", "cannot_go"],
    }]  # fmt: skip
    about = {"id": said["page"]}
    eventually(lambda: world.sql("select delivered_at is not null from page where id = %(id)s", **about) == [(True,)])


def test_stand_down_takes_the_alarms_place(pushed: Pocket) -> None:
    url = f"{pushed.origin}{pushed.visit.path}"
    pushed.push(**alarm(pushed.visit, answer_url=url))
    eventually(pushed.shown)
    pushed.push(**alarm(pushed.visit, answer_url=url, purpose="stand_down", text="已有人前往，您不必再去"))
    eventually(lambda: [n["body"] for n in pushed.shown()] == ["已有人前往，您不必再去"])
    assert pushed.shown()[0]["actions"] == []
    assert not pushed.shown()[0]["stays"]


def test_answer_from_the_lock_screen_is_an_answer(pushed: Pocket) -> None:
    pushed.push(**alarm(pushed.visit, answer_url=f"{pushed.origin}{pushed.visit.path}"))
    eventually(pushed.shown)
    pushed.clicks("accept")
    eventually(lambda: pushed.visit.answered() == ["accept"])
    pushed.visit.shows("accepted")


def test_answer_from_the_lock_screen_without_a_line_waits_in_the_page(pushed: Pocket, pocket: BrowserContext) -> None:
    visit = pushed.visit
    visit.page.goto(f"{visit.path}#tap=accept.push-7-accept")
    visit.shows("accepted")
    eventually(lambda: visit.answered() == ["accept"])
    assert "#" not in visit.page.url, "and a reload is no second answer"


@pytest.mark.parametrize("url", ["https://evil.example/r/" + "A" * 38, "javascript:alert(1)", "/login", None, 7])
def test_notification_leads_nowhere_but_to_our_own_pages(pushed: Pocket, url: object) -> None:
    pushed.push(**alarm(pushed.visit, answer_url=url))
    eventually(pushed.shown)
    assert pushed.shown()[0]["actions"] == [], "there is nothing to answer to"


def test_taken_by_another_while_the_page_was_closed(pushed: Pocket, world: World) -> None:
    visit = pushed.visit
    another_takes_it(world, visit.incident, "worker")
    visit.shows("stood_down")
    expect(visit.page.locator("#lead")).to_contain_text("社区")
    expect(visit.page.locator("body")).not_to_contain_text("王秀英")


@pytest.fixture
def ringing(world: World) -> Iterator[Console]:
    """A console with Web Push switched on."""
    running = Console(world.dsn)
    running.more = {
        "CAREHUB_SECRETS_VAPID_KEY": vapid.make_key(),
        "CAREHUB_CHANNELS_PUSH_CONTACT": "mailto:desk@hub.example",
    }
    yield running.start()
    running.stop()


def test_phone_is_made_to_ring_and_made_quiet_again(chromium: Browser, ringing: Console, world: World) -> None:
    """No push service is within reach here, so the browser's subscription is a given; all else is real."""
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=ringing.url, permissions=["notifications"])
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    page.add_init_script(
        f"let mine = null; const given = {json.dumps(SUBSCRIPTION)};"
        " PushManager.prototype.getSubscription = async () => mine;"
        " PushManager.prototype.subscribe = async options => { window.wanted = options; return mine ="
        " {endpoint: given.endpoint, toJSON: () => given, unsubscribe: async () => { mine = null; return true; }}; };"
    )
    page.goto(link_of(world, "guard"))
    expect(page.locator("#state")).to_have_text("这台手机现在不会响")
    page.locator("#on").click()
    expect(page.locator("#state")).to_have_attribute("data-state", "on")
    assert page.evaluate("[wanted.userVisibleOnly, wanted.applicationServerKey.length]") == [True, len(POINT) * 3 // 4]
    who = world.people["guard"]
    assert world.sql("select count(*) from push_subscription where person_id = %(p)s", p=who) == [(1,)]
    titles = (
        "navigator.serviceWorker.getRegistration('/r/').then(r => r.getNotifications()).then(a => a.map(n => n.title))"
    )
    eventually(lambda: page.evaluate(titles) == ["试响"])
    page.locator("#off").click()
    expect(page.locator("#state")).to_have_attribute("data-state", "off")
    assert world.sql("select count(*) from push_subscription") == [(0,)]
    context.close()
