"""Words of an incident: services, links, disaster mode, test mode."""

WORDS: dict[str, tuple[str, str]] = {}
