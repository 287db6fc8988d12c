"""Posts a message for the ingest process to carry over MQTT or TCP; several channels share it."""

from devices.adapter import Downlink
from hub.channels.channel import OutboundPage, Outcome, Receipt
from hub.store.pool import Pool
from hub.store.sql import queries

Q = queries("outbox")
OURS = queries("channels")


async def post(
    pool: Pool, page: OutboundPage, downlink: Downlink, keep_s: float, *, stop: bytes | None = None
) -> Receipt:
    """Write the row; the acknowledgement of whoever gets it becomes the page's receipt.

    Args:
        pool: connections to the database.
        page: what is sent; page 0 is a trial and belongs to no case.
        downlink: its bytes and where they go.
        keep_s: how long it may wait for its receiver; after that it is posted anew under the same key.
        stop: what silences the siren that this sounds.
    """
    values = {
        "topic": downlink.topic,
        "payload": downlink.payload,
        "retain": downlink.retain,
        "device": None,
        "page": page.page_id,
        "keep_s": keep_s,
        "stop": stop,
    }
    query = OURS.trial if page.page_id == 0 else Q.post if stop is None else OURS.sound
    async with pool.connection() as conn:
        posted = (await conn.execute(query, values)).rowcount
    if not posted:
        return Receipt(outcome=Outcome.FAILED, detail="withdrawn a moment before it was sent")
    return Receipt(outcome=Outcome.SENT, detail="posted")
