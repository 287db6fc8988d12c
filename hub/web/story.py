"""Tells an incident's event chain in words, in both languages. Bodies hold numbers; names are looked up to be shown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.catalogue import counted, pick, speaker, texts
from hub.store.console import Row
from hub.web.views import span

HIDDEN = frozenset({"noted"})  # the note itself stands in the timeline
PEOPLE = ("person", "by", "handler", "responder", "second_person", "person_id", "second_person_id")


def people(events: Iterable[Row]) -> set[int]:
    """Return everybody the events mention by number."""
    found: set[int] = set()
    for event in events:
        kind, _, number = event["actor"].partition(":")
        if kind == "person" and number.isdecimal():
            found.add(int(number))
        body = event["body"]
        found |= {v for k in PEOPLE if isinstance(v := body.get(k), int)}
        found |= {v for v in _many(body) if isinstance(v, int)}
    return found


def tell(events: Sequence[Row], notes: Sequence[Row], names: Mapping[int, str], language: str) -> list[Row]:
    """Return the timeline, latest first: {at, who, text, weight} with weight `key`, `plain` or `note`."""
    lines = [_line(event, names, language) for event in events if event["what"] not in HIDDEN]
    lines += [{"at": n["at"], "seq": 0, "who": n["name"] or "", "text": n["text"], "weight": "note"} for n in notes]
    return sorted(lines, key=lambda line: (line["at"], line["seq"]), reverse=True)


def _line(event: Row, names: Mapping[int, str], language: str) -> Row:
    body: Mapping[str, Any] = event["body"]
    template = texts(pick(language)).get(f"event.{event['what']}")
    facts = _Facts(body, names, language)
    if template:
        text = template.format_map(facts)
    else:
        text = " ".join([event["what"].replace("_", " "), *(f"{k}={v}" for k, v in body.items() if v is not None)])
    text += _late(event["what"], body, language)
    weight = "key" if event["what"] in KEY else "plain"
    who = actor(event["actor"], names, language)
    return {"at": event["at"], "seq": event["seq"], "who": who, "text": text, "weight": weight}


KEY = frozenset({
    "opened", "attached", "not_cancelled", "no_speech", "taken", "dispatched", "called", "made_real",
    "identified", "arrived", "proved", "presumed", "handed_over", "mistaken", "resolved", "closed", "cancelled",
    "cancel_noted", "cancel_late",
})  # fmt: skip
TAKEN_BACK = frozenset({"cancelled", "cancel_noted", "cancel_late"})
TAPS = frozenset({"taken", "cannot_go", "en_route", "arrived", "left", "handed_over", "mistaken"})


def _late(what: str, body: Mapping[str, Any], language: str) -> str:
    """What a phone said long after it was pressed, how soon something was taken back, what a case was the same as."""
    t = speaker(language)
    if what in TAKEN_BACK and isinstance(after := body.get("after_s"), int):
        return t("taken_back_after", n=after)
    if what in TAPS and isinstance(age := body.get("age_s"), int):
        return t("tap_late", age=span(age))
    if what == "closed" and isinstance(other := body.get("duplicate_of"), int):
        return f" → #{other}"
    return ""


def actor(who: str, names: Mapping[int, str], language: str) -> str:
    kind, _, number = who.partition(":")
    if kind == "person" and number.isdecimal():
        return names.get(int(number), f"#{number}")
    return texts(pick(language)).get(f"actor.{kind}", who)


def _many(body: Mapping[str, Any]) -> list[int]:
    value = body.get("people")
    return value if isinstance(value, list) else []


class _Facts(dict[str, Any]):
    """What a sentence may mention: people by name, roles and kinds in words, anything missing as a dash."""

    def __init__(self, body: Mapping[str, Any], names: Mapping[int, str], language: str) -> None:
        t = speaker(language)
        super().__init__(counted(body))
        if people := [names.get(v, f"#{v}") for v in _many(body)]:
            self["people"] = t("and").join(people)
        for key in ("step", "to"):
            if isinstance(value := body.get(key), int):
                self[f"{key}_n"] = value + 1  # people count from one
        for key in PEOPLE:
            if isinstance(value := body.get(key), int):
                self[key] = names.get(value, f"#{value}")
        for key in ("role", "kind", "disposition", "state", "channel", "purpose", "order", "party", "failed"):
            if isinstance(value := body.get(key), str):
                self[key] = t(f"{key}.{value}")
        if isinstance(tap := body.get("tap"), str):
            self["tap"] = t(f"rj_tap.{tap}")
        if "party" in self and "person" in self:
            self["party"] = self["person"]
        if isinstance(why := body.get("why"), str):
            self["why"] = t(f"empty.{why}")
        away = body.get("distance_m")
        far = f"{t('comma')}{away} m" if away is not None else ""
        self["how"] = t(f"proof.{body.get('proof', 'told') or 'none'}") + far
        if isinstance(value := body.get("severity"), int):
            self["severity"] = t(f"severity.{value}")

    def __missing__(self, key: str) -> str:
        return "–"
