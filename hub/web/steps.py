"""The script beside a case: which steps, what was said of each, which one is next."""

from collections.abc import Sequence

from alerts import scripts as pure
from alerts.model import AlertKind, Service
from alerts.scripts import Said
from hub import scripts
from hub.store.console import Row, names
from hub.store.pool import Connection
from hub.web import story, words


async def of_case(conn: Connection, it: Row, alerts: Sequence[Row], language: str) -> tuple[int, list[Row]]:
    """What to ask and do, by the version the case runs by: what was said of each step; the next one is marked."""
    version, known = await scripts.of_case(conn, it["id"])
    if it["resident_id"] is None and not alerts:
        return version, []
    kinds = {AlertKind(it["kind"]), *(AlertKind(a["kind"]) for a in alerts)}
    chosen = pure.choose(known, kinds, it["risks"] or (), no_speech=it["no_speech"])
    ticked = await scripts.ticks(conn, it["id"])
    people = await names(conn, {int(t.actor[7:]) for t in ticked.values() if t.actor.startswith("person:")})
    steps: list[Row] = []
    for step in chosen:
        tick = ticked.get(step.name)
        steps.append({
            "name": step.name, "sort": step.sort.value, "service": step.service and step.service.value,
            "text": step.text(language, it["language"] or ""), "said": tick and tick.said.value, "at": tick and tick.at,
            "who": story.actor(tick.actor, people, language) if tick else "", "next": False, "step": step,
        })  # fmt: skip
    if (first := next((s for s in steps if not s["said"]), None)) is not None:
        first["next"] = True
    return version, steps


def asked(steps: Sequence[Row]) -> Sequence[Service]:
    """The services that the script, as far as it was answered, calls for."""
    return pure.proposed((s["step"] for s in steps), {s["name"]: Said(s["said"]) for s in steps if s["said"]})


def worded(events: Sequence[Row], steps: Sequence[Row], language: str) -> list[Row]:
    """Events with a step of the script in words: its name stands in the chain, and the text in the version."""
    t = words.speaker(language)
    texts = {s["name"]: s["text"] for s in steps}
    return [
        e if e["what"] != "script_step" else e | {"body": {
            "step": texts.get(e["body"]["step"], e["body"]["step"]), "said": t(f"script.said.{e['body']['said']}"),
        }}
        for e in events
    ]  # fmt: skip
