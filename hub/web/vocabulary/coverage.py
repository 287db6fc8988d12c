"""Words of the coverage pages."""

WORDS: dict[str, tuple[str, str]] = {}
