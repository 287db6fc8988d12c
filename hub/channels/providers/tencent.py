"""Tencent Cloud: SendSms, and SendTtsVoice of the voice service, both under signature TC3-HMAC-SHA256.

A voice template asks for the key itself ("press 1 if you go"). Callbacks carry neither a signature nor our reference,
only the provider's number of the message or call: the path is secret, and the number must be one that we were given.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hub.channels.channel import Means
from hub.channels.providers import asking
from hub.channels.providers.asking import Asked, Heard, Order, Report, ReportError

SMS_VERSION, VOICE_VERSION = "2021-01-11", "2020-09-02"
PLAY_TIMES = 3
JSON = "application/json; charset=utf-8"
LIMITED = ("LimitExceeded", "RequestLimitExceeded")
LATER = ("InternalError", "FailedOperation.JsonParseFail", "ResourceUnavailable")
OF_THE_NUMBER = frozenset({
    "InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist",
    "InvalidParameterValue.CalledNumberVerifyFail", "UnsupportedOperation.PhoneNumberInBlacklist",
})  # fmt: skip


class Tencent:
    def __init__(self, means: Means) -> None:
        self._http = means.http
        self._settings = means.tencent
        self._id, self._key = means.secrets.tencent_id, means.secrets.tencent_key
        self._timeout_s = means.channels.provider_timeout_s

    async def sms(self, order: Order) -> Asked:
        s = self._settings
        template = getattr(s, f"sms_{order.purpose}")
        if not (self._id and self._key and s.sms_app and s.sign_name and template):
            return asking.refused(f"tencent is not set up: its keys, tencent.sms_app, .sign_name, .sms_{order.purpose}")
        body = {
            "PhoneNumberSet": [order.number], "SmsSdkAppId": s.sms_app, "SignName": s.sign_name, "TemplateId": template,
            "TemplateParamSet": list(order.words.values()), "SessionContext": order.reference,
        }  # fmt: skip
        answer, otherwise = await self._ask(s.sms_url, "sms", "SendSms", SMS_VERSION, body, order.now)
        status = answer.get("SendStatusSet")
        if isinstance(status, list) and status and isinstance(status[0], dict):
            return _sms_read(status[0])
        return _failed(answer) or otherwise

    async def voice(self, order: Order) -> Asked:
        s = self._settings
        if not (self._id and self._key and s.voice_app and s.voice_alarm):
            return asking.refused("tencent is not set up: its keys, tencent.voice_app, tencent.voice_alarm")
        body = {
            "TemplateId": s.voice_alarm, "CalledNumber": order.number, "VoiceSdkAppid": s.voice_app,
            "TemplateParamSet": list(order.words.values()), "PlayTimes": PLAY_TIMES, "SessionContext": order.reference,
        }  # fmt: skip
        answer, otherwise = await self._ask(s.voice_url, "vms", "SendTtsVoice", VOICE_VERSION, body, order.now)
        status = answer.get("SendStatus")
        if isinstance(status, dict) and status.get("CallId"):
            return asking.sent(str(status["CallId"])[:100])
        return _failed(answer) or otherwise

    async def _ask(  # noqa: PLR0917 - the parts of one request
        self, url: str, service: str, action: str, version: str, content: Mapping[str, object], now: datetime
    ) -> tuple[dict[str, Any], Asked]:
        body, host = msgspec.json.encode(content), urlsplit(url).netloc
        stamp = int(now.timestamp())
        headers = {
            "Host": host, "Content-Type": JSON, "X-TC-Action": action, "X-TC-Version": version,
            "X-TC-Timestamp": str(stamp), "X-TC-Region": self._settings.region,
            "Authorization": authorization(self._id, self._key, service, host, action, stamp, body),
        }  # fmt: skip
        request = self._http.build_request("POST", url, headers=headers, content=body)
        answer, otherwise = await asking.ask(self._http, request, self._timeout_s)
        found = answer.get("Response")
        return (found, otherwise) if isinstance(found, dict) else ({}, otherwise)

    @staticmethod
    def sms_reports(body: bytes) -> list[Report]:
        """Read a callback of delivery states."""
        return [
            Report(
                ref=asking.text_of(row, "sid"),
                heard=Heard.DELIVERED if row.get("report_status") == "SUCCESS" else Heard.MISSED,
                detail=asking.code_of(row.get("errmsg")),
            )
            for row in asking.rows(body)
        ]  # fmt: skip

    @staticmethod
    def voice_reports(body: bytes) -> list[Report]:
        """Read one voice callback: the state of the call, a key, or why it failed."""
        try:
            found = msgspec.json.decode(body, type=dict[str, Any])
        except (ValueError, RecursionError):  # no JSON, no UTF-8, thousands of brackets
            raise ReportError("no voice callback") from None
        for name, heard in (
            ("voicekey_callback", Heard.KEY), ("voiceprompt_callback", None), ("voice_failure_callback", Heard.MISSED),
        ):  # fmt: skip
            row = found.get(name)
            if isinstance(row, dict):
                return [_voice_report(row, heard)]
        raise ReportError("no voice callback")


def _voice_report(row: Mapping[str, Any], heard: Heard | None) -> Report:
    result = asking.text_of(row, "result")  # 0: answered, 1: not answered, 2: the call failed
    detail = asking.text_of(row, "failure_code") or result
    return Report(
        ref=asking.text_of(row, "callid"), key=asking.text_of(row, "keypress")[-1:], detail=asking.code_of(detail),
        heard=heard or (Heard.DELIVERED if result == "0" else Heard.MISSED),
    )  # fmt: skip


def _sms_read(status: Mapping[str, Any]) -> Asked:
    code = str(status.get("Code", ""))
    return asking.sent(str(status.get("SerialNo", ""))[:100]) if code == "Ok" else _meaning(code)


def _failed(answer: Mapping[str, Any]) -> Asked | None:
    error = answer.get("Error")
    return _meaning(str(error.get("Code", ""))) if isinstance(error, dict) else None


def _meaning(code: str) -> Asked:
    why = asking.code_of(code)
    if code.startswith(LIMITED):
        return asking.missed(why, not_before_s=asking.LIMITED_S)
    if code.startswith(LATER):
        return asking.missed(why)
    return asking.refused(why, elsewhere=code not in OF_THE_NUMBER)


def authorization(  # noqa: PLR0917 - in the order in which they are signed
    key_id: str, key: str, service: str, host: str, action: str, stamp: int, body: bytes
) -> str:
    """Return the header that proves who asks."""
    day = datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    lines = f"content-type:{JSON}\nhost:{host}\nx-tc-action:{action.lower()}\n"
    signed = "content-type;host;x-tc-action"
    request = "\n".join(["POST", "/", "", lines, signed, hashlib.sha256(body).hexdigest()])
    text = "\n".join(["TC3-HMAC-SHA256", str(stamp), scope, hashlib.sha256(request.encode()).hexdigest()])
    derived = f"TC3{key}".encode()
    for part in (day, service, "tc3_request", text):
        derived = hmac.digest(derived, part.encode(), hashlib.sha256)
    return f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed}, Signature={derived.hex()}"
