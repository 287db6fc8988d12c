"""The operator's console: a page arrives when one of that person is connected, because it shows the queue live."""

from datetime import timedelta

from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.store.sql import queries

FRESH = timedelta(seconds=10)  # a console that was not heard of for longer is gone
Q = queries("outbox")


class Console:
    name = "console"
    timeout_s = 3.0
    receipt_s = 15.0

    def __init__(self, means: Means) -> None:
        self._pool = means.pool

    async def send(self, page: OutboundPage) -> Receipt:
        async with self._pool.connection() as conn:
            row = await (await conn.execute(Q.signed_in, {"person": page.person_id, "fresh": FRESH})).fetchone()
        if row is not None and row[0]:
            return Receipt(outcome=Outcome.DELIVERED, detail="on an open console")
        return Receipt(outcome=Outcome.REFUSED, detail="not signed in at any console")
