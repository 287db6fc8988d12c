"""Providers of SMS and voice calls: how each wants to be asked, and what it reports afterwards."""

from collections.abc import Callable

from hub.channels.channel import Means
from hub.channels.providers.aliyun import Aliyun
from hub.channels.providers.asking import Asked, Order, Provider, Report, ReportError
from hub.channels.providers.tencent import Tencent

PROVIDERS: dict[str, Callable[[Means], Provider]] = {"aliyun": Aliyun, "tencent": Tencent}
READERS: dict[tuple[str, str], Callable[[bytes], list[Report]]] = {
    ("sms", "aliyun"): Aliyun.sms_reports, ("voice", "aliyun"): Aliyun.voice_reports,
    ("sms", "tencent"): Tencent.sms_reports, ("voice", "tencent"): Tencent.voice_reports,
}  # fmt: skip
ACCEPTED: dict[str, bytes] = {"aliyun": b'{"code":0,"msg":"ok"}', "tencent": b'{"result":0,"errmsg":"OK"}'}

__all__ = ["ACCEPTED", "PROVIDERS", "READERS", "Asked", "Order", "Provider", "Report", "ReportError"]
