"""Simulated people: whom they believe, how they answer, what the operator reads on her page."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from simulator.ledger import Ledger
from simulator.neighbourhood import Responder
from simulator.operator import cases
from simulator.responders import Families, Person, answer_body, genuine
from simulator.scenario import Behaviour, Does

KEY = "a key shared with the hub"
DAUGHTER = Responder(person=10, name="王丽", role="family", channel="webhook", path="/app/10")


def quick(does: Does = Does.GOES, hands_over_to: str = "家属") -> Behaviour:
    return Behaviour(
        does=does, hands_over_to=hands_over_to, answers_after_s=0, leaves_after_s=0, arrives_after_s=0,
        hands_over_after_s=0,
    )  # fmt: skip


def signed(body: bytes, stamp: int, key: str = KEY) -> dict[str, str]:
    digest = hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    proof = {"x-carehub-timestamp": str(stamp), "x-carehub-signature": f"v1={digest}"}
    return {**proof, "idempotency-key": "7.0.0.10.webhook"}


def page(number: int = 3, purpose: str = "alarm", incident: int = 7) -> dict[str, Any]:
    return {"page": number, "incident": incident, "purpose": purpose, "answer_url": "http://127.0.0.1:1/r/x"}


class Story:
    """One responder and everything she said."""

    def __init__(self, behaviour: Behaviour, refuse: Mapping[str, str] | None = None) -> None:
        self.said: list[tuple[str, dict[str, str]]] = []
        self.ledger = Ledger()
        self.refuse = refuse or {}
        self.person = Person(DAUGHTER, behaviour, self.ledger, self.answer)

    async def answer(self, _page: Mapping[str, Any], verb: str, words: Mapping[str, str]) -> str:
        self.said.append((verb, dict(words)))
        return self.refuse.get(verb, "")

    async def over(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*others, return_exceptions=True)


def test_signed_page_of_now_is_believed() -> None:
    assert genuine(KEY, signed(b"{}", 1_000), b"{}", 1_010) == ""


@pytest.mark.parametrize(
    ("headers", "body", "at", "why"),
    [
        (signed(b"{}", 1_000), b"{ }", 1_000, "signature"),
        (signed(b"{}", 1_000, "another key"), b"{}", 1_000, "signature"),
        (signed(b"{}", 1_000), b"{}", 2_000, "timestamp"),
        ({}, b"{}", 1_000, "timestamp"),
        ({k: v for k, v in signed(b"{}", 1_000).items() if k != "idempotency-key"}, b"{}", 1_000, "idempotency"),
    ],
)
def test_page_that_is_not_the_hubs_is_refused(headers: dict[str, str], body: bytes, at: float, why: str) -> None:
    assert why in genuine(KEY, headers, body, at)


def test_family_app_refuses_forgery_and_says_so_in_the_report() -> None:
    ledger = Ledger()
    families = Families(KEY, ledger)
    families.people["/app/10"] = Person(DAUGHTER, Behaviour(does=Does.SILENT), ledger, families.answer)
    assert families.receive("/app/10", {}, b"{}") == 401
    assert families.receive("/app/11", {}, b"{}") == 404
    assert "not the hub's" in ledger.faults[0]


def test_answer_has_the_same_nonce_in_every_copy() -> None:
    body = answer_body(page(), "handed_over", {"to": "女儿"})
    assert json.loads(body) == {"page": 3, "nonce": "3-handed_over", "verb": "handed_over", "to": "女儿"}


def test_daughter_who_goes_arrives_and_hands_over() -> None:
    async def play() -> Story:
        story = Story(quick(hands_over_to="120"))
        story.person.called(page())
        await story.over()
        return story

    story = asyncio.run(play())
    assert story.said == [("accept", {}), ("en_route", {}), ("arrived", {}), ("handed_over", {"to": "120"})]
    assert story.ledger.calls[3].answered == ["accept", "en_route", "arrived", "handed_over"]


@pytest.mark.parametrize(("does", "said"), [(Does.CANNOT_GO, ["cannot_go"]), (Does.SILENT, [])])
def test_others_say_no_or_nothing(does: Does, said: list[str]) -> None:
    async def play() -> Story:
        story = Story(quick(does))
        story.person.called(page())
        await story.over()
        return story

    assert [verb for verb, _ in asyncio.run(play()).said] == said


def test_refused_answer_ends_the_errand() -> None:
    async def play() -> Story:
        story = Story(quick(), refuse={"accept": "409 somebody was quicker"})
        story.person.called(page())
        await story.over()
        return story

    story = asyncio.run(play())
    assert [verb for verb, _ in story.said] == ["accept"]
    assert story.ledger.calls[3].refused == ["accept 409 somebody was quicker"]


def test_case_that_rings_again_is_played_once_and_a_copy_is_counted() -> None:
    async def play() -> Story:
        story = Story(quick(Does.CANNOT_GO))
        for number in (3, 3, 4):
            story.person.called(page(number))
        await story.over()
        return story

    story = asyncio.run(play())
    assert [verb for verb, _ in story.said] == ["cannot_go"]
    assert story.ledger.calls[3].copies == 2
    assert story.ledger.calls[4].copies == 1


def test_stand_down_reaches_whoever_has_not_answered_yet() -> None:
    async def play() -> Story:
        story = Story(Behaviour(answers_after_s=60.0))
        story.person.called(page())
        await asyncio.sleep(0)
        story.person.called(page(5, purpose="stand_down"))
        await story.over()
        return story

    assert asyncio.run(play()).said == []


def test_page_that_is_none_is_a_fault_not_a_crash() -> None:
    story = Story(Behaviour())
    story.person.called({"page": "x"})
    assert "a page that is none" in story.ledger.faults[0]


QUEUE = """
<p class="notice" data-pages="31">…</p>
<ol class="rows"><li>
 <a class="row sev-1 is-ringing" id="row-7" href="/incidents/7" data-incident="7" data-pages="3 4">
  <span class="row-who"><strong>王 &amp; 秀兰</strong><span>82 岁</span></span>
  <span class="row-what">呼救 + 跌倒</span>
  <span class="row-state"><span class="state state-en_route">在路上</span><span>→ 家属 王丽</span></span></a></li><li>
 <a class="row sev-5" id="row-9" href="/incidents/9" data-incident="9" data-pages="">
  <span class="row-who"><strong>未登记设备</strong></span><span class="row-what">设备失联</span>
  <span class="row-state"><span class="state state-open">无人接警</span></span></a></li></ol>
"""


def test_operator_reads_the_queue_as_a_browser_shows_it() -> None:
    urgent, technical = cases(QUEUE)
    assert (urgent.incident, urgent.state, urgent.resident, urgent.kind) == (7, "en_route", "王 & 秀兰", "fall")
    assert urgent.pages == (3, 4)
    assert urgent.responder
    assert (technical.incident, technical.state, technical.kind) == (9, "open", "other")
    assert technical.pages == ()
    assert not technical.responder
    assert not urgent.handled
    (hers,) = cases(QUEUE.replace("在路上</span>", "在路上</span><span>坐席 李雪</span>").split("</li>")[0])
    assert hers.handled


def test_fault_that_repeats_is_said_once() -> None:
    ledger = Ledger()
    for _ in range(5):
        ledger.fault("console is away")
    assert len(ledger.faults) == 1
