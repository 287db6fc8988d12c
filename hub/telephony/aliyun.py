"""Aliyun's voice service: ClickToDial, CancelCall, QueryCallDetailByCallId (2017-05-25), signature ACS3-HMAC-SHA256.

It rings the operator's mobile or landline, then the other; both see the bought number. Reports (VoiceCallReport while
it lasts, VoiceReport at its end, VoiceRecordReport) come by HTTP push without a signature: the path is secret, and
OutId is a number of ours that nobody but the provider was told. It pushes again after 1, 5 and 10 minutes.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import httpx
import msgspec

from hub.channels import references
from hub.channels.providers import asking as providers
from hub.channels.providers.aliyun import LATER, LIMITED, VOICE_VERSION, signed
from hub.telephony import asking
from hub.telephony.line import Line
from hub.telephony.states import State
from hub.telephony.telephone import Asked, Order, Report, ReportError

URL = "https://dyvmsapi.aliyuncs.com"
PRODUCT = "11000000300004"  # click to dial, for QueryCallDetailByCallId
ITS_TIME = timezone(timedelta(hours=8))
TRIES = 2  # only while it was certainly not heard: a repeated order would be a second call
UNDER_WAY = {"200101": State.RINGING_DESK, "200102": State.RINGING, "200103": State.ANSWERED}
WELL = frozenset({"200100", "200000", "200001", "200103"})
WHY = {
    "200002": "desk_busy", "200003": "desk_no_answer", "200004": "bad_number", "200005": "unreachable",
    "200007": "desk_no_answer", "200010": "off", "200011": "off", "200104": "limited", "200105": "limited",
    "200111": "rejected", "200112": "busy", "200113": "no_answer", "200116": "bad_number", "200118": "limited",
    "200119": "limited", "200120": "unreachable", "200121": "limited", "482": "unreachable",
}  # fmt: skip
SECONDS_MOST = 86_400


class Aliyun:
    name = "aliyun"
    patience_s = 240.0  # its own records are behind by minutes

    def __init__(self, line: Line, http: httpx.AsyncClient) -> None:
        self._settings, self._http = line.settings, http
        self._id, self._secret = line.aliyun_id, line.aliyun_secret
        self._path = references.path(line.callback_key, "telephone", self.name)
        self._url = line.settings.url or URL

    async def originate(self, order: Order) -> Asked:
        if not (self._id and self._secret):
            return Asked(why="refused", detail="no keys: set CAREHUB_SECRETS_ALIYUN_KEY_ID, _SECRET")
        s = self._settings
        params = {
            "CallerShowNumber": s.show_number, "CallerNumber": _plain(order.desk), "CalledShowNumber": s.show_number,
            "CalledNumber": _plain(order.number), "RecordFlag": "true" if s.record else "false",
            "SessionTimeout": str(s.longest_min * 60), "OutId": order.ours,
        }  # fmt: skip
        heard = asking.Heard(sent=False)
        for _ in range(TRIES):
            heard = await self._ask("ClickToDial", params, order.now)
            if heard.sent:
                break
        code = heard.body.get("Code")
        if code == "OK" and heard.body.get("CallId"):
            return Asked(reference=str(heard.body["CallId"])[:100])
        if isinstance(code, str):
            why = "limited" if code.startswith(LIMITED) else "provider" if code.startswith(LATER) else "refused"
            return Asked(why=why, detail=providers.code_of(code))
        return Asked(why="" if heard.sent else "provider", detail=f"HTTP {heard.status}")

    async def hang_up(self, reference: str, now: datetime) -> bool:
        heard = await self._ask("CancelCall", {"CallId": reference}, now)
        return heard.body.get("Code") == "OK" and heard.body.get("Status") is True

    async def look(self, reference: str, ours: str, asked_at: datetime, now: datetime) -> Report | None:
        if not reference:
            return None  # it is asked by its own number only
        about = {"CallId": reference, "ProdId": PRODUCT, "QueryDate": str(int(asked_at.timestamp() * 1000))}
        heard = await self._ask("QueryCallDetailByCallId", about, now)
        try:
            row = msgspec.json.decode(str(heard.body.get("Data") or ""), type=dict[str, object])
        except (ValueError, RecursionError):
            return None
        if not row.get("endDate") and str(row.get("state", "")) not in WHY:
            return None  # not over, or not written yet
        return _ended(reference, str(row.get("state", "")), _seconds(row.get("duration")), _at(row.get("endDate")))

    def read(self, body: bytes, headers: Mapping[str, str], path: str, now: datetime) -> list[Report]:
        secret = path.rpartition("/")[2]
        if not self._path or not hmac.compare_digest(secret.encode(), self._path.encode()):
            raise ReportError("not the path that the provider was told")
        try:
            return [_report(row) for row in providers.rows(body)]
        except providers.ReportError as no:
            raise ReportError(str(no)) from None

    async def _ask(self, action: str, params: Mapping[str, str], now: datetime) -> asking.Heard:
        address, headers = signed(self._url, action, VOICE_VERSION, params, now, (self._id, self._secret))
        request = self._http.build_request("POST", address, headers=headers)
        return await asking.ask(self._http, request, self._settings.timeout_s)


def _report(row: Mapping[str, object]) -> Report:
    reference, ours = providers.text_of(row, "call_id")[:100], providers.text_of(row, "out_id")[:40]
    code = providers.text_of(row, "status_code")
    nonce = hashlib.sha256(msgspec.json.encode(row, order="sorted")).hexdigest()[:40]
    if file := str(row.get("record_file") or "")[:1000]:
        return Report(state=None, reference=reference, ours=ours, nonce=nonce, recording=file)
    if "duration" not in row and "end_time" not in row and code in UNDER_WAY:
        at = _at(row.get("status_time"))
        return Report(state=UNDER_WAY[code], reference=reference, ours=ours, nonce=nonce, at=at)
    # Of the leg to whom was called, where it tells the legs apart.
    seconds = _seconds(row.get("b_duration")) or _seconds(row.get("duration"))
    return replace(_ended(reference, code, seconds, _at(row.get("end_time"))), ours=ours, nonce=nonce)


def _ended(reference: str, code: str, seconds: int | None, at: datetime | None) -> Report:
    """Whoever spoke was answered, whatever the code says of how it ended."""
    if seconds or code in WELL:
        return Report(state=State.ENDED, reference=reference, seconds=seconds, at=at)
    return Report(state=State.FAILED, reference=reference, why=WHY.get(code, "provider"), at=at)


def _seconds(value: object) -> int | None:
    text = str(value)
    return min(int(text), SECONDS_MOST) if text.isascii() and text.isdecimal() and len(text) < 9 else None


def _at(value: object) -> datetime | None:
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=ITS_TIME)
    except ValueError:
        return None


def _plain(number: str) -> str:
    return number.removeprefix("+86").removeprefix("+")
