"""A real Chromium in front of a real console process."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Playwright, ViewportSize, expect, sync_playwright

from hub.embedded import EmbeddedPostgres
from tests.integration.web.world import PASSWORD, Console, World, eventually, neighbourhood
from tests.patience import PATIENCE_S

LAPTOP: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 390, "height": 844}
LIMIT_MS = 1000 * PATIENCE_S
expect.set_options(timeout=LIMIT_MS)  # five seconds otherwise, whatever a page's own deadline is
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--autoplay-policy=document-user-activation-required",
]  # fmt: skip


def chromium_path() -> str:
    """Return Debian's Chromium, or skip with what to install; in CI a missing browser is a failure."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    message = "Chromium is missing: apt-get install chromium fonts-noto-cjk"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def playwright(postgres: EmbeddedPostgres) -> Iterator[Playwright]:
    """The driver keeps an event loop in this thread, which nothing else may want meanwhile: so not for the session."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
    yield browser
    browser.close()


class Shots:
    """Pictures of a walk, numbered as it goes. With CAREHUB_SHOTS=<folder> they stay there; else pytest has them."""

    def __init__(self, folder: Path, walk: str) -> None:
        self.folder, self._walk, self._taken = folder, walk, 0
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, page: Page, name: str, *, whole: bool = False) -> None:
        self._taken += 1
        page.screenshot(path=self.folder / f"{self._walk}-{self._taken:02}-{name}.png", full_page=whole)

    def measured(self, name: str, seconds: float) -> None:
        with (self.folder / "measured.txt").open("a") as file:
            file.write(f"{self._walk} {name} {1000 * seconds:.0f} ms\n")


@pytest.fixture
def shots(request: pytest.FixtureRequest, tmp_path: Path) -> Shots:
    folder = os.environ.get("CAREHUB_SHOTS")
    return Shots(Path(folder) if folder else tmp_path, re.sub(r"\W+", "-", request.node.name).strip("-"))


@pytest.fixture
def world(dsn: str) -> World:
    return neighbourhood(dsn)


@pytest.fixture
def console(world: World) -> Iterator[Console]:
    running = Console(world.dsn).start()
    yield running
    if running.process is not None:
        running.stop()


class Desk:
    """One browser window, with everything it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(LIMIT_MS)
        page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.complaints.append(e.stack or str(e)))
        page.on("dialog", self._dialog)
        # Every stroke of the bell is an event as well as a sound, so that it can be counted.
        page.add_init_script(
            "window.rings = []; document.addEventListener('carehub:ring', e => window.rings.push(e.detail))"
        )

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def sign_in(self, login: str = "li") -> "Desk":
        self.page.goto("/login")
        self.page.fill("[name=login]", login)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("button.primary")
        self.page.wait_for_selector("#pulse[data-state=live]")
        return self

    def rings(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.page.evaluate("window.rings")
        return found

    def until(self, expression: str) -> None:
        """Ask again and again from outside: the page's own policy forbids strings to be run inside it."""
        eventually(lambda: self.page.evaluate(expression))


@pytest.fixture
def desk(chromium: Browser, console: Console) -> Iterator[Desk]:
    context = chromium.new_context(viewport=LAPTOP, locale="zh-CN", base_url=console.url)
    yield Desk(context.new_page())
    context.close()
