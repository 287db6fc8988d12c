"""A dry run in words: who would be called when and how, and why a step is passed over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from alerts.dry_run import Call, DryRun, Moment, Passed, Why, elapsed
from alerts.model import Purpose
from alerts.policy import wall_clock
from alerts.policy_vocabulary import Vocabulary, vocabulary
from alerts.policy_words import clock, hours_in_words


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: `kind` is head, step, call, passed, left or note. `clock` counts from the alert, `wall` is hers."""

    kind: str
    text: str
    clock: str = ""
    wall: str = ""


SENTENCES: dict[str, tuple[str, str]] = {
    "head": ("{kind}，{severity}：预案“{policy}”", "{kind}, {severity}: policy “{policy}”"),
    "asking": ("先询问本人，可取消；还没有通知任何人", "the wearer is asked and may cancel; nobody is called yet"),
    "step": ("第 {n} 步", "step {n}"),
    "again": ("第 {n} 步再响一次，以后一直这样重复", "step {n} rings again, and so on until somebody takes it"),
    "call": ("{who}（{role}）：{ways}", "{who} ({role}): {ways}"),
    "notice": ("{who}（{role}）知会：{ways}", "{who} ({role}), for information: {ways}"),
    "outside_hours": ("跳过第 {n} 步：不在 {hours}", "step {n} is passed over: it is not {hours}"),
    "nobody_to_call": ("跳过第 {n} 步：没有可叫的{roles}", "step {n} is passed over: nobody to call among {roles}"),
    "waits": ("第 {n} 步没有可叫的{roles}，仍等到时间", "step {n} waits all the same: nobody to call among {roles}"),
    "everybody": ("最后一步无人可叫：通知所有能叫到的人", "the last step has nobody: everybody who can be called"),
    "nobody": ("谁也叫不到！", "nobody at all can be reached!"),
    "off_duty": ("不当班：{people}", "off duty: {people}"),
    "no_contact": ("没有联系方式：{people}", "no way to reach: {people}"),
    "farther": ("更近的人已叫：{people}", "others are nearer: {people}"),
    "cut_off": ("预案太长，只演示到这里", "the policy is too long: shown so far"),
}  # fmt: skip


def tell(run: DryRun, names: Mapping[int, str], lang: str) -> tuple[Line, ...]:
    """Return the run line by line; people without a name are said by their number."""
    return tuple(_Teller(run, names, lang).lines())


def text(lines: tuple[Line, ...]) -> str:
    """Return the lines as a table for a terminal."""
    indent = {"call": "    ", "left": "    "}
    return "\n".join(
        f"{line.clock:>8}  {line.wall:>8}  {indent.get(line.kind, '')}{line.text}".rstrip() for line in lines
    )


class _Teller:
    def __init__(self, run: DryRun, names: Mapping[int, str], lang: str) -> None:
        self._run = run
        self._names = names
        self._column = 0 if lang.startswith("zh") else 1
        self._words: Vocabulary = vocabulary(lang)

    def lines(self) -> Iterator[Line]:
        alert, policy = self._run.alert, self._run.policy
        kind, severity = self._words.kinds[alert.kind], self._words.severities[alert.severity]
        yield self._line("head", self._say("head", kind=kind, severity=severity, policy=policy.name), None)
        rung: set[int] = set()
        for moment in self._run.moments:
            yield from self._moment(moment, again=moment.step in rung)
            if moment.calls:
                rung.add(moment.step)
        if not self._run.whole:
            yield self._line("note", self._say("cut_off"), None)

    def _moment(self, moment: Moment, *, again: bool) -> Iterator[Line]:
        if moment.asking:
            yield self._line("note", self._say("asking"), moment.at)
            return
        for passed in moment.passed:
            yield from self._passed(passed, moment, waits=passed.step == moment.step and not moment.calls)
        if moment.everybody:
            yield self._line("note", self._say("everybody"), moment.at)
        if not moment.calls:
            if moment.step == self._run.policy.last:
                yield self._line("note", self._say("nobody"), moment.at)
            return
        yield self._line("step", self._say("again" if again else "step", n=moment.step + 1), moment.at)
        for (at, _, purpose), calls in groupby(moment.calls, key=lambda c: (c.at, c.person_id, c.purpose)):
            yield self._call(at, purpose, list(calls))
        for why in Why:
            if people := [self._who(left.person_id) for left in moment.left if left.why is why]:
                yield self._line("left", self._say(why, people=self._words.comma.join(people)), None)

    def _call(self, at: datetime, purpose: Purpose, calls: list[Call]) -> Line:
        ways = self._words.comma.join(self._words.channels.get(c.channel, c.channel) for c in calls)
        key = "call" if purpose is Purpose.ALARM else "notice"
        first = calls[0]
        role = self._words.roles[first.role]
        return self._line("call", self._say(key, who=self._who(first.person_id), role=role, ways=ways), at)

    def _passed(self, passed: Passed, moment: Moment, *, waits: bool) -> Iterator[Line]:
        only = self._run.policy.rung(passed.step).only
        hours = hours_in_words(only, self._words) if only else ""
        roles = self._words.comma.join(self._words.roles[r] for r in passed.roles)
        last = passed.step == self._run.policy.last
        key = "waits" if waits and not last and passed.why == "nobody_to_call" else passed.why
        yield self._line("passed", self._say(key, n=passed.step + 1, hours=hours, roles=roles), moment.at)
        for why in Why:
            if people := [self._who(left.person_id) for left in passed.left if left.why is why]:
                yield self._line("left", self._say(why, people=self._words.comma.join(people)), None)

    def _line(self, kind: str, said: str, at: datetime | None) -> Line:
        if at is None:
            return Line(kind=kind, text=said)
        wall = wall_clock(self._run.policy.zone, at)
        return Line(kind=kind, text=said, clock=clock(_whole(elapsed(self._run, at))), wall=f"{wall:%H:%M:%S}")

    def _say(self, key: str, **facts: object) -> str:
        return SENTENCES[key][self._column].format(**facts)

    def _who(self, person_id: int) -> str:
        return self._names.get(person_id, str(person_id))


def _whole(span: timedelta) -> timedelta:
    return timedelta(seconds=span.total_seconds() // 1)
