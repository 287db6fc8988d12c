"""The wearer's own device: it shows or speaks one sentence. For notices; it calls nobody."""

from devices.adapter import Command, Say
from hub import adapters
from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.store.sql import queries

Q = queries("outbox")


class Device:
    name = "device"
    timeout_s = 3.0
    receipt_s = 60.0

    def __init__(self, means: Means) -> None:
        self._pool = means.pool

    async def send(self, page: OutboundPage) -> Receipt:
        """`page.address` is a device address, as in Telemetry.device."""
        adapter = adapters.of(page.address)
        downlink = (
            None
            if adapter is None
            else adapter.encode(Command(device=page.address, say=Say.COMING, text=page.text, incident=page.incident_id))
        )
        if downlink is None:
            return Receipt(outcome=Outcome.REFUSED, detail="this device can show or speak nothing")
        async with self._pool.connection() as conn:
            await conn.execute(Q.post, {
                "topic": downlink.topic, "payload": downlink.payload, "retain": downlink.retain, "device": None,
                "page": page.page_id, "keep_s": self.receipt_s,
            })  # fmt: skip
        return Receipt(outcome=Outcome.SENT, detail="posted")
