"""Why a button did nothing, in words people can act on."""

from hub.catalogue import pick, texts
from hub.errors import HubError


class Refused(HubError):  # noqa: N818 - the desk's own word
    """The desk says no; nothing has changed. `code` is stable, `words` are for the person."""

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(reason or _said(code, "en"))
        self.code = code

    def words(self, language: str = "zh-CN") -> str:
        """Return the sentence for this person."""
        return _said(self.code, pick(language), str(self))


def _said(code: str, language: str, otherwise: str = "") -> str:
    """A code without a sentence tells its reason to those who read English, to others only that it is not done."""
    said = texts(language)
    found = said.get(f"refused.{code}") or (otherwise if language == "en" else "")
    return found or said["refused.otherwise"]
