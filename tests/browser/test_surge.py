"""A wave of calls in a real browser: one stroke of the bell, the queue by house, a house taken at once."""

from tests.browser.conftest import Desk
from tests.integration.web.world import World, eventually

HOUSE = "和平里 9 号楼"


def flat(world: World, number: int, kind: str = "sos", severity: int = 1) -> int:
    short = f"r{number}"
    world.resident(short, f"长者{number}", address=f"{HOUSE} {number} 单元 101")
    world.device(f"watch-{short}", short)
    return world.alert(f"watch-{short}", kind, severity)


def declare(world: World) -> None:
    world.sql(
        "insert into surge (area, reason, declared_by, began_at, ends_at)"
        " values ('', '地震', %(p)s, hub_now(), hub_now() + interval '1 hour')", p=world.people["ma"],
    )  # fmt: skip


def taken(world: World, cases: list[int]) -> bool:
    rows = world.sql("select count(*) from incident where state = 'taken' and id = any(%(c)s)", c=cases)
    return bool(rows[0][0] == len(cases))


def test_house_is_taken_with_one_press(desk: Desk, world: World) -> None:
    declare(world)
    cases = [flat(world, n) for n in range(1, 7)]
    alone = world.alert("button-liu")
    page = desk.sign_in().page
    page.wait_for_selector(".surge >> text=地震")
    page.wait_for_selector(f".place:has-text('{HOUSE}') >> text=6 起无人接")
    page.click(f".place:has-text('{HOUSE}') >> text=全部接警")
    page.wait_for_selector(".batch >> text=6 起已办")
    assert taken(world, cases)
    assert world.sql("select state from incident where id = %(i)s", i=alone) == [("open",)]
    assert world.sql("select count(*) from incident_event where what = 'taken'") == [(6,)]
    page.wait_for_selector(f".place:has-text('{HOUSE}') >> text=6 起无人接", state="detached")
    assert desk.complaints == []


def test_queue_of_many_scrolls_by_itself_and_stays_at_what_is_most_urgent(desk: Desk, world: World) -> None:
    declare(world)
    cases = [flat(world, n) for n in range(1, 13)]
    page = desk.sign_in().page
    page.wait_for_selector(f"#row-{cases[-1]}")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "the head stays, and the case with it"
    assert page.evaluate("(q => q.scrollHeight > q.clientHeight)(document.getElementById('queue'))")
    page.click(f".place:has-text('{HOUSE}') >> text=全部接警")
    page.wait_for_selector(".batch >> text=12 起已办")
    page.wait_for_selector(".place h3 strong", state="detached")
    assert page.evaluate("document.getElementById('queue').scrollTop") == 0


def test_guard_is_sent_to_a_house_and_the_reason_is_written_into_each_case(desk: Desk, world: World) -> None:
    declare(world)
    cases = [flat(world, n) for n in range(1, 4)]
    page = desk.sign_in().page
    page.click(f".place:has-text('{HOUSE}') >> text=批量")
    page.click("#sheet >> text=赵保安")
    page.click("#sheet >> text=派往全部 3 起")
    page.wait_for_selector("#sheet .batch >> text=3 起已办")
    page.fill("#sheet [name=text]", "电梯停运")
    page.click("#sheet >> text=写入全部 3 起")
    eventually(lambda: world.sql("select count(*) from note where text = '电梯停运'") == [(3,)])
    states = world.sql("select distinct state from incident where id = any(%(c)s)", c=cases)
    assert states == [("dispatched",)]
    assert desk.complaints == []


def test_many_calls_at_once_are_one_stroke_and_a_critical_one_rings_on(desk: Desk, world: World) -> None:
    desk.sign_in()
    desk.page.wait_for_selector(".quiet-box")
    cases = [flat(world, n, "vitals", 2) for n in range(1, 11)]
    desk.page.wait_for_selector(f"#row-{cases[-1]}")
    assert 1 <= len(desk.rings()) <= len(cases)
    flat(world, 99)
    desk.until("window.rings.filter(r => r.severity === 1).length >= 2")


def test_one_key_opens_what_to_read_out_and_it_is_written_down(desk: Desk, world: World) -> None:
    incident = world.alert("watch-wang", "smoke")
    page = desk.sign_in().page
    page.goto(f"/incidents/{incident}")
    page.wait_for_selector("#pulse[data-state=live]")
    page.keyboard.press("2")
    page.wait_for_selector("#sheet .script >> text=和平里 3 号楼 2 单元 501")
    page.fill("#sheet [name=reference]", "77")
    page.keyboard.press("Enter")
    page.wait_for_selector(".case-head .joined >> text=119 已接通")
    page.wait_for_selector(".line-note >> text=119 #77")
    assert world.sql("select services from incident where id = %(i)s", i=incident) == [(["119"],)]
    assert desk.complaints == []
