"""Asks a resident's people whether they are her contacts, through their own channels: a sentence and a signed link.

Apart from the dispatcher, because nobody is in need: it goes once, and what no channel takes is told to the installer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import structlog
from prometheus_client import Counter

from alerts.model import Purpose, Severity
from hub import links
from hub.channels.attempt import first_to_take
from hub.channels.channel import Channel, OutboundPage
from hub.channels.wording import SEES_NAME, SOMEBODY
from hub.loops.turns import one_after_another
from hub.phrases import tongue
from hub.store import contacts
from hub.store.contacts import Question
from hub.store.pool import Pool

EVERY_S = 2.0
TRIES = 3
AGAIN_S = 30.0
LINES = {
    "zh": "【确认】请确认：您是{who}的紧急联系人吗？需要时一键通会呼叫您。请打开链接回答。",
    "en": "Please confirm: are you an emergency contact of {who}? You are called when help is needed. Open the link.",
}

ASKED = Counter("carehub_contacts_asked_total", "Contacts asked whether they are, by what came of it", ["outcome"])
log = structlog.get_logger()


@dataclass(kw_only=True)
class Asker:
    """Asks until cancelled. Any number may run."""

    pool: Pool
    channels: Mapping[str, Channel]
    public_url: str
    link_key: str = field(repr=False)

    async def run(self) -> None:
        await one_after_another("asker", self.once, every_s=EVERY_S)

    async def once(self) -> bool:
        """Ask one contact, if one is to be asked. False: nobody is."""
        async with self.pool.connection() as conn:
            question = await contacts.next_question(conn, AGAIN_S)
        if question is None:
            return False
        channel, why = await self._through(question)
        async with self.pool.connection() as conn:
            if channel:
                await contacts.sent(conn, question.id, channel)
            elif question.tries >= TRIES or not question.ways or not self.link_key:
                await contacts.given_up(conn, question.id, why)
        ASKED.labels("sent" if channel else "missed").inc()
        log.info("contact_asked", question=question.id, person=question.person_id, channel=channel, why=why)
        return True

    async def _through(self, question: Question) -> tuple[str, str]:
        if not self.link_key:
            return "", "no key to sign links with: set CAREHUB_SECRETS_LINK_KEY"
        return await first_to_take(
            question.ways, self.channels, partial(self._page, question), question=question.id
        )  # fmt: skip

    def _page(self, question: Question, name: str, address: str) -> OutboundPage:
        """Page 0 of case 0: it calls nobody, and whatever a provider says about it later is not believed."""
        token = links.make(
            self.link_key, question.id, question.now, kind=links.Kind.CONTACT, lasts=contacts.ASKED_LASTS
        )
        lang = tongue(question.language)
        who = question.name if question.role in SEES_NAME else SOMEBODY[lang]
        text, key = LINES[lang].format(who=who), f"contact.{question.id}"
        body = {
            "v": 1, "page": 0, "key": key, "incident": 0, "purpose": str(Purpose.NOTICE), "role": question.role,
            "kind": "contact", "severity": int(Severity.TECHNICAL), "test": False, "text": text, "resident": None,
            "answer_url": f"{self.public_url.rstrip('/')}/me/contact/{token}",
        }  # fmt: skip
        return OutboundPage(
            page_id=0, incident_id=0, key=key, attempt=question.tries, channel=name, address=address,
            person_id=question.person_id, role=question.role, purpose=str(Purpose.NOTICE), language=question.language,
            now=question.now, text=text, body=body,
        )  # fmt: skip
