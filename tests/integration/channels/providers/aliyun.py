"""Aliyun imitated from its public specification: signature, clock, nonce, templates and parameters are checked."""

import hashlib
import hmac
import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from tests.integration.channels.providers.serving import HANG, Imitation, Reply, Request

KEY_ID = "LTAI-of-tests-only"
KEY_SECRET = "aliyun secret that only tests have"
SIGN_NAME = "一键通"
SMS_TEMPLATES = {"SMS_1": {"who", "what", "where", "link"}, "SMS_2": {"who", "what", "where", "link"}}
TTS_TEMPLATES = {"TTS_1": {"who", "what", "where", "link"}, "TTS_2": set(), "TTS_3": set()}
SHOW_NUMBER = "05710000001"
CLOCK_S = 900
NUMBER = re.compile(r"1\d{10}|\d{7,15}")
_numbers = itertools.count(1)
REQUIRED = {
    "SendSms": {"PhoneNumbers", "SignName", "TemplateCode"},
    "IvrCall": {"CalledShowNumber", "CalledNumber", "StartCode", "MenuKeyMap.1.Key", "MenuKeyMap.1.Code"},
}


@dataclass(kw_only=True)
class Aliyun(Imitation):
    nonces: set[str] = field(default_factory=set)

    def answer(self, request: Request) -> Reply | None:
        told = self.told()
        if told == HANG:
            return None
        if isinstance(told, int):
            return Reply(code=told, body=b"overloaded", headers={"Retry-After": "7"})
        wrong = self._signed(request)
        if wrong:
            self.faults.append(wrong)
            return _error(wrong, 400)
        params = dict(parse_qsl(request.target.partition("?")[2], keep_blank_values=True, strict_parsing=True))
        wrong = told or self._wanted(request.headers["x-acs-action"], params)
        if wrong:
            return _error(wrong, 200)
        action = request.headers["x-acs-action"]
        ref = f"{next(_numbers)}^{self.port}"
        self.heard.append({"action": action, "ref": ref, **params})
        name = "BizId" if action == "SendSms" else "CallId"
        return Reply(body=json.dumps({"Code": "OK", "Message": "OK", "RequestId": "R", name: ref}).encode())

    def _signed(self, request: Request) -> str:  # noqa: PLR0911 - one for each error code
        """Compute the signature anew, from what came over the wire."""
        given = request.headers.get("authorization", "")
        form = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})", given
        )
        if form is None:
            return "MissingAuthorization"
        key_id, names, signature = form.groups()
        must = {"host"} | {name for name in request.headers if name.startswith("x-acs-")}
        if key_id != KEY_ID:
            return "InvalidAccessKeyId.NotFound"
        if set(names.split(";")) < must or names.split(";") != sorted(names.split(";")):
            return "IncompleteSignature"
        if request.headers["x-acs-content-sha256"] != hashlib.sha256(request.body).hexdigest():
            return "ContentSha256Mismatch"
        path, _, query = request.target.partition("?")
        pairs = sorted(parse_qsl(query, keep_blank_values=True))
        canonical = "&".join(quote(k, safe="-_.~") + "=" + quote(v, safe="-_.~") for k, v in pairs)
        headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names.split(";"))
        text = f"{request.method}\n{path}\n{canonical}\n{headers}\n{names}\n{hashlib.sha256(request.body).hexdigest()}"
        string = "ACS3-HMAC-SHA256\n" + hashlib.sha256(text.encode()).hexdigest()
        right = hmac.new(KEY_SECRET.encode(), string.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, signature):
            return "SignatureDoesNotMatch"
        at = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs((at - self.now).total_seconds()) > CLOCK_S:
            return "InvalidTimeStamp.Expired"
        nonce = request.headers["x-acs-signature-nonce"]
        if nonce in self.nonces:
            return "SignatureNonceUsed"
        self.nonces.add(nonce)
        return "" if request.headers["x-acs-version"] == "2017-05-25" else "InvalidVersion"

    def _wanted(self, action: str, params: dict[str, str]) -> str:  # noqa: PLR0911
        """Return the error code that the service would give."""
        if action not in REQUIRED:
            return "InvalidAction.NotFound"
        missing = REQUIRED[action] - {name for name, value in params.items() if value}
        if self.fault(bool(missing), f"missing {missing}"):
            return "MissingParameter"
        sms = action == "SendSms"
        if not NUMBER.fullmatch(params["PhoneNumbers" if sms else "CalledNumber"]):
            return "isv.MOBILE_NUMBER_ILLEGAL"
        if sms:
            return self._sms(params)
        if self.fault(not 1 <= len(params.get("OutId", "x")) <= 15, "OutId of a call has 1 to 15 characters"):
            return "isv.INVALID_PARAMETERS"
        codes = {params["StartCode"], params["MenuKeyMap.1.Code"], params.get("MenuKeyMap.2.Code", "TTS_3")}
        if self.fault(
            params["CalledShowNumber"] != SHOW_NUMBER or not codes <= set(TTS_TEMPLATES), "number, templates"
        ):
            return "isv.TTS_TEMPLATE_ILLEGAL"
        return self._filled(TTS_TEMPLATES[params["StartCode"]], params.get("StartTtsParams", "{}"))

    def _sms(self, params: dict[str, str]) -> str:
        if self.fault(params["SignName"] != SIGN_NAME, "an unregistered signature"):
            return "isv.SMS_SIGNATURE_ILLEGAL"
        if self.fault(params["TemplateCode"] not in SMS_TEMPLATES, "an unregistered template"):
            return "isv.SMS_TEMPLATE_ILLEGAL"
        if self.fault(len(params.get("OutId", "")) > 255, "OutId too long"):
            return "isv.INVALID_PARAMETERS"
        return self._filled(SMS_TEMPLATES[params["TemplateCode"]], params.get("TemplateParam", "{}"))

    def _filled(self, template: set[str], text: str) -> str:
        said: dict[str, Any] = json.loads(text)
        wrong = not set(said) >= template or any(not isinstance(v, str) or "\n" in v for v in said.values())
        return "isv.TEMPLATE_MISSING_PARAMETERS" if self.fault(wrong, f"template wants {template}") else ""

    # ---- what it calls back ----

    def sms_report(self, message: dict[str, Any], *, arrived: bool = True) -> bytes:
        return json.dumps([{
            "phone_number": message["PhoneNumbers"], "send_time": "2026-11-21 12:00:00", "success": arrived,
            "report_time": "2026-11-21 12:00:03", "err_code": "DELIVERED" if arrived else "UNDELIVERED", "err_msg": "",
            "sms_size": "1", "biz_id": message["ref"], "out_id": message.get("OutId", ""),
        }]).encode()  # fmt: skip

    def call_report(self, call: dict[str, Any], *, status: str = "200000", key: str = "") -> bytes:
        return json.dumps([{
            "call_id": call["ref"], "status_code": status, "dtmf": key, "out_id": call["OutId"], "duration": "10",
            "callee": call["CalledNumber"], "caller": SHOW_NUMBER, "end_time": "2026-11-21 12:00:30",
        }]).encode()  # fmt: skip

    def key_report(self, call: dict[str, Any], key: str) -> bytes:
        return self.call_report(call, status="300000", key=key)


def _error(code: str, status: int) -> Reply:
    return Reply(code=status, body=json.dumps({"Code": code, "Message": "…", "RequestId": "R"}).encode())
