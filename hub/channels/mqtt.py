"""A responder's own terminal over MQTT: the ingest process carries it, the terminal's PUBACK is the receipt."""

import msgspec

from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.store.sql import queries

Q = queries("outbox")


class Mqtt:
    name = "mqtt"
    timeout_s = 3.0
    receipt_s = 20.0  # the row in the outbox lives exactly as long: after that it is posted anew

    def __init__(self, means: Means) -> None:
        self._pool = means.pool

    async def send(self, page: OutboundPage) -> Receipt:
        if not page.address or any(wild in page.address for wild in "+#"):
            return Receipt(outcome=Outcome.REFUSED, detail="the contact's address is not a topic")
        async with self._pool.connection() as conn:
            await conn.execute(Q.post, {
                "topic": page.address, "payload": msgspec.json.encode(page.body), "retain": False, "device": None,
                "page": page.page_id, "keep_s": self.receipt_s,
            })  # fmt: skip
        return Receipt(outcome=Outcome.SENT, detail="posted")
