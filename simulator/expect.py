"""What a story expects of the hub, [expect], and whether it came so.

Every word is a limit or a least; what a story does not say is not judged. That nothing is lost, invented, late or left
open is expected of every story without a word.
"""

from collections.abc import Sequence

import msgspec

from simulator.scenario import LineOf, Reader, Table
from simulator.verdict import Expected, Verdict

ALL = "all"  # instead of a kind: all of them together
KINDS = ("sos", "fall", "smoke", "gas", "water", "vitals", "stillness", "routine", "wandering", "silence", "device",
         "system")  # fmt: skip
LEVELS = {"answered 60s": ("answered", 60.0), "answered 180s": ("answered", 180.0), "door 45m": ("door", 2700.0),
          "door 60m": ("door", 3600.0)}  # fmt: skip


class Expect(msgspec.Struct, kw_only=True, frozen=True):
    """[expect]. None and empty: nothing is said about it."""

    cases: dict[str, int] = {}  # at most so many, by kind or in all
    calls: int | None = None  # cases in which somebody has to come
    false_alarms: dict[str, int] = {}  # at most so many alerts for which there was no reason
    found: dict[str, float] = {}  # of what happened, by the story's word: at least this share
    human_s: float | None = None  # the longest that anybody in need waits for somebody who takes it
    door_s: float | None = None  # … and for somebody at her door
    unanswered: int | None = None
    levels: tuple[str, ...] = ()  # service levels that hold
    other_name: int | None = None  # alerts under somebody's name while another wore her watch


def read(table: Table, line: LineOf, reader: Reader, words: Sequence[str]) -> Expect:
    """Read [expect].

    Args:
        table: as TOML has it.
        line: where a key stands.
        reader: the story's.
        words: what can happen in a story.

    Raises:
        ScenarioError: With the line and the reason.
    """
    reader.known(table, set(Expect.__struct_fields__) - {"human_s", "door_s"} | {"human", "door"}, line)

    def limits(key: str) -> dict[str, int]:
        given = table.get(key, {})
        by_kind = {ALL: given} if isinstance(given, int) and not isinstance(given, bool) else given
        if not isinstance(by_kind, dict) or not all(_whole(each) for each in by_kind.values()):
            raise reader.fault(line(key), f"write {key} = 3, or {key} = {{ vitals = 2, all = 3 }}: at most so many")
        if strange := sorted(set(by_kind) - {*KINDS, ALL}):
            raise reader.fault(line(key), f"{strange[0]} is no kind of alert: there are {', '.join((ALL, *KINDS))}")
        return by_kind

    found = table.get("found", {})
    found = dict.fromkeys(found, 1.0) if isinstance(found, list) else found
    if not isinstance(found, dict) or not all(_share(each) for each in found.values()):
        raise reader.fault(line("found"), 'write found = ["falls"], or found = { "gets a fever" = 0.5 }: one in two')
    if strange := sorted(set(found) - set(words)):
        raise reader.fault(line("found"), f"{strange[0]} is nothing that happens: there are {', '.join(words)}")
    levels = table.get("levels", [])
    if not isinstance(levels, list) or not set(levels) <= set(LEVELS):
        raise reader.fault(line("levels"), f"write levels as a list of {', '.join(LEVELS)}")
    for key in ("calls", "unanswered", "other_name"):
        if key in table and not _whole(table[key]):
            raise reader.fault(line(key), f"write {key} = 0: at most so many")
    human_s, door_s = (reader.seconds(table[key], line(key)) if key in table else None for key in ("human", "door"))
    return Expect(
        cases=limits("cases"), calls=table.get("calls"), false_alarms=limits("false_alarms"),
        found={k: float(v) for k, v in found.items()},
        human_s=human_s, door_s=door_s, unanswered=table.get("unanswered"), levels=tuple(levels),
        other_name=table.get("other_name"),
    )  # fmt: skip


def compared(expect: Expect, verdict: Verdict) -> list[Expected]:
    """Return each expectation beside what was."""
    out = [_most(f"cases: {kind}", most, verdict.cases.get(kind, 0)) for kind, most in expect.cases.items()]
    if expect.calls is not None:
        out.append(_most("calls", expect.calls, verdict.calls))
    false = verdict.false_alarms()
    out += [_most(f"false alarms: {kind}", most, false.get(kind, 0)) for kind, most in expect.false_alarms.items()]
    for word, share in expect.found.items():
        found, happened = verdict.found(word)
        met = happened > 0 and found >= share * happened
        out.append(Expected(what=f"found: {word}", wanted=f"≥ {share:.0%}", was=f"{found} / {happened}", met=met))
    for what, most_s, times in (("a human", expect.human_s, verdict.to_human_s), ("the door", expect.door_s,
                                                                                    verdict.to_door_s)):  # fmt: skip
        if most_s is not None:
            met = times is not None and times.worst <= most_s
            out.append(Expected(what=f"longest to {what}", wanted=f"≤ {most_s:g} s",
                                was="–" if times is None else f"{times.worst:.0f} s", met=met))  # fmt: skip
    if expect.unanswered is not None:
        out.append(_most("unanswered", expect.unanswered, verdict.unanswered))
    if expect.other_name is not None:
        shown = sum(len(each.shown) for each in verdict.lent)
        out.append(_most("alerts under another's name", expect.other_name, shown))
    for level in expect.levels:
        one = next(each for each in verdict.levels if (each.what, each.within_s) == LEVELS[level])
        was = "–" if one.reached is None else f"{one.reached:.1%}"
        met = one.reached is not None and one.reached >= one.wanted
        out.append(Expected(what=f"service level {level}", wanted=f"≥ {one.wanted:.1%}", was=was, met=met))
    return out


def _most(what: str, most: int, was: int) -> Expected:
    return Expected(what=what, wanted=f"≤ {most}", was=f"{was}", met=was <= most)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
