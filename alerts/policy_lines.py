"""Where in a policy file a thing stands: tomllib gives values without lines, and an error needs one."""

import re
from dataclasses import dataclass
from typing import Any

HEADER = re.compile(r"""^\s*(\[\[?)\s*policy\s*\.\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*(?:\.\s*"?(\w+)"?)?""")
KEY = re.compile(r"""^\s*(?:"([^"]+)"|([\w-]+))\s*[=.]""")


@dataclass(frozen=True)
class _Place:
    """One line and what it belongs to: policy, number of its step, key that began here or above."""

    policy: str | None
    step: int | None
    key: str | None
    text: str


class Lines:
    """The lines of one file, each with its place."""

    def __init__(self, text: str) -> None:
        self._places = _places(text.splitlines())
        self._of_policy: dict[str | None, list[int]] = {}
        for n, place in enumerate(self._places):
            self._of_policy.setdefault(place.policy, []).append(n)

    def find(self, at: tuple[Any, ...], spot: str = "") -> int:
        """Return the line, from 1, of (policy, step or key, key, table in its list); of `spot` there when it is."""
        policy = at[0] if at and at[0] != "zone" else None
        step, table = [*(p for p in at[1:] if isinstance(p, int)), None, None][:2]
        keys = [p for p in reversed(at[0 if policy is None else 1 :]) if isinstance(p, str)]
        whole = self._lines(policy, step)
        # `days` stands in a line of its own or in its table's: the innermost key that begins a line says where.
        key = next((k for k in keys if any(self._places[n].key == k for n in whole)), None)
        lines = [n for n in whole if key is None or self._places[n].key == key] or [0]
        if table is not None and key == "notify":
            lines = self._table(lines, table) or lines
        if policy is None and key is None and spot:
            anywhere = [n for n, place in enumerate(self._places) if spot in place.text]
            lines = [n for n in whole if self._places[n].key == spot] or anywhere or lines
        if spot:
            return next((n for n in lines if _has(self._places[n].text, spot)), lines[0]) + 1
        return lines[0] + 1

    def _lines(self, policy: str | None, step: int | None) -> list[int]:
        mine = self._of_policy.get(policy, [])
        return [n for n in mine if self._places[n].step == step] or mine

    def _table(self, lines: list[int], table: int) -> list[int]:
        """Return those of these lines in which the list's table of this number stands, inline as it is."""
        mine, number, depth = [], -1, 0
        for n in lines:
            inside = depth > 0 and number == table
            for sign in re.findall("[{}]", _bare(self._places[n].text)):
                number += sign == "{" and depth == 0
                inside = inside or number == table
                depth += 1 if sign == "{" else -1
            if inside:
                mine.append(n)
        return mine


def _has(line: str, spot: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(spot)}(?![\w-])", line) is not None


def _places(lines: list[str]) -> list[_Place]:
    places = []
    policy: str | None = None
    step: int | None = None
    key: str | None = None
    counts: dict[str, int] = {}
    depth = 0
    for line in lines:
        header = HEADER.match(line) if depth == 0 else None
        if header:
            policy = next((g for g in header.groups()[1:4] if g is not None), "")
            if header[1] == "[[":
                step = counts[policy] = counts.get(policy, -1) + 1
                key = None
            else:
                step, key = None, header[5]
        elif depth == 0 and (found := KEY.match(line)):
            key = found[1] or found[2]
        if header is None:
            depth = max(0, depth + _opened(line))
        places.append(_Place(policy, step, key, line))
    return places


def _opened(line: str) -> int:
    """Brackets left open by a line, strings and comments aside."""
    bare = _bare(line)
    return sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")


def _bare(line: str) -> str:
    return re.sub(r'"[^"]*"|\'[^\']*\'|#.*', "", line)
