"""Words of the duty lists."""

WORDS: dict[str, tuple[str, str]] = {}
