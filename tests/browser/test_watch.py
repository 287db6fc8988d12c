"""The banner and the page of the watch, as an operator sees them."""

import os
from pathlib import Path

import pytest

from tests.browser.conftest import Desk
from tests.integration.web.world import World

SHOTS = os.environ.get("WATCH_SHOTS")  # a folder: pictures to be looked at


def picture(desk: Desk, name: str) -> None:
    if SHOTS:
        desk.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def faults(world: World) -> None:
    """A hub on a bad day: the canary is lost at the dispatcher, a chain is broken, the siren's player is missing."""
    for role, says in (
        ("audit", ""),
        ("canary", "lost page"),
        ("siren", "sounds"),
        ("outside", "stopped"),
        ("echo", "heard"),
    ):
        world.sql("insert into heartbeat (role, at, says) values (%(r)s, hub_now(), %(s)s)", r=role, s=says)
    for rule, subject, detail in (
        ("canary_lost", "page", "silent 15"), ("page_late", "incident:7", "mqtt: nobody sends it"),
        ("siren_broken", "command", "aplay is not there or cannot be run"),
    ):  # fmt: skip
        world.sql(
            "insert into audit_finding (rule, subject, detail, found_at) values (%(r)s, %(s)s, %(d)s, hub_now())",
            r=rule, s=subject, d=detail,
        )  # fmt: skip
    start = '{"console":0.0138,"connect":0.0043,"puback":0.0223,"received":0.0004'
    way = start + ',"page":0.0117,"shown":0.0233,"closed":0.0878}'
    for minutes in range(9, 1, -1):
        world.sql(
            "insert into canary_round (at, seconds) values (hub_now() - make_interval(mins => %(m)s), %(way)s::jsonb)",
            m=minutes, way=way,
        )  # fmt: skip
    world.sql(
        "insert into canary_round (at, lost, detail, seconds)"
        " values (hub_now(), 'page', 'silent 15', %(start)s::jsonb)",
        start=start + "}",
    )


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_finding_is_on_the_banner_and_is_acknowledged_with_a_reason(desk: Desk, world: World, language: str) -> None:
    world.sql("update person set language = %(l)s where login = 'li'", l=language)
    faults(world)
    page = desk.sign_in().page
    page.wait_for_selector(".finding >> nth=2")
    picture(desk, f"banner-{language}")
    page.click(".finding a >> nth=0")
    page.wait_for_selector(".watch-finding >> nth=2")
    picture(desk, f"watch-{language}")
    page.fill(".watch-finding >> nth=0 >> [name=why]", "已打电话给机房，正在重启")
    page.click(".watch-finding >> nth=0 >> button")
    page.wait_for_selector(".watch-finding.is-acknowledged")
    picture(desk, f"acknowledged-{language}")
    assert "李雪" in page.inner_text(".watch-finding.is-acknowledged")
    assert desk.complaints == []


def test_finding_comes_to_an_open_desk_at_once(desk: Desk, world: World) -> None:
    page = desk.sign_in().page
    world.sql(
        "insert into audit_finding (rule, subject, found_at) values ('canary_lost', 'connect', hub_now())"
        " returning pg_notify('carehub_audit', rule)"
    )
    page.wait_for_selector(".finding >> text=巡检呼叫没有走通", timeout=12_000)  # the desk asks by itself every 15 s


def test_auditor_that_has_stopped_is_said_on_the_desk(desk: Desk, world: World) -> None:
    world.sql("insert into heartbeat (role, at) values ('audit', hub_now() - interval '11 seconds')")
    page = desk.sign_in().page
    page.wait_for_selector(".finding >> text=值守进程停了")
    picture(desk, "auditor-stopped")
    world.sql("update heartbeat set at = hub_now()")
    world.alert("watch-wang")  # whatever happens next fetches the queue again
    page.wait_for_selector(".finding", state="detached")
