"""What a file would change in the register: every row new, changed or the same, every fault by row and column. Pure.

The same rows and the same register make the same plan, so that a plan can be shown, kept, and held against the register
again before it is done.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from hub import registry_ids as ids
from hub.registry_read import Line
from hub.registry_tables import TABLES, CellError, Table

FAULTS_MOST = 1_000
HIDDEN: Final = "•••"  # stands for what is sealed, in a preview
Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """A cell that cannot be used: where it stands, and by `code` what to write instead."""

    row: int
    column: str = ""
    code: str = ""
    what: str = ""


@dataclass(frozen=True, kw_only=True)
class Known:
    """Somebody or something in the register; `values` by the names of the columns."""

    id: int
    version: int
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Register:
    """What a file is held against. `circle`: what stands between a resident and a person, by their numbers."""

    residents: Sequence[Known] = ()
    people: Sequence[Known] = ()
    organisations: Sequence[Known] = ()
    circle: Mapping[tuple[int, int], Mapping[str, Any]] = field(default_factory=dict)
    areas: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row as it would be done. `subject`: whom it changes; None: somebody new."""

    row: int
    action: str  # new, changed, same
    title: str
    subject: int | None = None
    version: int | None = None
    values: Values = field(default_factory=dict)
    changes: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`doubts` hinder nothing: rows that look like somebody else who is there."""

    entries: tuple[Entry, ...] = ()
    faults: tuple[Fault, ...] = ()
    doubts: tuple[Fault, ...] = ()

    def count(self, action: str) -> int:
        return sum(entry.action == action for entry in self.entries)

    @property
    def digest(self) -> str:
        """What this plan would do, and to what: another register or other rows make another."""
        told = json.dumps([asdict(entry) for entry in self.entries], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


def records(lines: Iterable[Line], table: Table) -> tuple[list[tuple[int, Values]], list[Fault]]:
    """Return what every row says, and what cannot be read. An identity number leaves its birth date and no more."""
    found: list[tuple[int, Values]] = []
    faults: list[Fault] = []
    numbers: dict[str, int] = {}
    for line in lines:
        values: Values = {}
        for column in table.columns:
            said = line.cells.get(column.name, "")
            try:
                if said:
                    values[column.name] = column.read(said)
                elif column.required:
                    raise CellError("empty")
            except CellError as wrong:
                shown = "" if column.sealed else said[:40]
                faults.append(Fault(row=line.number, column=column.name, code=wrong.code, what=shown))
        if "id_number" in values:
            faults += _identity(line, values, numbers)
        found.append((line.number, values))
    return found, faults


def _identity(line: Line, values: Values, numbers: dict[str, int]) -> Iterator[Fault]:
    told = values.pop("id_number")
    first = numbers.setdefault(line.cells["id_number"].upper(), line.number)
    if first != line.number:
        yield Fault(row=line.number, column="id_number", code="id_twice", what=str(first))
    if values.setdefault("born", told) != told:
        yield Fault(row=line.number, column="born", code="born_not_id", what=values["born"])


def plan(kind: str, rows: Sequence[tuple[int, Values]], register: Register) -> Plan:
    """Say what rows that can be read would change."""
    made = _MAKERS[kind](register)
    for row, values in rows:
        made.row(row, dict(values))
    return Plan(
        entries=tuple(made.entries), faults=tuple(sorted(made.faults)[:FAULTS_MOST]), doubts=tuple(sorted(made.doubts))
    )


class _Maker:
    """Goes through the rows of one file, in order."""

    kind = ""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.entries: list[Entry] = []
        self.faults: list[Fault] = []
        self.doubts: list[Fault] = []
        self.seen: dict[Any, int] = {}
        self.sealed = {c.name for c in TABLES[self.kind].columns if c.sealed}

    def row(self, row: int, values: Values) -> None:
        raise NotImplementedError

    def fault(self, row: int, column: str, code: str, what: object = "") -> None:
        self.faults.append(Fault(row=row, column=column, code=code, what=str(what)))

    def once(self, row: int, key: Any) -> bool:
        """Whether this subject stands in no row before."""
        first = self.seen.setdefault(key, row)
        if first != row:
            self.fault(row, "", "twice", first)
        return first == row

    def area(self, row: int, column: str, *names: str) -> None:
        for name in names:
            if self.register.areas and name and name not in self.register.areas:
                self.fault(row, column, "area", name)

    def enter(self, row: int, title: str, values: Values, was: Known | None) -> None:
        before = was.values if was else {}
        changes = {
            name: [HIDDEN if before.get(name) else "", HIDDEN] if name in self.sealed else [before.get(name), value]
            for name, value in values.items()
            if value != before.get(name)
        }  # fmt: skip
        action = "new" if was is None else "changed" if changes else "same"
        self.entries.append(Entry(
            row=row, action=action, title=title, subject=was.id if was else None, version=was.version if was else None,
            values=values, changes=changes if was else {},
        ))  # fmt: skip


class _Residents(_Maker):
    kind = "residents"

    def __init__(self, register: Register) -> None:
        super().__init__(register)
        self.by_number = {one.id: one for one in register.residents}
        self.by_name = _grouped(register.residents, lambda v: v.get("name"))
        self.by_phone = _grouped(register.residents, lambda v: ids.digits(v.get("phone") or ""))

    def row(self, row: int, values: Values) -> None:
        number = values.pop("number", None)
        self.area(row, "area", values.get("area", ""))
        if not values.get("name"):
            return
        was = self.by_number.get(number) if number is not None else self.match(row, values)
        if number is not None and was is None:
            self.fault(row, "number", "no_number", number)
        elif self.once(row, was.id if was else _who(values)):
            self.enter(row, values["name"], values, was)

    def match(self, row: int, values: Values) -> Known | None:
        """Return who this is: of the same name, and born on the same day, under the same number or address."""
        namesakes = self.by_name.get(values["name"], [])
        same = [one for one in namesakes if _agree(values, one.values)]
        if len(same) > 1:
            self.fault(row, "name", "several", "、".join(str(one.id) for one in same))
            return same[0]
        if not same:
            others = [one for one in self.by_phone.get(ids.digits(values.get("phone", "")), []) if one not in namesakes]
            for code, like in (("same_name", namesakes), ("phone_of", others)):
                if like:
                    told = "、".join(f"{one.id} {one.values['name']}" for one in like[:3])
                    self.doubts.append(Fault(row=row, column="name", code=code, what=told))
        return same[0] if same else None


def _agree(values: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if values.get("born") and other.get("born") and values["born"] != other["born"]:
        return False
    born = bool(values.get("born")) and values.get("born") == other.get("born")
    phone = ids.digits(values.get("phone") or "")
    home = _plain(values.get("address") or "")
    return (
        born
        or (bool(phone) and phone == ids.digits(other.get("phone") or ""))
        or (bool(home) and home == _plain(other.get("address") or ""))
    )


def _who(values: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        values["name"],
        values.get("born") or ids.digits(values.get("phone", "")) or _plain(values.get("address", "")),
    )


class _Circle(_Maker):
    kind = "circle"

    def __init__(self, register: Register) -> None:
        super().__init__(register)
        self.by_number = {one.id: one for one in register.residents}
        self.by_name = _grouped(register.residents, lambda v: v.get("name"))
        near = [one for one in register.people if one.values.get("role") in ("family", "neighbour")]
        self.by_phone = _grouped(near, lambda v: ids.digits(v.get("phone") or ""))

    def row(self, row: int, values: Values) -> None:
        home = self.resident(row, values.pop("resident", ""), values.pop("resident_phone", ""))
        digits = ids.digits(values.get("phone", ""))
        if home is None or not digits or "name" not in values:
            return
        values.setdefault("role", "family")
        known = self.by_phone.get(digits, [])
        who = next((one for one in known if one.values["name"] == values["name"]), None)
        if who is None and known:
            told = "、".join(f"{one.id} {one.values['name']}" for one in known[:3])
            self.doubts.append(Fault(row=row, column="phone", code="phone_of", what=told))
        if not self.once(row, (home.id, values["name"], digits)):
            return
        before: Mapping[str, Any] | None = None
        if who is not None and (tie := self.register.circle.get((home.id, who.id))) is not None:
            before = {**{k: who.values.get(k) for k in ("name", "phone", "role")}, **tie}
            values["ways"] = sorted({*values.get("ways", ()), *before.get("ways", ())})
        title = f"{values['name']} → {home.values['name']}"
        was = None if before is None or who is None else Known(id=who.id, version=who.version, values=before)
        values |= {"resident_id": home.id, "person_id": who.id if who else None}
        told_before = {**(before or {}), "resident_id": home.id, "person_id": who.id if who else None}
        self.enter(row, title, values, Known(id=was.id, version=was.version, values=told_before) if was else None)

    def resident(self, row: int, said: str, phone: str) -> Known | None:
        if not said:
            return None
        if said.isdecimal() and int(said) in self.by_number:
            return self.by_number[int(said)]
        found = self.by_name.get(said, [])
        if phone:
            found = [one for one in found if ids.digits(one.values.get("phone") or "") == ids.digits(phone)]
        if len(found) != 1:
            self.fault(
                row, "resident", "several" if found else "nobody", "、".join(str(one.id) for one in found) or said
            )
            return None
        return found[0]


class _Organisations(_Maker):
    kind = "organisations"

    def row(self, row: int, values: Values) -> None:
        self.area(row, "areas", *values.get("areas", ()))
        if "name" not in values:
            return
        known = self.register.organisations
        by_code = [one for one in known if values.get("uscc") and one.values.get("uscc") == values["uscc"]]
        by_name = [one for one in known if one.values["name"] == values["name"]]
        if by_code and by_name and by_code[0].id != by_name[0].id:
            self.fault(row, "uscc", "uscc_of", f"{by_code[0].id} {by_code[0].values['name']}")
            return
        was = next(iter(by_code or by_name), None)
        if was and "areas" in values:
            values["areas"] = sorted({*values["areas"], *was.values.get("areas", ())})
        if self.once(row, values["name"]):
            self.enter(row, values["name"], values, was)


class _People(_Maker):
    kind = "people"

    def row(self, row: int, values: Values) -> None:
        number = values.pop("number", None)
        self.area(row, "area", values.get("area", ""))
        if said := values.get("organisation"):
            houses = [o for o in self.register.organisations if said in (o.values["name"], o.values.get("uscc"))]
            if not houses:
                self.fault(row, "organisation", "organisation", said)
                return
            values["organisation"] = houses[0].values["name"]
        if "name" not in values or "phone" not in values or "role" not in values:
            return
        digits = ids.digits(values["phone"])
        known = [one for one in self.register.people if one.values.get("role") not in ("family", "operator")]
        was = next((one for one in known if one.id == number), None) if number is not None else next(
            (one for one in known if one.values["name"] == values["name"]
             and ids.digits(one.values.get("phone") or "") == digits), None)  # fmt: skip
        if number is not None and was is None:
            self.fault(row, "number", "no_number", number)
            return
        if was and "ways" in values:
            values["ways"] = sorted({*values["ways"], *was.values.get("ways", ())})
        if self.once(row, was.id if was else (values["name"], digits)):
            self.enter(row, values["name"], values, was)


_MAKERS: Final[dict[str, type[_Maker]]] = {
    made.kind: made for made in (_Residents, _Circle, _Organisations, _People)
}  # fmt: skip


def _grouped(known: Iterable[Known], by: Any) -> dict[str, list[Known]]:
    found: dict[str, list[Known]] = {}
    for one in known:
        if key := by(one.values):
            found.setdefault(key, []).append(one)
    return found


def _plain(address: str) -> str:
    return "".join(address.split()).lower()
