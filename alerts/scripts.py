"""What an operator asks and does, step by step, by what happened and what is known of the resident. Plain rules.

A text in TOML holds scripts; each is for kinds of alerts and for risks, and those of more risks come first. It never
decides anything: it proposes, and an operator ticks.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from alerts.model import AlertKind, Service

MOST_SCRIPTS, MOST_STEPS, MOST_SHOWN = 100, 20, 14
LONGEST_TEXT, LONGEST_LINE = 300, 65_536  # characters of a step, bytes of a whole text
LANGUAGES = ("zh", "en")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Sort(StrEnum):
    """What kind of step it is."""

    ASK = "ask"
    DO = "do"
    CALL = "call"  # a service to be joined, proposed beside its key


class When(StrEnum):
    """Whether she speaks, as far as a step depends on it."""

    ALWAYS = "always"
    SPEECH = "speech"
    NO_SPEECH = "no_speech"


class Said(StrEnum):
    """How a step was ticked. `open` takes a tick back."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Step:
    name: str
    sort: Sort
    when: When
    service: Service | None  # of a call; of a question, when the answer is yes
    say: Mapping[str, str]  # zh, en, and dialects by the name they have on a resident's card

    def text(self, language: str, speaks: str = "") -> str:
        """Return it in the operator's language, and as the resident would say it where that is written."""
        plain = self.say["en" if language.startswith("en") else "zh"]
        own = self.say.get(speaks, "")
        return f"{plain} 「{own}」" if own else plain


@dataclass(frozen=True, kw_only=True)
class Script:
    name: str
    kinds: frozenset[AlertKind]  # empty: whatever happened
    risks: frozenset[str]  # all of them must be hers
    steps: tuple[Step, ...]


