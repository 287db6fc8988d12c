"""The wearer's own device: it shows or speaks one sentence. For notices; it calls nobody."""

from devices.adapter import Command, Say
from hub import adapters
from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.channels.posting import post


class Device:
    name = "device"
    timeout_s = 3.0
    receipt_s = 60.0

    def __init__(self, means: Means) -> None:
        self._pool = means.pool

    async def send(self, page: OutboundPage) -> Receipt:
        """`page.address` is a device address, as in Telemetry.device."""
        adapter = adapters.of(page.address)
        command = Command(device=page.address, say=Say.COMING, text=page.text, incident=page.incident_id)
        downlink = None if adapter is None else adapter.encode(command)
        if downlink is None:
            return Receipt(outcome=Outcome.REFUSED, detail="this device can show or speak nothing")
        return await post(self._pool, page, downlink, self.receipt_s)
