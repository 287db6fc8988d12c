"""Says why an alert was raised: one sentence a finding, of its own evidence, in Chinese and English. Pure.

Never raw JSON and never nothing: what no clause names is told under a plain name, and a rule that nobody wrote a
sentence for by its name and its figures.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from alerts import witnesses
from alerts.model import AlertKind, Role
from hub.catalogue import LANGUAGES, counted, pick, speaker, texts
from hub.channels.wording import SEES_VITALS
from hub.store.console import Row

Facts: TypeAlias = Mapping[str, Any]
_NAMED = re.compile(r"\{(\w+)")
# Told by others of the facts, or by the line that stands beside the sentence.
QUIET = frozenset({
    "code", "stage", "native", "agree", "signs", "components", "missing", "ages_min", "last", "why", "spo2_scale",
    "confidence", "baseline_min", "still_min", "unseen_min", "silent_s", "deadline_s", "home_moved",
    "unworn_min",
})  # fmt: skip
# A length of time that clauses name -> the fact, and how many of its units a minute has.
SPANS = {
    "still": ("still_min", 1), "unseen": ("unseen_min", 1), "baseline": ("baseline_min", 1), "quiet": ("silent_s", 60),
    "deadline": ("deadline_s", 60), "unworn": ("unworn_min", 1),
}  # fmt: skip
EITHER = frozenset({"T1", "T2"})  # what happened is said by the device, or found by this system: one of two clauses
FOR_ALL = frozenset({"B1", "B7"})  # how urgent it is, and where to look; other habits are nobody's business
EVIDENCE_OF = {"rr": "respiration_rpm", "spo2": "spo2_pct", "sbp": "systolic_mmhg", "hr": "heart_rate_bpm",
               "temp": "temperature_c"}  # fmt: skip
MEASURED = "VB"  # families of rules; of others their kind says it all
V8_PARTS = "clause.V8.3"  # what her score is made of
LONGEST = 200  # characters of one fact
MOST = 12  # facts of a list
UNREADABLE = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


def _clauses() -> dict[str, list[str]]:
    """Each rule's clauses in their order, as keys `clause.<rule>.<n>`: the first says what happened."""
    found: dict[str, list[str]] = {}
    for key in texts(LANGUAGES[0]):
        rule, _, n = key.removeprefix("clause.").rpartition(".")
        if key.startswith("clause.") and n.isdecimal():
            found.setdefault(rule, []).append(key)
    return {rule: sorted(keys, key=lambda key: int(key.rpartition(".")[2])) for rule, keys in found.items()}


CLAUSES = _clauses()


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Something that was found, perhaps more than once with the same words."""

    rule: str
    text: str
    device: str
    at: datetime  # when last
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A device that told of a fall: what it said, stage by stage, and what it took back."""

    device: str
    lines: Sequence[tuple[datetime, str, bool]]  # when, what, whether it took back


