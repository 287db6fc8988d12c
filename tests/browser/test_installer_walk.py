"""An installer's whole walk on a phone: a device from its label to 已生效, and one that is 未生效; the device is real
enough to sign in with the key that the page shows, over MQTT, at the hub's own listener."""

import io
import itertools
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
import pytest
import segno
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, FilePayload, Locator, Page, Playwright, expect

from hub import device_label
from tests.browser.conftest import ARGUMENTS, LIMIT_MS, PHONE, Desk, Shots, chromium_path
from tests.integration.ingest.test_process import Process
from tests.integration.web.world import PASSWORD, Console, World, eventually

WIDTH, HEIGHT = 640, 480
FAKE_CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
# Of everything on the page that is read or touched: too small, nameless, or too faint (WCAG 1.4.3, 2.5.5, 4.1.2).
FAULTS = """() => {
  const f = v => v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => { return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const parse = c => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > .99) return c; } return [255, 255, 255]; };
  const seen = e => e.checkVisibility() && e.getBoundingClientRect().height > 1;
  const found = [];
  for (const e of document.querySelectorAll('a, button, input:not([type=hidden]), summary, label.choice')) {
    if (!seen(e) || e.matches('.choice input, .unseen')) continue;
    const box = e.getBoundingClientRect();
    if (box.height < 44 || box.width < 44) found.push(`small: ${e.outerHTML.slice(0, 80)} ${box.width}x${box.height}`);
  }
  for (const e of document.querySelectorAll('input:not([type=hidden])'))
    if (!e.labels.length && !e.getAttribute('aria-label')) found.push(`nameless: ${e.outerHTML.slice(0, 80)}`);
  for (const e of document.querySelectorAll('body *')) {
    if (!seen(e) || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) found.push(`faint: ${e.textContent.trim().slice(0, 40)} ${(a + .05) / (b + .05)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push(`wide: ${document.documentElement.scrollWidth}`);
  return found;
}"""


class Pendant:
    """What signs in at the listener: a device of carehub's own profile, or a house's gateway with its own prefix."""

    def __init__(self, port: int, name: str, secret: str, prefix: str = "") -> None:
        self.told: list[dict[str, Any]] = []
        self._prefix, self._port, self._ready = prefix or f"carehub/{name}/", port, threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name)
        self._client.username_pw_set(name, secret)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{self._prefix}command", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _, __, message: self.told.append(json.loads(message.payload))

    def __enter__(self) -> Self:
        self._client.connect_async("127.0.0.1", self._port, keepalive=30)
        self._client.loop_start()
        assert self._ready.wait(LIMIT_MS / 1000), "the listener did not let it in"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, kind: str, **fields: Any) -> None:
        """Publish and wait until the hub has it: acknowledged means saved."""
        info = self._client.publish(self._prefix + kind, json.dumps(fields), qos=1)
        info.wait_for_publish(LIMIT_MS / 1000)
        assert info.is_published()


def house(world: World, port: int) -> Pendant:
    """A house's gateway with a key of its own; the devices behind it have none."""
    secret, values = "a gateway's secret for this test", {"name": "home7", "prefix": "home7/zigbee2mqtt/"}
    world.sql(
        "insert into credential (username, secret_sha256, kind, topic_prefix, created_at)"
        " values (%(name)s, sha256(%(secret)s), 'gateway', %(prefix)s, hub_now())",
        secret=secret.encode(), **values,
    )  # fmt: skip
    world.sql("select pg_notify('carehub_config', '')")
    return Pendant(port, values["name"], secret, values["prefix"])


