"""Text messages through Aliyun and Tencent: registered templates only; the delivery report comes by callback."""

from hub.channels.channel import Means, OutboundPage, Receipt
from hub.channels.provided import Provided


class Sms:
    """`contact.address` is a mobile number."""

    name = "sms"
    receipt_s = 90.0  # carriers report within a minute; a number is written to once a minute

    def __init__(self, means: Means) -> None:
        self._provided = Provided(self.name, means.channels.sms, means)
        self.timeout_s = means.channels.provider_timeout_s + 2.0

    def provider(self, address: str) -> str:
        return self._provided.name

    async def send(self, page: OutboundPage) -> Receipt:
        return await self._provided.send(page)