@dataclass(frozen=True, kw_only=True)
class Fall:
    number: int  # 0 when it is the only one
    began_at: datetime
    witnesses: Sequence[Witness]


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a case is open."""

    falls: Sequence[Fall]
    reasons: Sequence[Reason]


def why(alerts: Sequence[Row], cancels: Sequence[Row], language: str) -> Why:
    """Return what the case page says about its alerts; newest first, falls apart with who saw each."""
    told = sorted((a for a in alerts if a["kind"] == AlertKind.FALL), key=lambda a: (a["raised_at"], a["alert_id"]))
    rest = [a for a in alerts if a["kind"] != AlertKind.FALL]
    return Why(falls=_falls(told, cancels, language), reasons=_reasons(rest, language))


def sentence(rule: str | None, evidence: Facts, language: str) -> str:
    """Return why, in one sentence; a case opens whatever somebody has put into its evidence."""
    speaks = _Speaker(language)
    try:
        return _sentence(speaks, rule or "", evidence)
    except UNREADABLE:
        return speaks.joined([speaks.t(f"rule.{rule}") if rule else speaks.t("why_not_said")])


def _sentence(speaks: "_Speaker", rule: str, evidence: Facts) -> str:
    facts = speaks.facts(evidence)
    clauses = CLAUSES.get(rule, ())
    used = {name for clause in clauses for name in _NAMED.findall(speaks.said[clause])}
    if "parts" in used:
        used |= set(EVIDENCE_OF.values())
    said = [text for clause in clauses if (text := speaks.clause(clause, facts))]
    if not any(speaks.clause(clause, facts) for clause in clauses[: 2 if rule in EITHER else 1]):
        said.insert(0, speaks.t(f"rule.{rule}") if rule else speaks.t("why_not_said"))
    if "confidence" in facts:
        said.append(speaks.clause("clause.confidence", facts) or "")
    left = {name: value for name, value in evidence.items() if name not in used | QUIET and value not in (None, "")}
    said += [speaks.plain(name, value) for name, value in list(left.items())[:MOST]]
    return speaks.joined(list(dict.fromkeys(said)))


def short(kind: str, rule: str | None, evidence: Facts, role: Role, language: str) -> str:
    """Return what was measured, for somebody on his way: no limit, no baseline, no judgement of hers.

    That it is a vital sign is itself a diagnosis: only whom it helps to bring the right help sees one. So with habits.
    """
    if not rule or rule[0] not in MEASURED:
        return ""
    if role not in SEES_VITALS and (kind == AlertKind.VITALS or rule not in FOR_ALL):
        return ""
    speaks = _Speaker(language)
    clauses = CLAUSES.get(rule, ())
    try:
        if rule == "V8":
            return speaks.clause(V8_PARTS, speaks.facts({**evidence, "components": None})) or ""
        return (speaks.clause(clauses[0], speaks.facts(evidence)) or "") if clauses else ""
    except UNREADABLE:
        return ""


def _reasons(alerts: Sequence[Row], language: str) -> list[Reason]:
    found: dict[tuple[str, str, str], Reason] = {}
    for alert in sorted(alerts, key=lambda a: a["raised_at"], reverse=True):
        text = sentence(alert["rule"], alert["evidence"], language)
        key = (alert["rule"] or "", text, device(alert, language))
        before = found.get(key)
        at = before.at if before else alert["raised_at"]
        found[key] = Reason(rule=key[0], text=text, device=key[2], at=at, times=before.times + 1 if before else 1)
    return list(found.values())


def _falls(told: Sequence[Row], cancels: Sequence[Row], language: str) -> list[Fall]:
    numbers = witnesses.falls([a["raised_at"] for a in told])
    falls: list[Fall] = []
    for number in dict.fromkeys(numbers):
        its = [a for a, n in zip(told, numbers, strict=True) if n == number]
        later = [a["raised_at"] for a, n in zip(told, numbers, strict=True) if n == number + 1]
        began = its[0]["raised_at"]
        until = later[0] if later else None
        back = [c for c in cancels if c["at"] >= began - timedelta(seconds=1) and (until is None or c["at"] < until)]
        count = len(set(numbers))
        falls.append(Fall(
            number=number + 1 if count > 1 else 0, began_at=began, witnesses=_witnesses(its, back, language),
        ))  # fmt: skip
    return falls[::-1]


def _witnesses(told: Sequence[Row], cancels: Sequence[Row], language: str) -> list[Witness]:
    lines: dict[str, list[tuple[datetime, str, bool]]] = {}
    for alert in told:
        text = sentence(alert["rule"], alert["evidence"], language)
        lines.setdefault(device(alert, language), []).append((alert["raised_at"], text, False))
    for cancel in cancels:
        who = device(cancel, language) if cancel["actor"].startswith("device:") else cancel.get("name") or ""
        lines.setdefault(who, []).append((cancel["at"], _cancel(cancel, language), True))
    return [Witness(device=who, lines=sorted(said)) for who, said in lines.items()]


def _cancel(cancel: Row, language: str) -> str:
    t = speaker(language)
    what, after = t(f"why_{cancel['what']}"), cancel["body"].get("after_s")
    return t("why_cancel_after", what=what, n=after) if isinstance(after, int) else what


def device(row: Row, language: str) -> str:
    """Return what a device is called on the page."""
    name = row.get("model") or row.get("address") or speaker(language)("why_no_device")
    return f"{name} · {row['room']}" if row.get("room") else str(name)


class _Speaker:
    """One language: makes figures and words of evidence."""

    def __init__(self, language: str) -> None:
        self.said = texts(pick(language))
        self.t: Callable[..., str] = speaker(language)

    def clause(self, key: str, facts: Facts) -> str | None:
        """Return a clause, None when something it names is not known."""
        # Named in either language: the Chinese of a clause may not need to say what the English does.
        names = {name for language in LANGUAGES for name in _NAMED.findall(texts(language)[key])}
        return self.said[key].format(**counted(facts)) if names <= facts.keys() else None

    def joined(self, said: Sequence[str]) -> str:
        """What happened and against what, then how we know."""
        text = self.t("why_then").join([self.t("comma").join(said[:2]), *said[2:]])
        return text[:1].upper() + text[1:]

    def word(self, kind: str, name: object) -> str:
        return self.said.get(f"{kind}.{name}") or str(name).replace("_", " ")[:LONGEST]

    def plain(self, name: str, value: object) -> str:
        return f"{self.word('fact', name)} {self.value(value)}"

    def value(self, value: object) -> str:
        """Return any value as people write it: never brackets and quotes."""
        if isinstance(value, bool):
            return self.t("yes" if value else "no")
        if isinstance(value, float):
            return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
        if isinstance(value, Mapping):
            pairs = [f"{self.word('fact', k)} {self.value(v)}" for k, v in list(value.items())[:MOST]]
            return self.t("and").join(pairs)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return self.t("and").join(self.value(one) for one in value[:MOST])
        return str(value)[:LONGEST]

    def span(self, minutes: float) -> str:
        """Return a length of time in minutes, or in hours where those say it shorter."""
        if minutes < 120:
            return self.t("minutes", n=max(1, round(minutes)))
        return self.t("hours_n", n=self.value(round(minutes / 60, 1)))

    def facts(self, evidence: Facts) -> dict[str, Any]:
        """Return what clauses may name: the evidence that is known, and what follows from it."""
        known = {name: value for name, value in evidence.items() if value not in (None, "", [], {})}
        told = {n: v if type(v) is int else self.value(v) for n, v in known.items() if not isinstance(v, Mapping)}
        return {**told, **{name: text for name, text in self._derived(known).items() if text}}

    def _derived(self, e: Facts) -> dict[str, str | None]:
        ages = e.get("ages_min")
        return {
            **{name: self.span(e[of] / unit) for name, (of, unit) in SPANS.items() if _positive(e.get(of))},
            "stated": self._stated(e),
            "weak": self._weak(e.get("signs")),
            "agreeing": self._agreeing(e.get("agree")),
            "last_sign": self.word("sign", e["last"]) if e.get("last") not in (None, "unknown") else None,
            "at_home": self.t("fact.at_home") if e.get("home_moved") else None,
            "parts": self._parts(e),
            "unknown": self._unknown(e.get("missing")),
            "oldest": str(max(ages.values())) if isinstance(ages, Mapping) and ages else None,
            "scale2": self.t("fact.scale_2") if e.get("spo2_scale") == 2 else None,
            "how_known": self.word("sign", e["why"]) if "why" in e else None,
        }

    def _stated(self, e: Facts) -> str | None:
        code, stage = e.get("code"), e.get("stage")
        if code is None:
            return None
        known = self.said.get(f"stated.{code}.{stage}") or self.said.get(f"stated.{code}")
        return known or str(code).rpartition(".")[2].replace("_", " ")[:LONGEST]

    def _weak(self, signs: object) -> str | None:
        if not isinstance(signs, Sequence) or isinstance(signs, str):
            return None
        said = []
        for sign in signs[:MOST]:
            if isinstance(sign, Mapping):
                what = self.word("sign", sign.get("sign"))
                since = sign.get("since")
                said.append(self.t("fact.since_when", what=what, at=since) if since else what)
            else:
                said.append(self.word("sign", sign))
        return self.t("and").join(said) or None

    def _agreeing(self, agree: object) -> str | None:
        if not isinstance(agree, Mapping):
            return None
        return self.t("and").join(self.t("fact.since_when", what=self.word("sign", k), at=v) for k, v in agree.items())

    def _parts(self, e: Facts) -> str | None:
        """What the early-warning score is made of, the worst first."""
        points = e.get("components") if isinstance(e.get("components"), Mapping) else None
        if points is None:
            measured = [(part, e[name]) for part, name in EVIDENCE_OF.items() if e.get(name) is not None]
            return self.t("and").join(f"{self.word('vital', p)} {self.value(v)}" for p, v in measured) or None
        said = []
        for part, score in sorted(points.items(), key=lambda one: -one[1]):
            value = e.get(EVIDENCE_OF.get(part, ""))
            form = "fact.points_only" if value is None else "fact.points"
            named = self.word("vital", part)
            said.append(self.t(form, part=named, value=self.value(value), points=score))
        return self.t("and").join(said) or None

    def _unknown(self, missing: object) -> str | None:
        if not isinstance(missing, Sequence) or isinstance(missing, str):
            return None
        return self.t("and").join(self.word("vital", part) for part in missing) or None


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