class ScriptError(ValueError):
    """A text cannot be used; `faults` says all that is wrong, each in Chinese and English."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(english for _, english in faults))
        self.faults = tuple(faults)


def read(text: str) -> tuple[Script, ...]:
    """Return the scripts of a text.

    Raises:
        ScriptError: Everything that is wrong with it at once.
    """
    faults: list[tuple[str, str]] = []
    if len(text.encode()) > LONGEST_LINE:
        raise ScriptError([("全文超过 64 KiB", "the text is longer than 64 KiB")])
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScriptError([(f"不是 TOML：{error}", f"this is no TOML: {error}")]) from None
    given = table.pop("script", [])
    faults += [(f"不认识 {key!r}", f"{key!r} is unknown; write [[script]]") for key in table]
    if not isinstance(given, list) or not given or len(given) > MOST_SCRIPTS:
        faults.append((f"[[script]] 应有 1 到 {MOST_SCRIPTS} 个", f"write 1 to {MOST_SCRIPTS} [[script]]"))
        given = []
    scripts = [_script(each, number, faults) for number, each in enumerate(given, 1)]
    names = [script.name for script in scripts]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        faults.append((f"脚本 {name} 写了两次", f"script {name} stands there twice"))
    if faults:
        raise ScriptError(faults)
    return tuple(scripts)


def choose(
    scripts: Iterable[Script], kinds: Collection[AlertKind], risks: Collection[str], *, no_speech: bool
) -> tuple[Step, ...]:
    """Return the steps for a case: those of more of her risks first, each once, and no more than fit beside a case."""
    meant = [s for s in scripts if (not s.kinds or s.kinds & set(kinds)) and s.risks <= set(risks)]
    away = When.SPEECH if no_speech else When.NO_SPEECH
    found: dict[str, Step] = {}
    for script in sorted(meant, key=lambda s: (-len(s.risks), not s.kinds)):
        for step in script.steps:
            if step.when is not away:
                found.setdefault(step.name, step)
    ordered = sorted(found.values(), key=lambda step: step.sort is not Sort.CALL)  # whom to call stands on top
    return tuple(ordered[:MOST_SHOWN])


def proposed(steps: Iterable[Step], said: Mapping[str, Said]) -> tuple[Service, ...]:
    """Return the services that these steps, as far as they are answered, call for."""
    found = [
        step.service for step in steps
        if step.service and (said.get(step.name) is Said.YES if step.sort is Sort.ASK else said.get(step.name) is None)
    ]  # fmt: skip
    return tuple(dict.fromkeys(found))


def _script(given: Any, number: int, faults: list[tuple[str, str]]) -> Script:
    where = f"script {number}"
    if not isinstance(given, dict):
        faults.append((f"{where}：应为表", f"{where}: write a table"))
        given = {}
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        faults.append((f"{where}：name 应为小写字母", f"{where}: name is lower-case letters, digits and _"))
        name = ""
    where = f"{where} {name}".rstrip()
    _unknown(given, {"name", "kinds", "risks", "step"}, where, faults)
    steps = given.get("step", [])
    if not isinstance(steps, list) or not 0 < len(steps) <= MOST_STEPS:
        faults.append((f"{where}：应有 1 到 {MOST_STEPS} 步", f"{where}: write 1 to {MOST_STEPS} [[script.step]]"))
        steps = []
    return Script(
        name=name, kinds=frozenset(_kinds(given.get("kinds", []), where, faults)),
        risks=frozenset(_words(given.get("risks", []), f"{where}: risks", faults)),
        steps=tuple(_step(each, f"{where} step {n}", faults) for n, each in enumerate(steps, 1)),
    )  # fmt: skip


def _step(given: Any, where: str, faults: list[tuple[str, str]]) -> Step:
    if not isinstance(given, dict):
        faults.append((f"{where}：应为表", f"{where}: write a table"))
        given = {}
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        faults.append((f"{where}：name 应为小写字母", f"{where}: name is lower-case letters, digits and _"))
        name = where
    sort = _one_of(Sort, given.get("sort", "do"), f"{where}: sort", faults) or Sort.DO
    service = _one_of(Service, given["service"], f"{where}: service", faults) if "service" in given else None
    if sort is Sort.CALL and service is None:
        faults.append((f"{where}：请写 service", f"{where}: a call names its service, 120, 119 or 110"))
    if sort is Sort.DO and service is not None:
        faults.append((f"{where}：do 没有 service", f"{where}: only ask and call have a service"))
    say = {key: value for key, value in given.items() if key not in ("name", "sort", "when", "service")}
    faults += [(f"{where}：缺 {key}", f"{where}: {key} is missing") for key in LANGUAGES if key not in say]
    for key, value in say.items():
        if not isinstance(value, str) or not 0 < len(value.strip()) <= LONGEST_TEXT or len(key) > 20:
            faults.append((f"{where}：{key:.20} 应为 1 到 300 字", f"{where}: {key:.20} is 1 to 300 characters"))
    return Step(
        name=name, sort=sort, when=_one_of(When, given.get("when", "always"), f"{where}: when", faults) or When.ALWAYS,
        service=service, say={key: str(value) for key, value in say.items()},
    )  # fmt: skip


def _one_of(of: Any, value: Any, where: str, faults: list[tuple[str, str]]) -> Any:
    try:
        return of(value)
    except ValueError:
        choice = ", ".join(each.value for each in of)
        faults.append((f"{where}：只能是 {choice}", f"{where}: one of {choice}"))
        return None


def _kinds(given: Any, where: str, faults: list[tuple[str, str]]) -> list[AlertKind]:
    found = [_one_of(AlertKind, word, f"{where}: kinds", faults) for word in _words(given, f"{where}: kinds", faults)]
    return [kind for kind in found if kind is not None]


def _words(given: Any, where: str, faults: list[tuple[str, str]]) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        faults.append((f"{where}：应为词的列表", f"{where}: write a list of words"))
        return []
    return given


def _unknown(given: Mapping[str, Any], known: set[str], where: str, faults: list[tuple[str, str]]) -> None:
    faults += [(f"{where}：不认识 {key:.40}", f"{where}: {key:.40} is unknown") for key in sorted(given.keys() - known)]
