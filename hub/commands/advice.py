"""What to do when a test message did not arrive: whoever sets a channel up reads the receipt and this."""

import re

from hub.channels.channel import Outcome, Receipt
from hub.config import Settings, secret_beside

SECRET = re.compile(r"CAREHUB_SECRETS_\w+")
STATUS = re.compile(r"HTTP (\d{3})")
NOBODY_THERE = "nothing answers there: look whether it runs, and whether this machine finds and reaches it"
SAID: tuple[tuple[str, str], ...] = (  # part of what came back, what to do
    ("Connect", NOBODY_THERE),
    ("ConnectionRefused", NOBODY_THERE),
    ("gaierror", NOBODY_THERE),
    ("no answer", "it did not answer in time: look whether it hangs, or whether a firewall swallows what is sent"),
    (
        "nothing came back",
        "it did not answer in time: look whether it hangs, or whether a firewall swallows what is sent",
    ),
    (
        "no provider",
        "name providers in order, for example CAREHUB_CHANNELS_{channel}=aliyun,tencent, and set theirs up",
    ),
    (
        "no phone is subscribed",
        "make a page with `carehub people link PERSON`, open it on the phone, switch ringing on",
    ),
    ("not signed in", "sign in as this person at the console, and keep that page open"),
    ("push_contact", "for example CAREHUB_CHANNELS_PUSH_CONTACT=mailto:desk@example.org"),
    ("mail server: set", "for example CAREHUB_SMTP_HOST=smtp.example.org and CAREHUB_SMTP_SENDER=carehub@example.org"),
    ("show or speak nothing", "give the address of a device that does; `carehub devices list` shows all"),
    ("no such target", "put its URL into the environment: CAREHUB_APPRISE_<NAME>=…, and test with NAME"),
    ("not a topic", "give the topic it listens on, without + and #"),
)
POSTED = "the ingest process carries it to whoever listens there; when nobody does, nothing comes back here"
BY_STATUS = (  # of a webhook: first and last code
    (401, 403, "it does not accept us: it must check the signature with our CAREHUB_SECRETS_WEBHOOK_KEY"),
    (404, 410, "it runs, and there is nothing under this path: look at the URL"),
    (300, 399, "it sends us elsewhere, and redirects are not followed: give the address it points to"),
    (500, 599, "it broke on the message: look at its own log"),
    (400, 499, "it does not want the message as it is: look at its own log"),
)
OTHERWISE = "the settings of each channel stand in hub/channels/README.md"


def next_step(settings: Settings, channel: str, receipt: Receipt) -> str:
    """Return what to do next; empty when it was delivered."""
    if receipt.outcome is Outcome.DELIVERED:
        return ""
    if receipt.outcome is Outcome.SENT:
        return POSTED if receipt.detail == "posted" else ""
    if secret := SECRET.search(receipt.detail):
        return secret_beside(settings, secret[0])
    if status := STATUS.search(receipt.detail):
        return next((told for first, last, told in BY_STATUS if first <= int(status[1]) <= last), OTHERWISE)
    told = next((told for part, told in SAID if part in receipt.detail), OTHERWISE)
    return told.format(channel=channel.upper())
