"""Tells whoever was given a work order, through his own channels: what, where, by when. It goes once.

What no channel takes stands on the order's page, so that somebody telephones him.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from prometheus_client import Counter

from alerts.model import Purpose, Severity
from hub import catalogue
from hub.channels.attempt import first_to_take
from hub.channels.channel import Channel, OutboundPage
from hub.loops.turns import one_after_another
from hub.store import work_orders
from hub.store.pool import Pool
from hub.store.work_orders import Notice

EVERY_S = 2.0
TRIES = 3
AGAIN_S = 30.0
TOLD = Counter("carehub_work_orders_told_total", "People told of a work order, by what came of it", ["outcome"])
log = structlog.get_logger()


@dataclass(kw_only=True)
class Teller:
    """Tells until cancelled. Any number may run."""

    pool: Pool
    channels: Mapping[str, Channel]

    async def run(self) -> None:
        await one_after_another("teller", self.once, every_s=EVERY_S)

    async def once(self) -> bool:
        """Tell one person, if one is to be told. False: nobody is."""
        async with self.pool.connection() as conn:
            notice = await work_orders.next_notice(conn, AGAIN_S)
        if notice is None:
            return False
        channel, why = "", "it is somebody else's now, or begun"
        if notice.holds:
            channel, why = await first_to_take(
                notice.ways, self.channels, partial(_page, notice), order=notice.order_id
            )  # fmt: skip
        if channel or not notice.holds or not notice.ways or notice.tries >= TRIES:
            async with self.pool.connection() as conn:
                await work_orders.told(conn, notice.id, channel, "" if channel else why)
            TOLD.labels("sent" if channel else "missed").inc()
        log.info("work_order_told", order=notice.order_id, person=notice.person_id, channel=channel, why=why)
        return True


def _page(notice: Notice, name: str, address: str) -> OutboundPage:
    """Page 0 of case 0: it calls nobody. Neither her name nor her door stands in it."""
    t = catalogue.speaker(catalogue.pick(notice.language))
    kind = t(f"orders.kind.{notice.kind}")
    text = t("od.notice", number=notice.order_id, kind=kind, area=notice.area or "–", day=notice.due)
    key = f"order.{notice.order_id}.{notice.id}"
    body = {
        "v": 1, "page": 0, "key": key, "incident": 0, "purpose": str(Purpose.NOTICE), "role": notice.role,
        "kind": "work_order", "severity": int(Severity.TECHNICAL), "test": False, "text": text, "resident": None,
    }  # fmt: skip
    return OutboundPage(
        page_id=0, incident_id=0, key=key, attempt=notice.tries, channel=name, address=address,
        person_id=notice.person_id, role=notice.role, purpose=str(Purpose.NOTICE), language=notice.language,
        now=notice.now, text=text, body=body,
    )  # fmt: skip
