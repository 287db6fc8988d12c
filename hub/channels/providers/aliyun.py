"""Aliyun: SendSms of the SMS service, IvrCall of the voice service, both under signature ACS3-HMAC-SHA256.

IvrCall and not SingleCallByTts: only an interactive call brings the pressed key back. It needs a bought number, a
text-to-speech template for the alarm and one for each answer. Reports come by HTTP push and carry no signature: the
path is secret, and `out_id` is ours. Aliyun pushes again after 1, 5 and 10 minutes what was not answered with 200.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import msgspec

from hub.channels.channel import Means
from hub.channels.providers import asking
from hub.channels.providers.asking import Asked, Heard, Order, Report

SMS_VERSION = VOICE_VERSION = "2017-05-25"
KEY_TIMEOUT_MS = 8_000
PLAY_TIMES = 3
LIMITED = ("isv.BUSINESS_LIMIT_CONTROL", "isv.BUSINESS_LIMIT", "Throttling")
OF_THE_NUMBER = frozenset({
    "isv.MOBILE_NUMBER_ILLEGAL", "isv.MOBILE_COUNT_OVER_LIMIT", "isv.BLACK_KEY_CONTROL_LIMIT",
})  # fmt: skip
LATER = ("isp.", "ServiceUnavailable", "InternalError", "isv.SYSTEM_ERROR")
ANSWERED = frozenset({"200000", "200001", "200008"})  # heard to the end; hung up while it spoke; no key in time
KEY_PRESSED = "300000"
RINGING = frozenset({"200101", "200102", "200103"})


class Aliyun:
    def __init__(self, means: Means) -> None:
        self._http = means.http
        self._settings = means.aliyun
        self._id, self._secret = means.secrets.aliyun_key_id, means.secrets.aliyun_key_secret
        self._timeout_s = means.channels.provider_timeout_s

    async def sms(self, order: Order) -> Asked:
        template = getattr(self._settings, f"sms_{order.purpose}")
        if not (self._id and self._secret and template and self._settings.sign_name):
            return asking.refused(f"aliyun is not set up: its keys, aliyun.sign_name, aliyun.sms_{order.purpose}")
        params = {
            "PhoneNumbers": _number(order.number), "SignName": self._settings.sign_name, "TemplateCode": template,
            "TemplateParam": _json(order.words), "OutId": order.reference,
        }  # fmt: skip
        return await self._ask(self._settings.sms_url, "SendSms", SMS_VERSION, params, order.now, "BizId")

    async def voice(self, order: Order) -> Asked:
        s = self._settings
        if not (
            self._id and self._secret and s.voice_alarm and s.voice_accepted and s.voice_declined and s.voice_number
        ):
            return asking.refused("aliyun is not set up: its keys, aliyun.voice_alarm, _accepted, _declined, _number")
        params = {
            "CalledShowNumber": s.voice_number, "CalledNumber": _number(order.number), "StartCode": s.voice_alarm,
            "StartTtsParams": _json(order.words), "MenuKeyMap.1.Key": "1", "MenuKeyMap.1.Code": s.voice_accepted,
            "MenuKeyMap.2.Key": "2", "MenuKeyMap.2.Code": s.voice_declined, "PlayTimes": str(PLAY_TIMES),
            "Timeout": str(KEY_TIMEOUT_MS), "OutId": order.reference,
        }  # fmt: skip
        return await self._ask(s.voice_url, "IvrCall", VOICE_VERSION, params, order.now, "CallId")

    async def _ask(  # noqa: PLR0917 - the parts of one request
        self, url: str, action: str, version: str, params: Mapping[str, str], now: datetime, ref: str
    ) -> Asked:
        address, headers = signed(url, action, version, params, now, (self._id, self._secret))
        request = self._http.build_request("POST", address, headers=headers)
        answer, otherwise = await asking.ask(self._http, request, self._timeout_s)
        return _read(answer, ref) if "Code" in answer else otherwise

    @staticmethod
    def sms_reports(body: bytes) -> list[Report]:
        """Read a push of SmsReport."""
        return [
            Report(
                ref=asking.text_of(row, "biz_id"), reference=asking.text_of(row, "out_id"),
                heard=Heard.DELIVERED if row.get("success") is True else Heard.MISSED,
                detail=asking.code_of(row.get("err_code")),
            )
            for row in asking.rows(body)
        ]  # fmt: skip

    @staticmethod
    def voice_reports(body: bytes) -> list[Report]:
        """Read a push of VoiceReport (the call has ended) or VoiceCallReport (a key, while it lasts)."""
        return [_voice_report(row) for row in asking.rows(body)]


def _voice_report(row: Mapping[str, object]) -> Report:
    code, key = asking.text_of(row, "status_code"), asking.text_of(row, "dtmf")
    heard = (
        Heard.KEY if key and code in ANSWERED | {KEY_PRESSED}
        else Heard.DELIVERED if code in ANSWERED
        else Heard.UNDER_WAY if code in RINGING | {KEY_PRESSED}
        else Heard.MISSED
    )  # fmt: skip
    return Report(
        ref=asking.text_of(row, "call_id"), reference=asking.text_of(row, "out_id"), heard=heard, key=key[-1:],
        detail=asking.code_of(code),
    )  # fmt: skip


def _read(answer: Mapping[str, object], ref: str) -> Asked:
    code = str(answer["Code"])
    if code == "OK":
        return asking.sent(str(answer.get(ref, ""))[:100])
    why = asking.code_of(code)
    if code.startswith(LIMITED):
        return asking.missed(why, not_before_s=asking.LIMITED_S)
    if code.startswith(LATER):
        return asking.missed(why)
    return asking.refused(why, elsewhere=code not in OF_THE_NUMBER)


def signed(  # noqa: PLR0917 - the parts of one request
    url: str, action: str, version: str, params: Mapping[str, str], now: datetime, key: tuple[str, str]
) -> tuple[str, dict[str, str]]:
    """Return where a request goes, its parameters in the address, and its headers with the signature."""
    headers = {
        "host": urlsplit(url).netloc, "x-acs-action": action, "x-acs-version": version,
        "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": secrets.token_hex(16), "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
    }  # fmt: skip
    query = canonical(params)
    headers["Authorization"] = authorization(*key, query, headers)
    return f"{url.rstrip('/')}/?{query}", headers


def canonical(params: Mapping[str, str]) -> str:
    """Return parameters as they are signed and sent: RFC 3986, sorted."""
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(params.items()))


def authorization(key_id: str, secret: str, query: str, headers: Mapping[str, str]) -> str:
    """Return the header that proves who asks; `headers` are all that are signed, in lower case."""
    names = sorted(headers)
    signed = ";".join(names)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    request = "\n".join(["POST", "/", query, lines, signed, headers["x-acs-content-sha256"]])
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={signed},Signature={signature}"


def _number(number: str) -> str:
    """At home without a country's prefix, elsewhere without the plus."""
    return number.removeprefix("+86").removeprefix("+")


def _json(words: Mapping[str, str]) -> str:
    return msgspec.json.encode(words).decode()
