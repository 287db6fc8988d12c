"""Telephone calls through Aliyun and Tencent: the alarm is spoken, key 1 says "I go", key 2 "I cannot". What became of
the call comes by callback (hub/web/callbacks.py)."""

from alerts.model import Purpose
from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.channels.provided import Provided


class Voice:
    """`contact.address` is a telephone number."""

    name = "voice"
    receipt_s = 120.0  # ringing, three times the text, a key; a number is called once a minute

    def __init__(self, means: Means) -> None:
        self._provided = Provided(self.name, means.channels.voice, means)
        self.timeout_s = means.channels.provider_timeout_s + 2.0

    def provider(self, address: str) -> str:
        return self._provided.name

    async def send(self, page: OutboundPage) -> Receipt:
        if page.purpose != Purpose.ALARM:
            return Receipt(outcome=Outcome.REFUSED, detail="nobody is called to be told that nobody is needed")
        return await self._provided.send(page)
