"""E-mail over SMTP: one thread for each incident, plain text with a simple HTML beside it."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_LINES
from html import escape

import aiosmtplib

from hub.channels.channel import Means, OutboundPage, Outcome, Receipt
from hub.phrases import tongue

SUBJECT_CHARS = 120
MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
ANSWER = {"zh": "打开并回应", "en": "Open and answer"}


class Email:
    """A mail server's 250 is no person: the other channels of a ladder go on (see `end_ladder` in the schema)."""

    name = "email"
    receipt_s = 60.0

    def __init__(self, means: Means) -> None:
        self._settings = means.smtp
        self._secrets = means.secrets
        self.timeout_s = means.smtp.timeout_s + 1.0  # its own word about what hangs is better than ours

    def provider(self, address: str) -> str:
        return self._settings.host

    async def send(self, page: OutboundPage) -> Receipt:
        s = self._settings
        if not s.host or not s.sender:
            return Receipt(outcome=Outcome.REFUSED, detail="no mail server: set smtp.host and smtp.sender")
        if MAILBOX.fullmatch(page.address) is None:
            return Receipt(outcome=Outcome.REFUSED, detail="the contact's address is no mailbox")
        try:
            await aiosmtplib.send(
                compose(page, s.sender), hostname=s.host, port=s.port, timeout=s.timeout_s,
                use_tls=s.tls == "tls", start_tls=s.tls == "starttls",
                cert_bundle=s.ca_file or None, username=self._secrets.smtp_username or None,
                password=self._secrets.smtp_password or None,
            )  # fmt: skip
        except aiosmtplib.SMTPException as err:
            return _missed(err)
        except OSError as err:
            return Receipt(outcome=Outcome.FAILED, detail=type(err).__name__)
        return Receipt(outcome=Outcome.DELIVERED, detail="the mail server took it")


def compose(page: OutboundPage, sender: str) -> EmailMessage:
    """Return the message. Every copy has the same Message-ID; all messages of an incident are one thread."""
    domain = sender.rpartition("@")[2]
    message = EmailMessage(policy=SMTP_LINES)
    message["From"] = Address(addr_spec=sender)
    message["To"] = Address(addr_spec=page.address)
    message["Subject"] = _line(page.text)[:SUBJECT_CHARS]
    message["Date"] = page.now
    message["Message-ID"] = f"<{page.key}@{domain}>"
    message["In-Reply-To"] = message["References"] = f"<incident.{page.incident_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Priority"] = "1"
    url = page.body.get("answer_url", "")
    message.set_content(f"{page.text}\n\n{url}\n" if url else f"{page.text}\n")
    link = f'<p><a href="{escape(url)}">{ANSWER[tongue(page.language)]}</a></p>' if url else ""
    message.add_alternative(
        f'<!doctype html><html lang="{escape(page.language)}"><body><p>{escape(page.text)}</p>{link}</body></html>',
        subtype="html",
    )
    return message


def _line(text: str) -> str:
    """A header is one line: what stands after a line break in a name would become a header of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _missed(err: aiosmtplib.SMTPException) -> Receipt:
    """Servers quote addresses in what they say: only their code is kept."""
    if isinstance(err, aiosmtplib.SMTPRecipientsRefused):
        code = err.recipients[0].code
    elif isinstance(err, aiosmtplib.SMTPResponseException):
        code = err.code
    elif isinstance(err, aiosmtplib.SMTPTimeoutError):
        return Receipt(outcome=Outcome.FAILED, detail="no answer in time")
    else:
        code = 0
    if isinstance(err, aiosmtplib.SMTPNotSupported):
        return Receipt(outcome=Outcome.REFUSED, detail="the mail server offers no such TLS or login")
    detail = f"SMTP {code}" if code > 0 else type(err).__name__
    return Receipt(outcome=Outcome.REFUSED if code >= 500 else Outcome.FAILED, detail=detail)
