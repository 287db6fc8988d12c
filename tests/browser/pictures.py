"""Makes the README's picture of the console again: `make picture`. An invented neighbourhood on a lively evening."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

import tests.conftest  # noqa: F401 - the key that fields are sealed with
from hub import desk as hub_desk
from hub.embedded import EmbeddedPostgres
from hub.store.pool import Connection, migrate
from tests.browser.conftest import ARGUMENTS, Desk, chromium_path
from tests.integration.web.world import ROOT, Console, World, neighbourhood

SCREEN: ViewportSize = {"width": 1440, "height": 900}
PICTURE = ROOT / "hub" / "web" / "console.png"
RESTING = [78, 81, 80, 77, 82, 81, 83, 84, 86, 85, 84, 86, 89, 94, 97, 99, 103, 104, 106, 109, 110, 112, 111, 112]


@contextmanager
def empty_database() -> Iterator[str]:
    """A server of its own below /tmp, gone afterwards."""
    folder = Path(f"/tmp/carehub-pictures-{os.getpid()}")
    server = EmbeddedPostgres(folder)
    server.start()
    try:
        migrate(server.dsn("postgres"))
        yield server.dsn("postgres")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield started
        started.close()


def evening(world: World) -> int:
    """Five calls and a silent device; returns the one to look at: she fell, pressed, and the guard is at her door."""
    world.heart_rates("watch-wang", [float(bpm) for bpm in RESTING])
    world.alert("watch-he", "vitals", 3, rule="V1")
    world.alert("watch-zhang", "vitals", 2, rule="V4")
    world.alert("watch-zhang", "silence", 5, rule="T3")
    world.alert("button-liu", test=True)
    world.alert("stray")
    case = world.alert("watch-wang", "fall", rule="FALL")
    li, guard = world.people["li"], world.people["guard"]

    async def worked(conn: Connection) -> None:
        await hub_desk.take(conn, case, li)
        await hub_desk.no_speech(conn, case, li)
        await hub_desk.dispatch(conn, case, li, guard)
        await hub_desk.note(conn, case, li, "听到电视声，没有说话")
        found = await conn.execute("select max(id) from page where incident_id = %s and person_id = %s", (case, guard))
        row = await found.fetchone()
        assert row is not None
        for verb in ("read", "accept", "en_route", "arrived"):
            await hub_desk.answer(conn, guard, row[0], verb, verb)

    world.run(worked)
    world.alert("button-wang")
    return case


def console_page(page: Page, case: int) -> None:
    """Sign in and open a case, as an operator does; return when everything has come."""
    Desk(page).sign_in()
    page.click(f"#row-{case}")  # a hand on the page: else the browser keeps the bell back, and a bar says so
    page.wait_for_selector(".plot canvas")
    page.wait_for_selector(".htmx-request", state="detached")  # buttons that wait for an answer are pale
    page.evaluate("document.fonts.ready")


def main() -> None:
    with ExitStack() as stack:
        world = neighbourhood(stack.enter_context(empty_database()))
        console = Console(world.dsn)
        stack.callback(lambda: console.process and console.stop(hard=True))
        console.start()
        page = stack.enter_context(browser()).new_page(viewport=SCREEN, locale="zh-CN", base_url=console.url)
        console_page(page, evening(world))
        page.screenshot(path=PICTURE)
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}: look at it before you commit it\n")


if __name__ == "__main__":
    main()
