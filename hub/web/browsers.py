"""What a browser calls itself, as people say it: good enough to know one's own."""

KINDS = (("Edg/", "Edge"), ("MicroMessenger", "微信"), ("HuaweiBrowser", "华为浏览器"), ("QQBrowser", "QQ 浏览器"),
         ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
SYSTEMS = (("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
           ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"))  # fmt: skip


def named(agent: str) -> str:
    """Return browser and system; the beginning of what it says where we know neither."""
    kind = next((name for sign, name in KINDS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    return " · ".join(part for part in (kind, system) if part) or agent[:40] or "–"
