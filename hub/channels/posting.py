"""Posts a message for the ingest process to carry: the two channels that reach people over MQTT or TCP share it."""

from devices.adapter import Downlink
from hub.channels.channel import OutboundPage, Outcome, Receipt
from hub.store.pool import Pool
from hub.store.sql import queries

Q = queries("outbox")


async def post(pool: Pool, page: OutboundPage, downlink: Downlink, keep_s: float) -> Receipt:
    """Write the row; the acknowledgement of whoever gets it becomes the page's receipt.

    Args:
        pool: connections to the database.
        page: what is sent.
        downlink: its bytes and where they go.
        keep_s: how long it may wait for its receiver; after that it is posted anew under the same key.
    """
    values = {
        "topic": downlink.topic,
        "payload": downlink.payload,
        "retain": downlink.retain,
        "device": None,
        "page": page.page_id,
        "keep_s": keep_s,
    }
    async with pool.connection() as conn:
        posted = (await conn.execute(Q.post, values)).rowcount
    if not posted:
        return Receipt(outcome=Outcome.FAILED, detail="withdrawn a moment before it was sent")
    return Receipt(outcome=Outcome.SENT, detail="posted")
