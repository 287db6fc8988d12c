"""What a person sees of a page: its words without those that are hidden."""

from html.parser import HTMLParser

EMPTY = frozenset({"input", "meta", "link", "img", "br", "hr", "option", "source"})


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in EMPTY:
            return
        if self._hidden or "hidden" in dict(attrs) or tag in ("script", "noscript", "datalist", "head"):
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag not in EMPTY:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(data.strip())


def visible(page: str) -> str:
    """Return the words of a page that are on the screen without scripts, in order."""
    reader = _Visible()
    reader.feed(page)
    return " ".join(reader.words)
