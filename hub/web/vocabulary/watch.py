"""Words of the auditor and the canary."""

WORDS: dict[str, tuple[str, str]] = {}
