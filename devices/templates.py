"""A small, safe reader of the value templates that discovery messages carry. Nothing in them is ever evaluated.

Understood are a way into the JSON (`value_json.a.b`, `value_json['a'][0]`, `value`), the filters that change no
meaning, and one choice between two words. Anything else is no template of ours: the entity then says nothing, instead
of something wrong.
"""

import json
import re
from typing import Any, TypeAlias

import msgspec

LONGEST = 400  # characters of a template; those that bridges write have 30
DEEPEST = 8

Step: TypeAlias = str | int


class Way(msgspec.Struct, frozen=True):
    """Where in a payload a value stands; `whole` is the payload itself."""

    steps: tuple[Step, ...] = ()
    whole: bool = False
    scale: float = 1.0


class Choice(msgspec.Struct, frozen=True):
    """One word if the value is as asked, else another. Without `equals` it is asked whether the value is true."""

    way: Way
    then: str
    otherwise: str
    equals: str | None = None


Template: TypeAlias = Way | Choice

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_STEP = rf"\.{_NAME}|\[\s*'[^'\[\]]{{1,64}}'\s*\]|\[\s*\"[^\"\[\]]{{1,64}}\"\s*\]|\[\s*\d{{1,3}}\s*\]"
_VALUE = rf"(?P<value>value_json(?:{_STEP})*|value)"
# Filters that leave the meaning of a value as it is; `multiply` changes its unit, and is counted in.
_FILTER = r"(?:float|int|string|lower|upper|trim|is_defined|bool|round|default|multiply)(?:\([^()|]{0,40}\))?"
_FILTERS = rf"(?P<filters>(?:\s*\|\s*{_FILTER})*)"
_WORD = r"(?:'([^'{}]{0,40})'|\"([^\"{}]{0,40})\"|(true|false|True|False))"
_PLAIN = re.compile(rf"\{{\{{-?\s*{_VALUE}{_FILTERS}\s*-?\}}\}}")
_TEST = rf"(?:\s*(?:==|is|is\s+eq|eq)\s*(?P<equals>{_WORD}|-?\d{{1,9}}))?"
_INLINE = re.compile(
    rf"\{{\{{-?\s*(?P<then>{_WORD})\s+if\s+\(?\s*{_VALUE}{_FILTERS}{_TEST}\s*\)?\s+else\s+(?P<other>{_WORD})\s*-?\}}\}}"
)
_BLOCK = re.compile(
    rf"\{{%-?\s*if\s+\(?\s*{_VALUE}{_FILTERS}{_TEST}\s*\)?\s*-?%\}}\s*(?P<then>[^{{}}]{{0,40}}?)\s*"
    rf"\{{%-?\s*else\s*-?%\}}\s*(?P<other>[^{{}}]{{0,40}}?)\s*\{{%-?\s*endif\s*-?%\}}"
)
_ONE_STEP = re.compile(rf"\.({_NAME})|\[\s*(?:'([^']+)'|\"([^\"]+)\"|(\d+))\s*\]")


def parse(template: str | None) -> Template | None:
    """Return what a template asks for, the payload itself without one, None for one that is not understood."""
    if template is None or template.strip() == "":
        return Way(whole=True)
    text = template.strip()
    if len(text) > LONGEST:
        return None
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return _way(plain)
    choice = _INLINE.fullmatch(text) or _BLOCK.fullmatch(text)
    way = None if choice is None else _way(choice)
    if choice is None or way is None:
        return None
    equals = choice["equals"]
    return Choice(
        way, _unquoted(choice["then"]), _unquoted(choice["other"]), None if equals is None else _unquoted(equals)
    )


def _unquoted(word: str) -> str:
    return word[1:-1] if word[:1] in ("'", '"') else word


def _way(found: re.Match[str]) -> Way | None:
    path = found["value"]
    scale = 1.0
    for factor in re.findall(r"multiply\(\s*([0-9.]{1,12})\s*\)", found["filters"]):
        try:
            scale *= float(factor)
        except ValueError:
            return None
    if path == "value":
        return Way(whole=True, scale=scale)
    steps: list[Step] = []
    for dotted, single, double, index in _ONE_STEP.findall(path):
        steps.append(int(index) if index else dotted or single or double)
    return Way(tuple(steps), scale=scale) if len(steps) <= DEEPEST else None


def value(template: Template, payload: str, parsed: Any) -> Any:
    """Return what a template finds in a payload; None if it is not there.

    Args:
        payload: the message as text.
        parsed: the same as JSON, None if it is none.
    """
    if isinstance(template, Choice):
        found = value(template.way, payload, parsed)
        if found is None:
            return None  # what is missing is unknown: the other word would say that all is well
        met = bool(found) and found not in ("off", "OFF", "false") if template.equals is None else said(found) == said(
            template.equals
        )  # fmt: skip
        return template.then if met else template.otherwise
    found = payload if template.whole else parsed
    for step in template.steps:
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return None
    if template.scale != 1.0 and isinstance(found, int | float) and not isinstance(found, bool):
        return found * template.scale
    return found


def said(found: Any) -> str:
    """Return a value as a template writes it, for comparing: true, True and "true" are one word."""
    if isinstance(found, bool):
        return "true" if found else "false"
    return found.strip().lower() if isinstance(found, str) else json.dumps(found).lower()
