"""What the case page says about why it is open, in the browser's language."""

import re

import httpx

from hub import desk
from hub.store import falls
from hub.store.pool import Connection, hub_now
from tests.integration.web.world import World

V1 = {"heart_rate_bpm": 112, "minutes": 10, "known_min": 10, "limit_bpm": 101, "usual_bpm": 74, "baseline_min": 800,
      "confidence": 0.9}  # fmt: skip
SUSPECTED = {"code": "alarm.fall", "stage": "suspected"}


def why(client: httpx.Client, incident: int) -> str:
    """The panel, as a reader has it."""
    page = client.get(f"/incidents/{incident}").text
    found = re.search(r'<section class="panel why".*?</section>', page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


async def turn_of_the_fleet_loop(conn: Connection) -> None:
    now = await hub_now(conn)
    while await falls.read_cases(conn, now):
        pass


def cancelled(world: World) -> None:
    case = world.alert("watch-wang", "fall", 2, rule="E1", evidence=SUSPECTED, countdown_s=15.0)
    world.run(lambda conn: desk.cancel(conn, case, world.people["li"]))


def test_operator_reads_the_values_the_baseline_and_the_confidence(li: httpx.Client, world: World) -> None:
    incident = world.alert("watch-he", "vitals", 3, rule="V1", evidence=V1)
    said = why(li, incident)
    assert "静息心率 112，高于本人此时段的上限 101；此时段平时 74" in said
    assert "可信度 0.9" in said
    assert "腕表 W2" in said
    world.sql("update person set language = 'en' where login = 'li'")
    assert "Resting heart rate 112, above 101, this wearer&#39;s limit at this hour" in why(li, incident)


def test_fall_shows_who_saw_it_and_who_took_it_back(li: httpx.Client, world: World) -> None:
    world.device("radar", "wang", model="雷达 R1", room="卧室")
    incident = world.alert("watch-wang", "fall", 2, rule="E1", evidence=SUSPECTED, countdown_s=15.0)
    world.alert("watch-wang", "fall", 2, rule="FALL", evidence={"peak_g": 3.2, "confidence": 0.93}, countdown_s=15.0)
    world.alert("radar", "fall", 2, rule="E1", evidence=SUSPECTED, countdown_s=15.0)
    said = why(li, incident)
    assert said.count("设备怀疑跌倒") == 2
    assert "撞击 3.2 g" in said
    assert "雷达 R1 · 卧室" in said
    world.run(lambda conn: desk.cancel(conn, incident, world.people["li"]))
    assert "李雪" in why(li, incident)
    assert "按了取消，没有叫人" in why(li, incident)


def test_case_says_how_often_she_cancelled_lately(li: httpx.Client, world: World) -> None:
    for _ in range(3):
        cancelled(world)
    page = li.get(f"/incidents/{world.alert('button-wang')}").text
    assert "近 30 天另有 3 次跌倒报警：取消 3 次" in page
    assert "仍按真跌倒处理" in page


def test_words_of_a_device_are_shown_as_words(li: httpx.Client, world: World) -> None:
    bad = "<script>alert(1)</script>"
    incident = world.alert("watch-he", "vitals", 3, rule="V1", evidence={**V1, bad: bad})
    assert "<script>alert" not in li.get(f"/incidents/{incident}").text


def test_alert_without_evidence_says_its_rule(li: httpx.Client, world: World) -> None:
    assert "静息心率高于本人基线" in why(li, world.alert("watch-he", "vitals", 3, rule="V1"))


def test_false_falls_are_on_the_devices_page(li: httpx.Client, world: World) -> None:
    cancelled(world)
    world.run(turn_of_the_fleet_loop)
    page = li.get("/fleet").text
    panel = page[page.index('id="falls"') : page.index('id="league"')]
    assert "腕表 W2" in panel
    assert "王秀英" in panel
    assert "不报告佩戴" in panel
