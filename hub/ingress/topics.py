"""Topic names, topic filters, and what of both a credential covers. Shared by MQTT 3.1.1 and 5."""

LONGEST = 65_535


def topic_fault(topic: str) -> str:
    """Return why this is no topic to publish on, or ''."""
    if not topic:
        return "empty topic"
    if "+" in topic or "#" in topic:
        return "topic with a wildcard"
    return "U+0000 in a topic" if "\0" in topic else ""


def filter_fault(pattern: str) -> str:
    """Return why this is no topic filter, or ''."""
    if not pattern:
        return "empty topic filter"
    if "\0" in pattern:
        return "U+0000 in a topic filter"
    levels = pattern.split("/")
    for at, level in enumerate(levels):
        if "#" in level and (level != "#" or at != len(levels) - 1):
            return "# not alone at the end of a topic filter"
        if "+" in level and level != "+":
            return "+ not alone in its level of a topic filter"
    return ""


def matches(pattern: str, topic: str) -> bool:
    """Whether a valid filter takes a valid topic. Topics that start with `$` are not taken by leading wildcards."""
    if pattern == topic:
        return True
    if "+" not in pattern and "#" not in pattern:
        return False
    if topic[:1] == "$" and pattern[:1] in "+#":
        return False
    levels = topic.split("/")
    wanted = pattern.split("/")
    for at, want in enumerate(wanted):
        if want == "#":
            return True
        if at >= len(levels) or want not in ("+", levels[at]):
            return False
    return len(levels) == len(wanted)


def prefixes(topic: str) -> list[str]:
    """Return every prefix of a topic that ends in a slash: the credentials it can belong to, shortest first."""
    return [topic[: at + 1] for at, letter in enumerate(topic) if letter == "/"]
