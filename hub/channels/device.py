"""The wearer's own device: it shows or speaks one sentence. For news of who comes; it calls nobody."""

from alerts.model import Purpose
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
        """`page.address` is a device address, as in Telemetry.device.

        A device knows four words and none is a call for help: shown as "coming", an alarm would tell the one who is
        called that somebody else goes.
        """
        if page.purpose == Purpose.ALARM:
            return Receipt(outcome=Outcome.REFUSED, detail="a wearer's device calls nobody")
        adapter = adapters.of(page.address)
        command = Command(device=page.address, say=Say.COMING, text=page.text, incident=page.incident_id)
        downlink = None if adapter is None else adapter.encode(command)
        if downlink is None:
            return Receipt(outcome=Outcome.REFUSED, detail="this device can show or speak nothing")
        return await post(self._pool, page, downlink, self.receipt_s)
