"""Keys and clicks while pushes replace the case on the screen five times a second: none is lost."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page

from hub import desk as hub_desk
from hub.store.pool import connect
from tests.browser.conftest import Desk
from tests.integration.web.world import World, eventually

EVERY_S = 0.2
HELD_MS = 150  # how long a finger stays on a mouse's button
STROKES = 6
WINDOWS = ("d", "c", "h", "r", "1")


@contextmanager
def pushes(world: World, incident: int) -> Iterator[None]:
    """A colleague writes into the case, and its device goes in and out of testing, five times a second."""
    over = threading.Event()

    async def pushing() -> None:
        device, number = world.devices["watch-wang"], 0
        async with await connect(world.dsn, name="pushes") as conn:
            while not over.wait(EVERY_S):
                number += 1
                await hub_desk.note(conn, incident, world.people["chen"], f"第 {number} 句")
                until = "hub_now() + interval '30 minutes'" if number % 2 else "null"
                await conn.execute(f"update device set test_until = {until} where id = {device}".encode())

    thread = threading.Thread(target=lambda: asyncio.run(pushing()), name="pushes")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def case(desk: Desk, world: World) -> int:
    incident = world.alert("watch-wang", "fall")
    world.run(lambda conn: hub_desk.take(conn, incident, world.people["li"]))
    page = desk.sign_in().page
    page.goto(f"/incidents/{incident}")
    page.wait_for_selector("#pulse[data-state=live]")
    page.wait_for_selector(".case-head .state-taken")
    return incident


def noted(page: Page) -> int:
    return page.locator(".line-note").count()


def test_every_stroke_opens_its_window(desk: Desk, world: World, case: int) -> None:
    page = desk.page
    with pushes(world, case):
        eventually(lambda: noted(page) > 2)
        for _ in range(STROKES):
            for key in WINDOWS:
                page.keyboard.press(key)
                page.wait_for_selector("#sheet[open] form[action]")
                page.keyboard.press("Escape")
                page.wait_for_selector("#sheet[open]", state="detached")
    assert desk.complaints == []


def test_every_click_with_a_slow_finger_opens_its_window(desk: Desk, world: World, case: int) -> None:
    page = desk.page
    with pushes(world, case):
        eventually(lambda: noted(page) > 2)
        for _ in range(STROKES):
            page.click("[hx-get$='sheet/dispatch']", delay=HELD_MS)
            page.wait_for_selector("#sheet[open] h2")
            page.keyboard.press("Escape")
            page.wait_for_selector("#sheet[open]", state="detached")
    assert desk.complaints == []
