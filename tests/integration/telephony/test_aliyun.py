"""Aliyun's ClickToDial, held against its public specification: a server that checks what Aliyun checks."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from hub.channels import references
from hub.telephone_settings import TelephoneSettings
from hub.telephony import Line
from hub.telephony.aliyun import Aliyun
from hub.telephony.states import State
from hub.telephony.telephone import Asked, Order, Report, ReportError
from tests.integration.channels.providers import aliyun as imitation
from tests.integration.channels.providers.serving import MOMENT, Reply, Request, serving

CALLBACK_KEY = "a key that only these tests have"
ORDER = Order(ours="ours-of-15-char", desk="+8613900000008", number="+869510000001", now=MOMENT)
PATH = f"/telephony/aliyun/{references.path(CALLBACK_KEY, 'telephone', 'aliyun')}"
ACTIONS = {
    "ClickToDial": {"CallerShowNumber", "CallerNumber", "CalledShowNumber", "CalledNumber", "RecordFlag",
                    "SessionTimeout", "OutId"},
    "CancelCall": {"CallId"}, "QueryCallDetailByCallId": {"CallId", "ProdId", "QueryDate"},
}  # fmt: skip


@dataclass(kw_only=True)
class Voice(imitation.Aliyun):
    """Signature, clock and nonce as there; the three actions of a call between two numbers."""

    detail: str = ""

    def answer(self, request: Request) -> Reply | None:
        if wrong := self._signed(request):
            self.faults.append(wrong)
            return Reply(code=400, body=json.dumps({"Code": wrong}).encode())
        action = request.headers["x-acs-action"]
        params = dict(pair.split("=", 1) for pair in request.target.partition("?")[2].split("&"))
        self.fault(ACTIONS[action] != set(params), f"{action} with {sorted(params)}")
        told = self.told()
        if isinstance(told, str):
            return Reply(body=json.dumps({"Code": told, "Message": "…"}).encode())
        self.heard.append({"action": action, **params})
        more: dict[str, dict[str, Any]] = {
            "ClickToDial": {"CallId": "116^1028"}, "CancelCall": {"Status": True},
            "QueryCallDetailByCallId": {"Data": self.detail},
        }  # fmt: skip
        return Reply(body=json.dumps({"Code": "OK", "RequestId": "R", **more[action]}).encode())


@pytest.fixture
def voice() -> Iterator[Voice]:
    voice = Voice()
    with serving(voice):
        yield voice


def line_to(url: str) -> Line:
    settings = TelephoneSettings(provider="aliyun", url=url, show_number=imitation.SHOW_NUMBER, record=True)
    return Line(
        settings=settings, callback_key=CALLBACK_KEY, aliyun_id=imitation.KEY_ID, aliyun_secret=imitation.KEY_SECRET
    )


def through(voice: Voice, what: str, *given: Any) -> Any:
    async def asked() -> Any:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await getattr(Aliyun(line_to(voice.url), http), what)(*given)

    return asyncio.run(asked())


def read(*rows: dict[str, Any]) -> list[Report]:
    async def inside() -> list[Report]:
        async with httpx.AsyncClient() as http:
            return Aliyun(line_to("http://127.0.0.1:9"), http).read(json.dumps(rows).encode(), {}, PATH, MOMENT)

    return asyncio.run(inside())


def test_two_numbers_are_connected_as_the_specification_says(voice: Voice) -> None:
    assert through(voice, "originate", ORDER) == Asked(reference="116^1028")
    assert voice.faults == []
    heard = voice.heard[0]
    assert (heard["CallerNumber"], heard["CalledNumber"]) == ("13900000008", "9510000001")
    assert (heard["OutId"], heard["RecordFlag"], heard["SessionTimeout"]) == ("ours-of-15-char", "true", "3600")


@pytest.mark.parametrize(
    ("code", "why"),
    [("isv.BUSINESS_LIMIT_CONTROL", "limited"), ("isp.SYSTEM_ERROR", "provider"), ("isv.NUMBER_ILLEGAL", "refused")],
)
def test_its_refusal_is_told_and_not_tried_again(voice: Voice, code: str, why: str) -> None:
    voice.next = [code]
    assert through(voice, "originate", ORDER) == Asked(why=why, detail=code)
    assert voice.next == []


def test_nobody_there_is_a_fault_of_the_provider_and_no_call(voice: Voice) -> None:
    async def asked() -> Asked:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await Aliyun(line_to("http://127.0.0.1:9"), http).originate(ORDER)

    assert asyncio.run(asked()).why == "provider"


def test_call_is_cancelled_by_its_number(voice: Voice) -> None:
    assert through(voice, "hang_up", "116^1028", MOMENT) is True
    assert voice.heard == [{"action": "CancelCall", "CallId": "116%5E1028"}]


def test_how_a_call_ended_can_be_asked(voice: Voice) -> None:
    voice.detail = json.dumps({"state": "200100", "duration": 33, "endDate": "2026-11-21 12:01:00"})
    found = through(voice, "look", "116^1028", "ours", MOMENT, MOMENT)
    assert (found.state, found.seconds) == (State.ENDED, 33)
    assert found.at == datetime(2026, 11, 21, 4, 1, tzinfo=UTC)
    voice.detail = json.dumps({"state": "", "duration": 0, "endDate": ""})
    assert through(voice, "look", "116^1028", "ours", MOMENT, MOMENT) is None


@pytest.mark.parametrize(
    ("row", "state", "why"),
    [
        ({"status_code": "200101", "status_time": "2026-11-21 12:00:00"}, State.RINGING_DESK, ""),
        ({"status_code": "200102"}, State.RINGING, ""),
        ({"status_code": "200103"}, State.ANSWERED, ""),
        ({"status_code": "200100", "duration": "20", "end_time": "2026-11-21 12:00:30"}, State.ENDED, ""),
        ({"status_code": "200003", "duration": "0", "end_time": ""}, State.FAILED, "desk_no_answer"),
        ({"status_code": "200112", "duration": "0"}, State.FAILED, "busy"),
        ({"status_code": "200113", "duration": "0"}, State.FAILED, "no_answer"),
        ({"status_code": "999999", "duration": "0"}, State.FAILED, "provider"),
        ({"record_file": "http://aliyuncs.com/r.wav", "status_code": "200100"}, None, ""),
    ],
)
def test_its_reports_are_read(row: dict[str, Any], state: State | None, why: str) -> None:
    (report,) = read({"call_id": "116^1028", "out_id": "ours", **row})
    assert (report.state, report.why, report.ours, report.reference) == (state, why, "ours", "116^1028")


def test_same_push_again_has_the_same_nonce_and_another_has_not() -> None:
    row = {"call_id": "116^1028", "out_id": "ours", "status_code": "200103"}
    one, again, other = read(row, row, {**row, "status_code": "200102"})
    assert one.nonce == again.nonce != other.nonce


def test_wrong_path_and_what_is_no_list_are_refused() -> None:
    async def inside(path: str, body: bytes) -> None:
        async with httpx.AsyncClient() as http:
            Aliyun(line_to("http://127.0.0.1:9"), http).read(body, {}, path, MOMENT)

    for path, body in (("/telephony/aliyun/x", b"[]"), (PATH, b"{}"), (PATH, b"\xff")):
        with pytest.raises(ReportError):
            asyncio.run(inside(path, body))
