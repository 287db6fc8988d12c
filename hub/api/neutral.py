"""Records for platforms of the authorities: our neutral format, a mapping to theirs, and one digest of what was sent.

The platforms' own interface documents are not public. What a district's is like stands in a mapping file, and whoever
connects one writes it: which fields go, under which names, and which of our words are which of theirs.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from hub.errors import HubError

KINDS: Final = ("resident", "device", "incident", "visit", "work_order")
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "resident": ("id", "name", "born", "area", "address", "phone", "ability", "language", "registered_at"),
    "device": ("id", "address", "model", "state", "resident", "room", "registered_at"),
    "incident": (
        "id", "resident", "device", "area", "kind", "severity", "opened_at", "closed_at", "state", "disposition",
        "services", "test", "answered_at", "arrived_at",
    ),
    "visit": ("id", "resident", "device", "reason", "booked_at", "due", "status", "done_at"),
    "work_order": (
        "id", "resident", "device", "kind", "status", "scope", "opened_at", "due", "done_at", "ended_at", "area",
    ),
}  # fmt: skip
LONGEST = 64 * 1024


class MappingError(HubError):
    """A mapping that cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How one kind of record is told: under which name, which fields, which words."""

    name: str
    fields: Mapping[str, str]  # theirs: ours
    values: Mapping[str, Mapping[str, str]]  # by our field: our word, their word
    fixed: Mapping[str, Any]


Mapping_ = Mapping[str, Kind]


def read(text: str) -> Mapping_:
    """Read a mapping file.

    Raises:
        MappingError: It is no TOML, or names what there is not; all it says is wrong at once.
    """
    if len(text) > LONGEST:
        raise MappingError(f"a mapping is no longer than {LONGEST // 1024} kB")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as err:
        raise MappingError(f"no TOML: {err}") from None
    faults = [f"[{kind}]: no such kind; there are {', '.join(KINDS)}" for kind in table if kind not in KINDS]
    found = {kind: _kind(kind, table[kind], faults) for kind in KINDS if isinstance(table.get(kind), dict)}
    if not found and not faults:
        faults.append("it sends nothing: write [resident.fields] and the like")
    if faults:
        raise MappingError("\n".join(["this mapping cannot be used:", *(f"  {fault}" for fault in faults)]))
    return found


def _kind(kind: str, said: Mapping[str, Any], faults: list[str]) -> Kind:
    parts: dict[str, Any] = {name: said.get(name, {}) for name in ("fields", "values", "fixed")}
    faults += [f"[{kind}] {name}: no such key; there are name, fields, values, fixed"
               for name in said if name not in ("name", *parts)]  # fmt: skip
    for name, table in parts.items():
        if not isinstance(table, dict):
            faults.append(f"[{kind}.{name}] is a table")
            parts[name] = {}
    ours = FIELDS[kind]
    for theirs, field in parts["fields"].items():
        if field not in ours:
            faults.append(f"[{kind}.fields] {theirs}: no field {field!r}; there are {', '.join(ours)}")
    for field, words in parts["values"].items():
        if field not in ours or not isinstance(words, dict):
            faults.append(f"[{kind}.values.{field}]: a table of words of one of {', '.join(ours)}")
    if "id" not in parts["fields"].values():
        faults.append(f"[{kind}.fields] needs one for our id: without it nothing can be compared")
    return Kind(name=str(said.get("name", kind)), **parts)


def told(how: Kind, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a neutral record as the platform is told it."""
    built: dict[str, Any] = dict(how.fixed)
    for theirs, ours in how.fields.items():
        value = record.get(ours)
        words = how.values.get(ours, {})
        built[theirs] = words.get(str(value), value) if not isinstance(value, list | dict) else value
    return built


def digest(body: Mapping[str, Any]) -> str:
    """Return SHA-256 of a record as it is told: JSON, keys sorted, no spaces, UTF-8."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(held: Iterable[tuple[int, str]]) -> str:
    """Return one digest of all records of a kind: lines of number:digest, by number. '' where there are none."""
    lines = "\n".join(f"{number}:{sha256}" for number, sha256 in sorted(held))
    return hashlib.sha256(lines.encode()).hexdigest() if lines else ""


def standard() -> str:
    """Return the mapping that tells every neutral field under its own name."""
    return (resources.files("hub.api") / "mapping.toml").read_text(encoding="utf-8")
