"""The outside heartbeat: it beats while all is well, and stays away when anything is wrong."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hub.loops.findings import Finding, Loud, Standing
from hub.loops.outside import Outside
from hub.watch_settings import AuditSettings
from tests.acceptance.watched import Elsewhere
from tests.integration.loops.waiting import running, until

pytestmark = pytest.mark.anyio
LATE = Standing(finding=Finding(rule="timer_late", subject="incident:1"), lasts_s=3.0)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    there = Elsewhere()
    yield there
    there.close()


def settings(url: str, fail: str = "") -> AuditSettings:
    return AuditSettings(heartbeat_url=url, heartbeat_every_s=0.05, heartbeat_fail=fail)


async def test_heartbeat_beats_while_all_is_well_and_stops_when_it_is_not(elsewhere: Elsewhere) -> None:
    wrong: list[Standing] = []
    outside = Outside(settings=settings(elsewhere.url, "/fail"), wrong=lambda: wrong, passed=lambda: True)
    async with running(outside):
        await until(lambda: elsewhere.beats() >= 3)
        wrong.append(LATE)
        await until(lambda: elsewhere.failed() == 1)
        beats = elsewhere.beats()
        await asyncio.sleep(0.3)  # silence is the thing to be shown
        assert (elsewhere.beats(), elsewhere.failed()) == (beats, 1)
        assert outside.says() == "stopped"
        wrong.clear()
        await until(lambda: elsewhere.beats() > beats)


async def test_heartbeat_waits_for_the_first_look(elsewhere: Elsewhere) -> None:
    passed = False
    outside = Outside(settings=settings(elsewhere.url), wrong=list, passed=lambda: passed)
    async with running(outside):
        await asyncio.sleep(0.2)
        assert elsewhere.beats() == 0
        passed = True
        await until(elsewhere.beats)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/secret-path", "not an address"])
async def test_heartbeat_that_is_not_answered_is_a_finding_without_its_secret(url: str) -> None:
    outside = Outside(settings=settings(url), wrong=list, passed=lambda: True)
    async with running(outside):
        await until(outside.findings)
    [finding] = outside.findings()
    assert (finding.rule, finding.loud) == ("heartbeat_failed", Loud.BANNER)
    assert "secret-path" not in finding.detail
    assert "secret-path" not in repr(outside)


def test_acknowledged_fault_is_silent_for_a_while_and_a_broken_chain_for_good() -> None:
    late = replace(LATE, acknowledged_s=300.0)
    assert not late.stands(600.0)
    assert late.stands(299.0)
    chain = Standing(finding=Finding(rule="broken_chain", subject="incident:1"), lasts_s=1.0)
    assert chain.stands(0.0)
    assert not replace(chain, acknowledged_s=9_999.0).stands(0.0)


def test_rule_nobody_wrote_into_the_table_is_loud() -> None:
    assert Finding(rule="something_new", subject="x").loud is Loud.SIREN
