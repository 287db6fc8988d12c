"""All that the way to telephone is made of, out of the settings."""

from dataclasses import dataclass, field

from hub.config import Settings
from hub.telephone_settings import TelephoneSettings


@dataclass(frozen=True, kw_only=True)
class Line:
    """All that a provider is reached with."""

    settings: TelephoneSettings = field(default_factory=TelephoneSettings)
    key: str = field(default="", repr=False)  # signs what a PBX is asked and what it reports
    callback_key: str = field(default="", repr=False)  # makes the path that Aliyun reports to
    aliyun_id: str = field(default="", repr=False)
    aliyun_secret: str = field(default="", repr=False)


def line_of(settings: Settings) -> Line:
    """Return the line that the settings describe. What is simulated is signed with a key that every hub has."""
    said = settings.secrets
    key = said.telephone_key or (said.callback_key if settings.telephone.provider == "simulated" else "")
    return Line(
        settings=settings.telephone, key=key, callback_key=said.callback_key, aliyun_id=said.aliyun_key_id,
        aliyun_secret=said.aliyun_key_secret,
    )  # fmt: skip