def film(code: str) -> bytes:
    """Return frames of 640 × 480 as a camera gives them: a grey table, then a label on it, off the middle."""
    symbol = segno.make(code, error="m", micro=False)
    cells = [[bool(cell) for cell in row] for row in symbol.matrix_iter(scale=6, border=4)]
    empty = bytearray(b"\x90" * (WIDTH * HEIGHT))
    shown = bytearray(empty)
    for y, row in enumerate(cells, 60):
        shown[y * WIDTH + 120 : y * WIDTH + 120 + len(row)] = bytes(16 if cell else 235 for cell in row)
    colour = b"\x80" * (WIDTH * HEIGHT // 2)
    pictures = [empty] * 5 + [shown] * 25
    return f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + b"".join(
        b"FRAME\n" + bytes(luma) + colour for luma in pictures
    )


def _png(content: bytes) -> FilePayload:
    return {"name": "label.png", "mimeType": "image/png", "buffer": content}


class Walk:
    """The phone in the installer's hand."""

    def __init__(self, page: Page, complaints: list[str], shots: Shots | None = None) -> None:
        self.page, self.complaints, self._shots = page, complaints, shots

    def sign_in(self, login: str = "gao") -> Self:
        self.page.goto("/login")
        self.page.fill("[name=login]", login)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("button.primary")
        expect(self.page.locator("#code")).to_be_visible()
        return self

    def speak(self, language: str) -> Self:
        self.page.locator(".menu summary").click()
        self.page.locator(f".menu [value={language}]").click()
        return self

    def photograph(self, code: str) -> None:
        """Take a picture of a label."""
        picture = io.BytesIO()
        segno.make(code, error="m", micro=False).save(picture, kind="png", scale=8, border=4)
        self.page.set_input_files("#photo", files=_png(picture.getvalue()))

    def tap(self, words: str) -> None:
        self.page.locator("main").get_by_role("button", name=words, exact=True).first.click()

    def trial(self, check: str) -> Locator:
        return self.page.locator(f"#{check}")

    def bind(self, resident: str, search: str, room: str) -> None:
        self.page.fill("#word", search)
        self.page.locator("#word").press("Enter")
        self.page.get_by_label(resident).check()
        self.page.fill("#room", room)
        self.page.locator("form[action$='/bind'] button").click()
        expect(self.page.locator(".whose")).to_contain_text(room)

    def sane(self) -> None:
        """Nothing on this page is too small, too faint, without a name, or wider than the phone."""
        self.page.wait_for_load_state()  # with its looks
        assert self.page.evaluate(FAULTS) == []
        assert self.complaints == []
        if self._shots:
            self._shots(
                self.page, self.page.url.split("/install")[-1].strip("/").replace("/", "-") or "find", whole=True
            )


@pytest.fixture
def hub(world: World, tmp_path: Path) -> Iterator[Process]:
    """The hub's own listener, with what it takes in."""
    running = Process(world.dsn, tmp_path)
    running.start()
    running.wait_page("readyz", "ok")
    yield running
    if running.popen is not None and running.popen.poll() is None:
        running.end(signal.SIGKILL)


@pytest.fixture
def walk(chromium: Browser, console: Console, world: World, shots: Shots) -> Iterator[Walk]:
    world.person("gao", "高师傅", "installer", login=True, area="和平社区")
    context = chromium.new_context(
        viewport=PHONE, locale="zh-CN", base_url=console.url, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    phone = Desk(context.new_page())
    yield Walk(phone.page, phone.complaints, shots)
    context.close()


def press_arrives_live(walk: Walk, pendant: Pendant) -> None:
    """Nobody touches the page: the press comes by itself."""
    walk.trial("sos").get_by_role("button", name="开始").click()
    expect(walk.trial("sos").locator(".now")).to_contain_text("现在按下呼叫键")
    walk.sane()
    pendant.say("event", event="sos", id="81", battery=84)
    expect(walk.trial("sos")).to_contain_text("用时")


def pressed_for_real(pendant: Pendant, world: World) -> None:
    """Ingest hears of the end of test mode a moment after the page: a press from then on makes the case a real one."""
    numbers = itertools.count(82)

    def real() -> bool:
        pendant.say("event", event="sos", id=str(next(numbers)))
        return world.sql("select test from incident") == [(False,)]

    eventually(real)


def called(world: World) -> set[str]:
    """Who was called by now, but for operators."""
    return {row[0] for row in world.sql("select role from page where role not in ('operator', 'supervisor')")}


def voice_is_heard(walk: Walk, pendant: Pendant) -> None:
    walk.trial("voice").get_by_role("button", name="让它说话").click()
    told = eventually(lambda: [one for one in pendant.told if "安装测试" in str(one.get("text"))])
    assert told[0]["say"] == "message"
    expect(walk.trial("voice")).to_contain_text("确认收到")
    walk.trial("voice").get_by_role("button", name="听到了").click()
    expect(walk.trial("voice").locator("em")).to_have_text("通过")


def consent_is_given(walk: Walk, world: World) -> None:
    """Read aloud, ticked, answered; and the son taps his link."""
    consent = walk.trial("consent")
    consent.get_by_label("我已逐句宣读并解释").check()
    consent.get_by_label("长者本人").check()
    consent.get_by_role("button", name="同意，记录").click()
    expect(walk.trial("consent").locator("em")).to_have_text("已同意")
    walk.trial("contacts").get_by_role("button", name="发确认").click()
    expect(walk.trial("contacts")).to_contain_text("正在发送")
    token = world.question(world.sql("select max(id) from contact_asked")[0][0])
    phone = walk.page.context.new_page()
    phone.goto(f"/me/contact/{token}")
    phone.get_by_role("button", name="是，我愿意").click()
    expect(phone.get_by_role("heading", name="谢谢！您是王秀英的联系人")).to_be_visible()
    phone.close()
    expect(walk.trial("contacts")).to_contain_text("他本人点了确认")


def test_device_goes_from_its_label_to_in_effect(walk: Walk, hub: Process, world: World) -> None:
    walk.sign_in().sane()
    walk.page.set_input_files("#photo", files=_png(b"no picture"))
    expect(walk.page.locator("#scan-said")).to_contain_text("照片里没有找到二维码")
    walk.photograph(device_label.text("carehub:w-0417", "腕表 W2"))
    walk.tap("登记这台设备")
    walk.sane()
    walk.bind("王秀英", "王", "卧室")
    walk.tap("生成密钥")
    secret = walk.page.locator(".secret").inner_text()
    walk.sane()
    with Pendant(hub.port, "w-0417", secret) as pendant:
        walk.page.get_by_role("link", name="已写入设备，继续").click()
        expect(walk.page.locator("#heard")).to_contain_text("还没有收到任何消息")
        pendant.say("status", online=True, battery=84, lat=38.4702, lon=106.2602)
        expect(walk.page.locator("#heard")).to_contain_text("秒前有消息")
        expect(walk.trial("location")).to_contain_text("系统亲自收到")
        press_arrives_live(walk, pendant)
        assert (world.sql("select test from incident"), called(world)) == ([(True,)], set())
        voice_is_heard(walk, pendant)
        consent_is_given(walk, world)
        walk.sane()
        walk.tap("签字并完成")
        expect(walk.page.get_by_role("heading", name="已生效")).to_be_visible()
        walk.sane()
        pressed_for_real(pendant, world)
    assert world.sql("select state, test_until <= hub_now() from device where address = 'carehub:w-0417'") == [
        ("live", True)
    ]
    assert called(world) == {"family"}
    walk.page.get_by_role("link", name="下一台设备").click()
    expect(walk.page.locator(".for")).to_contain_text("正在给 王秀英 安装")


def test_label_is_read_live_by_the_camera(
    playwright: Playwright, console: Console, world: World, tmp_path: Path
) -> None:
    """A real camera as far as the browser knows: frames of a label that comes into view after a moment."""
    world.person("gao", "高师傅", "installer", login=True, area="和平社区")
    frames = tmp_path / "label.y4m"
    frames.write_bytes(film(device_label.text("carehub:w-0417", "W2")))
    camera = [f"--use-file-for-fake-video-capture={frames}", *FAKE_CAMERA]
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*ARGUMENTS, *camera])
    context = browser.new_context(viewport=PHONE, locale="zh-CN", base_url=console.url, permissions=["camera"])
    phone = Desk(context.new_page())
    walk = Walk(phone.page, phone.complaints).sign_in()
    walk.tap("扫描二维码")
    expect(walk.page.locator(".address").first).to_contain_text("w-0417")
    assert walk.complaints == []
    browser.close()


