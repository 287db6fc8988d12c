"""`[telephone]`: who connects an operator with whom she calls. The key and the provider's own are secrets."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.channel_settings import LOCAL

NAMES = ("", "aliyun", "pbx", "simulated")


@dataclass(frozen=True, kw_only=True)
class TelephoneSettings:
    """Empty provider: numbers are `tel:` links, which a softphone or a mobile phone dials."""

    provider: str = ""
    url: str = ""  # of the PBX; of Aliyun only where it is another than its own
    show_number: str = ""  # Aliyun: the bought number that both sides see
    record: bool = False  # calls are recorded at the provider; here is only where
    timeout_s: float = 5.0  # the provider's answer
    longest_min: int = 60  # the provider ends a call after that

    def __post_init__(self) -> None:
        if self.provider not in NAMES:
            raise ValueError(f"{self.provider!r} is no provider; there are {', '.join(filter(None, NAMES))}")
        parts = urlsplit(self.url)
        if self.url and parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
            raise ValueError(f"{self.url!r} is not an https address")
        if self.provider == "pbx" and not self.url:
            raise ValueError("url: where the PBX takes calls, https://pbx.example.org/carehub")
        if self.provider == "aliyun" and not self.show_number:
            raise ValueError("show_number: the number bought at Aliyun")
        if not 1 <= self.longest_min <= 240:
            raise ValueError("longest_min: 1 to 240 minutes")
