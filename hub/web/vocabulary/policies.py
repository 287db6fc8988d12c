"""Words of the policy pages."""

WORDS: dict[str, tuple[str, str]] = {}
