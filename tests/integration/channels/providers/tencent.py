"""Tencent Cloud imitated from its public specification: signature, clock, applications, templates, numbers."""

import hashlib
import hmac
import itertools
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.integration.channels.providers.serving import HANG, Imitation, Reply, Request

SECRET_ID = "AKID-of-tests-only"
SECRET_KEY = "tencent key that only tests have"
SIGN_NAME = "一键通"
SMS_APP, VOICE_APP = "1400000001", "1400000002"
SMS_TEMPLATES = {"101": 4, "102": 4}  # how many parameters each has
VOICE_TEMPLATES = {"201": 4}
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
CLOCK_S = 300
_numbers = itertools.count(1)
SERVICES = {"SendSms": ("sms", "2021-01-11"), "SendTtsVoice": ("vms", "2020-09-02")}


@dataclass(kw_only=True)
class Tencent(Imitation):
    def answer(self, request: Request) -> Reply | None:
        told = self.told()
        if told == HANG:
            return None
        if isinstance(told, int):
            return Reply(code=told, body=b"<html>overloaded</html>")
        action = request.headers.get("x-tc-action", "")
        wrong = self._signed(request, action)
        if wrong:
            self.faults.append(wrong)
            return _error(wrong)
        asked = json.loads(request.body)
        return self._sms(asked, told or "") if action == "SendSms" else self._voice(asked, told or "")

    def _signed(self, request: Request, action: str) -> str:
        form = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/([a-z]+)/tc3_request, "
            r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
            request.headers.get("authorization", ""),
        )
        if form is None or action not in SERVICES:
            return "AuthFailure.InvalidAuthorization"
        key_id, day, service, names, signature = form.groups()
        stamp = int(request.headers["x-tc-timestamp"])
        if key_id != SECRET_ID:
            return "AuthFailure.SecretIdNotFound"
        if abs(stamp - self.now.timestamp()) > CLOCK_S or day != datetime.fromtimestamp(stamp, UTC).strftime(
            "%Y-%m-%d"
        ):
            return "AuthFailure.SignatureExpire"
        if (service, request.headers["x-tc-version"]) != SERVICES[action] or not request.headers.get("x-tc-region"):
            return "InvalidParameter"
        if not {"content-type", "host"} <= set(names.split(";")):
            return "AuthFailure.SignatureFailure"
        headers = "".join(
            f"{n}:{request.headers[n].lower() if n == 'x-tc-action' else request.headers[n]}\n"
            for n in names.split(";")
        )
        digest = hashlib.sha256(request.body).hexdigest()
        canonical = f"POST\n{request.target}\n\n{headers}\n{names}\n{digest}"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"TC3-HMAC-SHA256\n{stamp}\n{day}/{service}/tc3_request\n{hashed}"
        key = ("TC3" + SECRET_KEY).encode()
        for part in (day, service, "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        right = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return "" if hmac.compare_digest(right, signature) else "AuthFailure.SignatureFailure"

    def _sms(self, asked: dict[str, Any], told: str) -> Reply:
        (number,) = asked["PhoneNumberSet"]
        if self.fault(asked["SmsSdkAppId"] != SMS_APP, "not our application"):
            return _error("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
        code = told or self._sms_code(asked, number)
        ref = f"{self.port}:{next(_numbers)}" if code == "Ok" else ""
        if code == "Ok":
            self.heard.append({"ref": ref, **asked})
        status = {"SerialNo": ref, "PhoneNumber": number, "Fee": 1, "Code": code, "Message": "…", "IsoCode": "CN"}
        status["SessionContext"] = asked.get("SessionContext", "")
        return _response({"SendStatusSet": [status]})

    def _sms_code(self, asked: dict[str, Any], number: str) -> str:
        if not NUMBER.fullmatch(number):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        if self.fault(asked["SignName"] != SIGN_NAME, "an unregistered signature"):
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        count = SMS_TEMPLATES.get(asked["TemplateId"])
        if self.fault(count is None, "an unregistered template"):
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        if self.fault(len(asked["TemplateParamSet"]) != count, f"the template has {count} parameters"):
            return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        return "Ok"

    def _voice(self, asked: dict[str, Any], told: str) -> Reply:
        if told:
            return _error(told)
        if not NUMBER.fullmatch(asked["CalledNumber"]):
            return _error("InvalidParameterValue.CalledNumberVerifyFail")
        wrong = asked["VoiceSdkAppid"] != VOICE_APP or VOICE_TEMPLATES.get(asked["TemplateId"]) != len(
            asked["TemplateParamSet"]
        )
        if self.fault(wrong, "application, template or parameters"):
            return _error("FailedOperation.TemplateIncorrectOrUnapproved")
        ref = f"call-{self.port}-{next(_numbers)}"
        self.heard.append({"ref": ref, **asked})
        return _response({"SendStatus": {"CallId": ref, "SessionContext": asked.get("SessionContext", "")}})

    # ---- what it calls back ----

    def sms_report(self, message: dict[str, Any], *, arrived: bool = True) -> bytes:
        return json.dumps([{
            "user_receive_time": "2026-11-21 12:00:03", "nationcode": "86", "mobile": message["PhoneNumberSet"][0][3:],
            "report_status": "SUCCESS" if arrived else "FAIL", "errmsg": "DELIVRD" if arrived else "MK:0001",
            "description": "用户短信送达成功" if arrived else "空号", "sid": message["ref"],
        }]).encode()  # fmt: skip

    def call_report(self, call: dict[str, Any], *, result: str = "0") -> bytes:
        return json.dumps({"voiceprompt_callback": {"result": result, "callid": call["ref"], **_callee(call)}}).encode()

    def key_report(self, call: dict[str, Any], key: str) -> bytes:
        return json.dumps({"voicekey_callback": {"keypress": key, "callid": call["ref"], **_callee(call)}}).encode()

    def failure_report(self, call: dict[str, Any]) -> bytes:
        failed = {"failure_code": 8, "failure_reason": "空号", "callid": call["ref"], **_callee(call)}
        return json.dumps({"voice_failure_callback": failed}).encode()


def _callee(call: dict[str, Any]) -> dict[str, str]:
    return {"mobile": call["CalledNumber"][3:], "nationcode": "86", "call_from": ""}


def _error(code: str) -> Reply:
    return _response({"Error": {"Code": code, "Message": "…"}})


def _response(content: dict[str, Any]) -> Reply:
    return Reply(body=json.dumps({"Response": content | {"RequestId": "R"}}).encode())
