"""Reports come twice, late, out of order, forged, or never: none of them tells the case anything wrong."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from hub.store.pool import open_pool
from hub.telephony import Line, open_telephone
from hub.telephony.reconcile import Reconciler
from tests.integration.telephony.desk import call_son, calls, chain_of, told
from tests.integration.telephony.pbx import Pbx
from tests.integration.web.world import World


@pytest.fixture
def case(li: httpx.Client, world: World, pbx: Pbx) -> int:
    """The son is being called."""
    number = world.alert("watch-wang")
    call_son(li, world, number)
    return number


def look(world: World, line: Line, later: timedelta) -> None:
    """What the dispatch process does, when so much time has passed without a word."""
    world.sql("update telephone_call set look_at = look_at - %(t)s, asked_at = asked_at - %(t)s,"
              " answered_at = answered_at - %(t)s where look_at is not null", t=later)  # fmt: skip

    async def once() -> None:
        async with open_pool(world.dsn, name="test") as pool, httpx.AsyncClient(trust_env=False) as http:
            await Reconciler(pool=pool, telephone=open_telephone(line, http), longest=timedelta(hours=1)).once()

    asyncio.run(once())


def test_same_report_again_changes_nothing(world: World, pbx: Pbx, case: int) -> None:
    for _ in range(3):
        assert pbx.say("answered", nonce="the-same-nonce-each-time").status_code == 200
    assert pbx.say("answered").json()["became"] == ["late"]  # told again under another nonce
    assert chain_of(world, case) == ["call_started", "call_answered"]


def test_reports_in_the_wrong_order_end_where_they_would_have_ended(world: World, pbx: Pbx, case: int) -> None:
    for event in ("ended", "ringing", "answered", "ringing_desk"):
        pbx.say(event, **({"seconds": 12} if event == "ended" else {}))
    assert calls(world)[0]["state"] == "ended"
    assert chain_of(world, case) == ["call_started", "call_ended"]
    assert world.sql("select answered_at is not null, ringing_at is not null from telephone_call") == [(True, True)]


def test_first_end_counts(world: World, pbx: Pbx, case: int) -> None:
    pbx.say("failed", why="busy")
    pbx.say("ended", seconds=3)
    assert (calls(world)[0]["state"], calls(world)[0]["why"]) == ("failed", "busy")
    assert told(world, case)[-1][1]["failed"] == "busy"


def test_forged_report_is_refused_and_told_nobody(world: World, pbx: Pbx, case: int) -> None:
    assert pbx.say("answered", key="another key that is long enough").status_code == 403
    assert pbx.say("answered", late_s=301).status_code == 403
    assert pbx.say("answered", late_s=-301).status_code == 403
    assert pbx.say("answered", nonce="short").status_code == 403
    assert chain_of(world, case) == ["call_started"]


def test_report_that_is_none_is_refused(pbx: Pbx, case: int) -> None:
    assert pbx.say("exploded").status_code == 403
    assert pbx.say("answered", reference="", call="").status_code == 403
    assert pbx.say("answered", reference="of nobody", call="of nobody").json()["became"] == ["unknown"]


def test_other_providers_and_secrets_lead_nowhere(pbx: Pbx, case: int) -> None:
    for path in ("/telephony/aliyun/x", "/telephony/nobody/x"):
        assert httpx.post(f"{pbx.hub}{path}", content=b"[]", trust_env=False).status_code == 404


def test_lost_reports_are_asked_for(world: World, pbx: Pbx, line: Line, case: int) -> None:
    pbx.standing[pbx.order["reference"]] = {
        "event": "ended", "reference": pbx.order["reference"], "call": pbx.order["call"], "seconds": 77,
    }  # fmt: skip
    look(world, line, timedelta(seconds=30))
    assert (calls(world)[0]["state"], calls(world)[0]["seconds"]) == ("ended", 77)
    assert chain_of(world, case) == ["call_started", "call_ended"]


def test_call_that_the_provider_knows_nothing_of_is_waited_for_and_then_unknown(
    world: World, pbx: Pbx, line: Line, case: int
) -> None:  # fmt: skip
    look(world, line, timedelta(seconds=30))
    assert calls(world)[0]["state"] == "asked"
    look(world, line, timedelta(minutes=6))
    assert calls(world)[0]["state"] == "lost"
    look(world, line, timedelta(hours=1))
    assert chain_of(world, case) == ["call_started", "call_lost"]


def test_unknown_call_is_known_again_when_its_report_comes_after_all(
    world: World, pbx: Pbx, line: Line, case: int
) -> None:  # fmt: skip
    look(world, line, timedelta(minutes=6))
    pbx.say("ended", seconds=200)
    assert calls(world)[0]["state"] == "ended"
    assert chain_of(world, case) == ["call_started", "call_lost", "call_ended"]


def test_nobody_is_asked_about_a_call_that_is_over(world: World, pbx: Pbx, line: Line, case: int) -> None:
    pbx.say("ended", seconds=1)
    before = list(pbx.asked)
    look(world, line, timedelta(hours=1))
    assert pbx.asked == before