def test_press_that_does_not_arrive_leaves_it_not_in_effect(walk: Walk, hub: Process, world: World) -> None:
    """In English, behind a house's gateway, found among the strangers; it is put right afterwards."""
    walk.sign_in().speak("en")
    with house(world, hub.port) as gateway:
        gateway.say("Button", battery=91, linkquality=80)
        walk.page.get_by_role("link", name="Look again").click()
        walk.sane()
        walk.page.locator(".rows a").first.click()
        walk.tap("Claim this device")
        walk.bind("刘桂芳", "光明巷", "Bathroom")
        walk.trial("sos").get_by_role("button", name="Begin").click()
        walk.trial("sos").locator("summary").click()
        walk.trial("sos").get_by_role("button", name="It does not arrive").click()
        walk.tap("Sign and finish")
        expect(walk.page.get_by_role("heading", name="Not in effect")).to_be_visible()
        for words in ("No press of it has arrived", "Pressed in Bathroom: it did not arrive", "No consent is recorded"):
            expect(walk.page.locator(".reasons")).to_contain_text(words)
        walk.sane()
        walk.tap("Back to the trials")
        gateway.say("Button", action="emergency", battery=91)
        expect(walk.trial("sos").locator("em")).to_have_text("Passed")
        walk.page.get_by_label("I have read it aloud").check()
        walk.page.get_by_label("a relative").check()
        walk.tap("Agreed")
        walk.tap("Sign and finish")
        expect(walk.page.get_by_role("heading", name="In effect", exact=True)).to_be_visible()
        walk.sane()


def test_line_is_lost_in_the_middle_and_the_walk_goes_on(walk: Walk, hub: Process, world: World) -> None:
    walk.sign_in()
    walk.photograph(device_label.text("carehub:w-9", "W2"))
    walk.tap("登记这台设备")
    walk.bind("王秀英", "王", "客厅")
    walk.page.context.set_offline(True)
    expect(walk.page.locator("#no-line")).to_be_visible()
    walk.page.context.set_offline(False)
    walk.complaints.clear()
    expect(walk.page.locator("#no-line")).to_be_hidden()
    walk.page.goto("/install")  # or another phone
    walk.page.get_by_text("王秀英 · 客厅").click()
    expect(walk.trial("sos").get_by_role("button", name="开始")).to_be_visible()


def test_whole_page_is_walked_by_keyboard(walk: Walk, world: World) -> None:
    walk.sign_in()
    page = walk.page
    page.focus("#code")
    page.keyboard.type("carehub:w-5")
    page.keyboard.press("Enter")
    page.locator("form[action='/install/register'] button").focus()
    page.keyboard.press("Enter")
    page.focus("#word")
    page.keyboard.type("张德福")
    page.keyboard.press("Enter")
    page.focus("[name=resident]")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name || document.activeElement.textContent")
    page.locator("form[action$='/bind'] button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".whose")).to_contain_text("张德福")
