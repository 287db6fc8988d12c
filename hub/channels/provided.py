"""What SMS and voice share: a number, a template's words, one provider after the other, a reference for reports."""

import re
from collections.abc import Mapping

from alerts.model import AlertKind
from hub.channels import references
from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.channels.providers import PROVIDERS, Asked, Order
from hub.channels.wording import KINDS, NO_SPEECH, ORPHAN, SOMEBODY, TEST
from hub.phrases import tongue
from hub.store.sql import queries

Q = queries("channels")
WORD_CHARS = 35  # what providers let one variable of a template hold
MOBILE = re.compile(r"1[0-9]{10}")
LANDLINE = re.compile(r"0[0-9]{9,11}")
WORLD = re.compile(r"\+[1-9][0-9]{6,14}")


class Provided:
    """Sends through the providers of one channel: attempt n to provider n modulo their number."""

    def __init__(self, channel: str, names: tuple[str, ...], means: Means) -> None:
        self._channel = channel
        self._names = names
        self._providers = {name: PROVIDERS[name](means) for name in names}
        self._pool = means.pool
        self._key = means.secrets.callback_key

    @property
    def name(self) -> str:
        return "+".join(self._names)

    async def send(self, page: OutboundPage) -> Receipt:
        number = e164(page.address)
        why_not = (
            f"no provider: set channels.{self._channel}" if not self._names
            else "no key for callbacks: set CAREHUB_SECRETS_CALLBACK_KEY" if not self._key
            else "the contact's address is no telephone number" if number is None
            else ""
        )  # fmt: skip
        if why_not or number is None:
            return Receipt(outcome=Outcome.REFUSED, detail=why_not)
        name = self._names[(page.attempt - 1) % len(self._names)]
        order = Order(
            number=number, purpose=page.purpose, words=words(page), now=page.now,
            reference=references.make(self._key, self._channel, page.page_id, page.attempt),
        )  # fmt: skip
        provider = self._providers[name]
        asked = await (provider.sms(order) if self._channel == "sms" else provider.voice(order))
        if asked.ref and page.page_id:
            await self._remember(name, asked.ref, page)
        return self._receipt(name, asked, page)

    async def _remember(self, name: str, ref: str, page: OutboundPage) -> None:
        values = {
            "channel": self._channel, "provider": name, "ref": ref, "page": page.page_id, "attempt": page.attempt,
        }  # fmt: skip
        async with self._pool.connection() as conn:
            await conn.execute(Q.remember, values)

    def _receipt(self, name: str, asked: Asked, page: OutboundPage) -> Receipt:
        """A refusal that is this provider's own is a failure as long as another one has not been asked."""
        outcome = asked.receipt.outcome
        if outcome is Outcome.REFUSED and asked.elsewhere and page.attempt < len(self._names):
            outcome = Outcome.FAILED
        # A limit is the provider's: the other one may be asked at once.
        wait_s = asked.receipt.not_before_s if len(self._names) == 1 else 0.0
        return Receipt(outcome=outcome, detail=f"{name}: {asked.receipt.detail}", not_before_s=wait_s)


def words(page: OutboundPage) -> Mapping[str, str]:
    """Return the parameters of a template, in its order: who, what, where, and the end of the responder's link.

    They come from the body, which holds no more than the role may see.
    """
    lang = tongue(page.language)
    resident = page.body.get("resident")
    who = ORPHAN[lang] if resident is None else resident.get("name") or SOMEBODY[lang]
    what = KINDS[lang][AlertKind(page.body["kind"])] + (NO_SPEECH[lang] if page.body.get("no_speech") else "")
    said = {
        "who": who, "what": f"{TEST[lang]}{what}" if page.body.get("test") else what,
        "where": (resident or {}).get("address", ""),
    }  # fmt: skip
    link = str(page.body.get("answer_url", "")).rpartition("/")[2]
    return {name: _word(text) for name, text in said.items()} | {"link": link}


def e164(address: str) -> str | None:
    """Return a number as the world writes it, +86… for one of ours; None when it is none."""
    digits = re.sub(r"[\s()-]", "", address)
    if WORLD.fullmatch(digits):
        return digits
    if MOBILE.fullmatch(digits):
        return f"+86{digits}"
    return f"+86{digits[1:]}" if LANDLINE.fullmatch(digits) else None


def _word(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:WORD_CHARS]
