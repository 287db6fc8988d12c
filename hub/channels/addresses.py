"""What `contact.address` must look like for each channel, said before anybody depends on it."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from hub.channels.email import MAILBOX
from hub.channels.provided import e164

TARGET = re.compile(r"[A-Za-z0-9_]{1,40}")
LONGEST = 500


def wrong(channel: str, address: str) -> str:
    """Return what is wrong with an address, empty when it will do."""
    if channel not in CHECKS:
        return f"write CHANNEL=ADDRESS with a channel of {', '.join(CHECKS)}"
    if len(address) > LONGEST or not address.isprintable():
        return "an address is one short line"
    fits, words = CHECKS[channel]
    return "" if fits(address) else words


def _is_number(address: str) -> bool:
    return e164(address) is not None


def _is_url(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _is_topic(address: str) -> bool:
    return bool(address) and not set(address) & set("+#")


NUMBER = "a number is written 13… or +8613…; a landline with its area code"
CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {  # the wearer's own `device` is nobody's contact
    "app": (lambda address: not address, "the app takes no address: whoever subscribes on a phone is reached"),
    "sms": (_is_number, NUMBER),
    "voice": (_is_number, NUMBER),
    "email": (lambda address: MAILBOX.fullmatch(address) is not None, "a mailbox is written name@example.org"),
    "webhook": (_is_url, "a webhook is an http or https URL, without a password"),
    "mqtt": (lambda address: not address or _is_topic(address), "a terminal is a topic without + and #, or empty"),
    "siren": (_is_topic, "a siren is the topic it takes commands on"),
    "apprise": (
        lambda address: TARGET.fullmatch(address) is not None,
        "a target is the NAME of CAREHUB_APPRISE_<NAME>; its URL stays in the environment",
    ),
    "console": (lambda address: not address, "the console takes no address"),
}
