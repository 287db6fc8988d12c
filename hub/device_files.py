"""Devices as a CSV file. Text in, devices and faults out; read again, what was written is the same."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from devices.topics import DEVICE_NAME

COLUMNS = ("address", "model", "resident", "room", "deadline_s")
LINES_LIMIT = 20_000
LONGEST_CELL = 200
LONGEST_DEADLINE_S = 31 * 86_400
OWN = "carehub:"
GUARD = "'"  # before texts that a spreadsheet would take for a formula
GUARDED = (
    "texts that a spreadsheet would run, those with = + - @ TAB CR in front, have a ' before them; import takes it off"
)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # one that has the guard already gets another, so that it comes back as it was
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
NOT_A_DEVICE = "responder"  # the topics below carehub/responder/ are people's


@dataclass(frozen=True, kw_only=True)
class Row:
    """One device. `resident` is a number; None: nobody's yet."""

    address: str
    model: str = ""
    resident: int | None = None
    room: str = ""
    deadline_s: int | None = None


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """One line that cannot be used, and what to write instead."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a file says: devices, or every reason why not one of them is taken."""

    rows: tuple[Row, ...] = ()
    faults: tuple[Fault, ...] = ()


def read(text: str, residents: Mapping[str, Sequence[int]], speaks: Callable[[str], bool]) -> Read:
    """Read every line, so that all faults are told at once.

    Args:
        text: the file.
        residents: numbers of everybody who is called so, by number and by name.
        speaks: whether any grammar has this address.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[Row] = []
    faults: list[Fault] = []
    first: dict[str, int] = {}
    try:
        head = [cell.strip().lower() for cell in next(lines, [])]
        odd = _head(head)
        if odd:
            return Read(faults=(Fault(line=1, text=odd),))
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            at = lines.line_num
            if at > LINES_LIMIT:
                faults.append(Fault(line=at, text=f"more than {LINES_LIMIT} lines: cut the file in two"))
                break
            if len(cells) != len(head):
                faults.append(Fault(line=at, text=f"{len(cells)} cells under {len(head)} heads: put a comma for each"))
                continue
            said = {name: bare(cell.strip()).strip() for name, cell in zip(head, cells, strict=True)}
            wrong = [*_wrong(said, residents, speaks), *_twice(said.get("address", ""), first, at)]
            faults += [Fault(line=at, text=text) for text in wrong]
            if not wrong:
                rows.append(_row(said, residents))
    except csv.Error as err:
        faults.append(Fault(line=lines.line_num, text=f"no CSV: {err}"))
    return Read(faults=tuple(faults)) if faults else Read(rows=tuple(rows))


def write(rows: Iterable[Row]) -> str:
    """Return devices as CSV."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        deadline = "" if row.deadline_s is None else row.deadline_s  # 0 is not supervised, nothing is as its class
        table.writerow((guarded(row.address), guarded(row.model), row.resident or "", guarded(row.room), deadline))
    return out.getvalue()


def guarded(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers, also those written as text, stay as they are."""
    risky = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"{GUARD}{cell}" if risky else cell


def bare(cell: str) -> str:
    """Return a cell without the guard that `guarded` put before it."""
    return cell[1:] if cell.startswith(GUARD) and _FORMULA.match(cell) else cell


def address_fault(address: str, speaks: Callable[[str], bool]) -> str:
    """Return why no device can be registered under this address and what to write instead; empty if it can."""
    _, _, native = address.partition(":")
    if not native:
        return f"{address!r} is no address; write scheme:native, for example carehub:w-0417"
    if not speaks(address):
        return f"{address!r}: no grammar of carehub has such addresses; devices/README.md names them"
    if address.startswith(OWN) and (native == NOT_A_DEVICE or not DEVICE_NAME.fullmatch(native)):
        return f"{address!r}: after carehub: 1 to 64 letters, digits, '.', '_', '-'; not `{NOT_A_DEVICE}`"
    return ""


def _head(head: Sequence[str]) -> str:
    if "address" not in head:
        return f"no column `address`; the first line names the columns: {','.join(COLUMNS)}"
    odd = [name for name in head if name not in COLUMNS or head.count(name) > 1]
    return f"{', '.join(odd)}: not among {','.join(COLUMNS)}, or twice" if odd else ""


def _wrong(
    said: Mapping[str, str], residents: Mapping[str, Sequence[int]], speaks: Callable[[str], bool]
) -> Iterable[str]:
    if fault := address_fault(said["address"], speaks):
        yield fault
    for name, cell in said.items():
        if len(cell) > LONGEST_CELL or any(ord(sign) < 32 for sign in cell):
            yield f"{name}: longer than {LONGEST_CELL} characters, or with signs that cannot be printed"
    whose = said.get("resident", "")
    found = residents.get(whose, ()) if whose else (0,)
    if not found:
        yield f"nobody is registered as {whose!r}; register the resident first, or leave the cell empty"
    elif len(found) > 1:
        yield f"{whose!r} is more than one resident: give the number, one of {', '.join(map(str, found))}"
    deadline = said.get("deadline_s", "")
    if deadline and not (deadline.isascii() and deadline.isdecimal() and int(deadline[:12]) <= LONGEST_DEADLINE_S):
        yield f"deadline_s {deadline!r}: whole seconds from 0 (not supervised) to {LONGEST_DEADLINE_S}, or nothing"


def _twice(address: str, first: dict[str, int], at: int) -> Iterable[str]:
    before = first.setdefault(address, at)
    if before != at:
        yield f"{address} stands in line {before} already"


def _row(said: Mapping[str, str], residents: Mapping[str, Sequence[int]]) -> Row:
    whose, deadline = said.get("resident", ""), said.get("deadline_s", "")
    return Row(
        address=said["address"], model=said.get("model", ""), resident=residents[whose][0] if whose else None,
        room=said.get("room", ""), deadline_s=int(deadline) if deadline else None,
    )  # fmt: skip
