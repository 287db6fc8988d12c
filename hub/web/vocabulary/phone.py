"""Words of the responder's phone."""

WORDS: dict[str, tuple[str, str]] = {}
