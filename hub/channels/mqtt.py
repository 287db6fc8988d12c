"""A responder's own terminal over MQTT: the ingest process carries it, the terminal's PUBACK is the receipt."""

import msgspec

from devices.adapter import Downlink
from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.channels.posting import post


class Mqtt:
    name = "mqtt"
    timeout_s = 3.0
    receipt_s = 20.0  # the row in the outbox lives exactly as long: after that it is posted anew

    def __init__(self, means: Means) -> None:
        self._pool = means.pool

    async def send(self, page: OutboundPage) -> Receipt:
        if not page.address or any(wild in page.address for wild in "+#"):
            return Receipt(outcome=Outcome.REFUSED, detail="the contact's address is not a topic")
        downlink = Downlink(topic=page.address, payload=msgspec.json.encode(page.body))
        return await post(self._pool, page, downlink, self.receipt_s)
