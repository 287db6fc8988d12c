"""Settings of the ways out to people. No secret is among them: those are in `hub.config.Secrets`."""

from dataclasses import dataclass
from urllib.parse import urlsplit

PROVIDERS = ("aliyun", "tencent")
PUSH_HOSTS = (  # the services behind browsers; a subscription to any other host is refused
    "fcm.googleapis.com",  # Chrome and Edge on Android
    "push.services.mozilla.com",
    "push.apple.com",  # web.push.apple.com
    "notify.windows.com",
)
TLS = ("starttls", "tls", "none")
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class ChannelSettings:
    """`[channels]`: which provider carries what, and the responders' app."""

    sms: tuple[str, ...] = ()  # attempt n goes to provider n modulo their number
    voice: tuple[str, ...] = ()
    provider_timeout_s: float = 8.0
    push_contact: str = ""  # whom a push service writes to when we misbehave: mailto:… or https://…
    push_hosts: tuple[str, ...] = PUSH_HOSTS
    push_local: bool = False  # also http://127.0.0.1: for tests

    def __post_init__(self) -> None:
        for name in (*self.sms, *self.voice):
            if name not in PROVIDERS:
                raise ValueError(f"{name!r} is no provider; there are {', '.join(PROVIDERS)}")
        if self.push_contact and not self.push_contact.startswith(("mailto:", "https://")):
            raise ValueError('push_contact: write "mailto:desk@example.org" or an https address')


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """`[smtp]`: the server that takes e-mail. Name and password are secrets."""

    host: str = ""
    port: int = 587
    tls: str = "starttls"  # starttls, tls (from the first byte), none (a server on this machine only)
    sender: str = ""  # From: carehub@example.org
    timeout_s: float = 10.0
    ca_file: str = ""  # of an authority of your own; empty: the system's

    def __post_init__(self) -> None:
        if self.tls not in TLS:
            raise ValueError(f"tls is one of {', '.join(TLS)}")
        if self.tls == "none" and self.host and self.host not in LOCAL:
            raise ValueError(f"without TLS only to this machine, not to {self.host}")


@dataclass(frozen=True, kw_only=True)
class AliyunSettings:
    """`[aliyun]`: signature and templates as registered there; a message is parameters of a template."""

    sms_url: str = "https://dysmsapi.aliyuncs.com"
    voice_url: str = "https://dyvmsapi.aliyuncs.com"
    sign_name: str = ""
    sms_alarm: str = ""  # template codes, SMS_…: one for each purpose
    sms_stand_down: str = ""
    sms_notice: str = ""
    voice_alarm: str = ""  # text-to-speech template, TTS_…
    voice_accepted: str = ""  # spoken after key 1 and key 2
    voice_declined: str = ""
    voice_number: str = ""  # the bought number that calls

    def __post_init__(self) -> None:
        _check_urls(self.sms_url, self.voice_url)


@dataclass(frozen=True, kw_only=True)
class TencentSettings:
    """`[tencent]`: applications, signature and templates as registered there."""

    sms_url: str = "https://sms.tencentcloudapi.com"
    voice_url: str = "https://vms.tencentcloudapi.com"
    region: str = "ap-guangzhou"
    sms_app: str = ""  # SmsSdkAppId
    sign_name: str = ""
    sms_alarm: str = ""
    sms_stand_down: str = ""
    sms_notice: str = ""
    voice_app: str = ""  # VoiceSdkAppid
    voice_alarm: str = ""

    def __post_init__(self) -> None:
        _check_urls(self.sms_url, self.voice_url)


def _check_urls(*urls: str) -> None:
    """A provider's answer decides who is called: it comes over TLS, or from this machine."""
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
            raise ValueError(f"{url!r} is not an https address")
