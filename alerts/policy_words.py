"""A policy's timeline in words, Chinese and English, for somebody who never saw the file it was written in."""

from collections.abc import Iterator
from datetime import timedelta

from alerts.model import AlertKind, Role, Severity
from alerts.policy import Day, EscalationPolicy, IfEmpty, Order, Step, Target, When, Window
from alerts.policy_values import hours_of
from alerts.policy_vocabulary import ZH, Vocabulary, vocabulary

ALWAYS_ASKED = frozenset({Role.FAMILY, Role.AMBULANCE})  # nobody looks whether they are on duty


def timeline(policy: EscalationPolicy, lang: str) -> str:
    """See `alerts.policy.explain`. Times count from the opening, no step being empty and nobody taking it."""
    w = vocabulary(lang)
    lines = [policy.name, _applies(policy.when, w)]
    if AlertKind.FALL in policy.when.kinds and policy.countdown is not None:
        lines.append(w.asks_first.format(time=span(policy.countdown, w)) if policy.countdown else w.no_countdown)
    at = timedelta(0)
    for number, step in enumerate(policy.steps, start=1):
        lines += _step(policy, step, number, at, w)
        at += step.wait
    if any(len(t.channels) > 1 for s in policy.steps for t in s.notify):
        lines.append(w.ladder)
    lines.append(w.nobody)
    for sentence, time in (
        (w.expires, policy.ack_expires),
        (w.on_the_way, policy.arrival_expires),
        (w.on_scene, policy.scene_expires),
        (w.holds, policy.hold_max),
        (w.closes, policy.closing_every),
    ):
        lines.append(sentence.format(time=span(time, w)))
    return "\n".join(lines)


def clock(at: timedelta) -> str:
    """Minutes and seconds since the opening: 0:00, 0:10, 1:30; hours from 60 minutes."""
    seconds = round(at.total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


def span(duration: timedelta, w: Vocabulary) -> str:
    """90 s stays 90 seconds; 300 s is 5 minutes."""
    seconds = duration.total_seconds()
    for size, unit in ((3600, w.units[0]), (60, w.units[1])):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} {w.units[2]}"


def hours_in_words(window: Window, w: Vocabulary) -> str:
    """Return hours and days: 07:00–22:00, workdays."""
    days = [w.days[d] for d in Day if d in window.days]
    hours = w.all_day if window.start == window.end else hours_of(window)
    return w.comma.join([*days, hours] if days else [hours])


def _applies(when: When, w: Vocabulary) -> str:
    all_kinds, all_severities = when.kinds == frozenset(AlertKind), when.severities == frozenset(Severity)
    return w.applies.format(
        kinds=w.all_kinds if all_kinds else w.comma.join(w.kinds[k] for k in AlertKind if k in when.kinds),
        severities=w.all_severities
        if all_severities
        else w.comma.join(w.severities[s] for s in sorted(when.severities)),
        areas=w.everywhere if when.areas is None else w.comma.join(sorted(when.areas)),
        hours="" if when.between is None else w.only_at.format(hours=_spaced(hours_in_words(when.between, w), w)),
    )


def _step(policy: EscalationPolicy, step: Step, number: int, at: timedelta, w: Vocabulary) -> Iterator[str]:
    if number == len(policy.steps):
        yield w.last_step.format(at=clock(at), number=number, time=span(policy.repeat_last, w))
    else:
        yield w.step.format(at=clock(at), number=number, only=_only(step, w), time=span(step.wait, w))
    calls = [call for target in step.notify for call in _calls(target, at, w)]
    for when, who, ways in sorted(calls, key=lambda call: call[0]):
        yield w.call.format(at=clock(when), who=who, ways=ways)


def _only(step: Step, w: Vocabulary) -> str:
    """The hours of a step and what happens outside them, or only what happens when nobody is there."""
    passes = step.if_empty is IfEmpty.NEXT_NOW
    if step.only is None:
        return "" if passes else w.waits
    else_ = w.at_once if passes else w.waits_long
    return w.only.format(hours=_spaced(hours_in_words(step.only, w), w), else_=else_)


def _calls(target: Target, at: timedelta, w: Vocabulary) -> Iterator[tuple[timedelta, str, str]]:
    """Yield when, who and in which way, one for every time of the ladder."""
    role = w.roles[target.role]
    start = at
    if target.operator_confirms:
        yield at, w.roles[Role.OPERATOR], w.asked.format(role=role)
        if target.auto_after is None:
            return
        start = at + target.auto_after
    who = _who(target, role, w)
    if not target.channels:
        yield start, who, w.every_way
    for delay in sorted({r.delay for r in target.channels}):
        ways = w.comma.join(w.channels.get(r.channel, r.channel) for r in target.channels if r.delay == delay)
        yield start + delay, who, ways


def _who(target: Target, role: str, w: Vocabulary) -> str:
    how = []
    if target.operator_confirms:
        how.append(w.unconfirmed)
    if target.roster:
        how.append(w.roster.format(name=target.roster))
    if target.nearest:
        how.append(w.nearest.format(count=target.nearest))
    if target.role not in ALWAYS_ASKED and not target.roster and not target.nearest:
        how.append(w.on_duty)
    if target.order is Order.SEQUENTIAL:
        how.append(w.sequential.format(time=span(target.next_after, w)))
    elif target.role is Role.FAMILY:
        how.append(w.everyone)
    if target.fallback:
        how.append(w.fallback.format(people=w.comma.join(str(p) for p in target.fallback)))
    return w.who.format(role=role, how=w.comma.join(how)) if how else role


def _spaced(hours: str, w: Vocabulary) -> str:
    """A blank between a Chinese word and a figure, as it is set in print."""
    return f" {hours}" if w is ZH and hours[:1].isdigit() else hours
