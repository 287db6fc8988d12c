"""One report of all benches, in Markdown and as a page that stands alone: every figure beside its floor or its peer."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.bench.plots import bars, lines, number

Figures = Mapping[str, Any]
STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
td, th { border-bottom: 1px solid #ccc; padding: 3px 8px; }
td, th { text-align: right; white-space: nowrap; }
td:first-child, th:first-child, td.words, th:nth-child(3) { text-align: left; white-space: normal; }
svg { width: 100%; height: auto; margin: .5rem 0; }
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure, and what it stands beside in the same run."""

    what: str
    ours: float | None
    unit: str
    beside: str = ""
    theirs: float | None = None

    @property
    def ratio(self) -> float | None:
        """Return how many times theirs ours is."""
        return self.ours / self.theirs if self.ours is not None and self.theirs else None

    def cells(self) -> list[str]:
        """Return the row as words."""
        said = [None if value is None else f"{number(value)} {self.unit}".strip() for value in (self.ours, self.theirs)]
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return [self.what, said[0] or "–", self.beside, said[1] or "", ratio]


@dataclass(kw_only=True)
class Section:
    """One bench."""

    title: str
    rows: list[Row] = field(default_factory=list)
    plots: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


WIRE_BYTES = 233.0  # of a message of the town
HEAD = ("figure", "carehub", "beside it", "that", "times that")


def ingest(f: Figures) -> Section:
    """Messages through Mosquitto and through the listener."""
    own, floor = f.get("listener", {}), f.get("floor_us_per_msg")
    section = Section(title="A message through one ingest process", rows=[
        Row(what="hub, behind Mosquitto", ours=f.get("hub_us_per_msg"), unit="µs", beside="mosquitto_sub, same load",
            theirs=floor),
        Row(what="hub, its own listener", ours=own.get("hub_us_per_msg"), unit="µs", beside="mosquitto_sub, same load",
            theirs=floor),
        Row(what="broker", ours=f.get("broker_us_per_msg"), unit="µs", beside="broker with mosquitto_sub alone",
            theirs=f.get("floor_broker_us_per_msg")),
        Row(what="PostgreSQL, behind Mosquitto", ours=f.get("pg_us_per_msg"), unit="µs"),
        Row(what="stored a second", ours=f.get("stored_per_s"), unit="/s", beside="offered a second",
            theirs=f.get("offered_per_s")),
    ])  # fmt: skip
    shown = [("hub behind Mosquitto", f), ("hub's own listener", own)]
    parts = [(label, _parts(one, ("hub", "pg", "broker"))) for label, one in shown if one]
    if floor:
        parts.append(("mosquitto_sub", {"hub": floor, "broker": f.get("floor_broker_us_per_msg", 0.0)}))
    section.plots.append(bars("CPU µs a message", parts, "µs"))
    return section


def latency(f: Figures) -> Section:
    """Presses, idle and under telemetry."""
    base = f.get("mosquitto", {})
    words = {"puback": "press → PUBACK (committed)", "heard": "press → 收到 on the device",
             "page": "press → first page", "console": "press → operator's console"}  # fmt: skip
    rows = [
        Row(what=f"{text}, {scene}, {p}", ours=f[scene].get(f"{name}_{p}_ms"), unit="ms",
            beside="Mosquitto publish → subscribe", theirs=base.get(scene, {}).get(f"round_trip_{p}_ms"))
        for name, text in words.items() for scene in ("idle", "loaded") for p in ("p50", "p99")
    ]  # fmt: skip
    shown = [(f"{text}, {scene}", {"p99": f[scene].get(f"{name}_p99_ms") or 0.0})
             for name, text in words.items() for scene in ("idle", "loaded")]  # fmt: skip
    return Section(title="A press, idle and under telemetry", rows=rows, plots=[bars("p99, ms", shown, "ms")])


def town(f: Figures) -> Section:
    """The hub at its size."""
    floor, other = f.get("floor", {}), f.get("published", {}).get("thingsboard", {})
    memory, first, loaded, idle = f["memory"], f["first_start_s"], f["loaded"], f["idle"]
    title = f"A town of {f['residents']:,} residents, {f['offered_per_s']:,.0f} messages/s for {f['seconds']:,.0f} s"
    section = Section(title=title, rows=[
        Row(what="hub, all roles and detectors", ours=f["hub_us_per_msg"], unit="µs", beside="mosquitto_sub, same load",
            theirs=floor.get("mosquitto_sub_us_per_msg")),
        Row(what="PostgreSQL", ours=f["pg_us_per_msg"], unit="µs", beside="COPY of the same rows alone",
            theirs=floor.get("copy_us_per_row")),
        Row(what="hub and PostgreSQL", ours=f["hub_and_pg_us_per_msg"], unit="µs", beside=other.get("words", ""),
            theirs=other.get("us_per_msg")),
        Row(what="memory a further device, all roles", ours=f.get("bytes_per_further_device"), unit="B"),
        Row(what="memory of all roles, a registered device", ours=memory["hub_bytes_per_device"], unit="B",
            beside="the same publisher, a connection", theirs=other.get("bytes_per_connection")),
        Row(what="start to taking messages", ours=first["ingest"], unit="s"),
        Row(what="kill -9 to taking messages again", ours=f["takeover_s"], unit="s"),
        *(Row(what=f"press → {what} at full rate, {p}", ours=loaded.get(f"{name}_{p}_ms"), unit="ms", beside="idle",
              theirs=idle.get(f"{name}_{p}_ms"))
          for name, what in (("puback", "PUBACK"), ("page", "first page"), ("screen", "operator's screen"))
          for p in ("p50", "p99")),
        Row(what="stored a second", ours=f["stored_per_s"], unit="/s", beside="offered", theirs=f["offered_per_s"]),
        Row(what="waiting, mean of the second half", ours=f["backlog_second_half"], unit="messages",
            beside="of the first half", theirs=f["backlog_first_half"]),
        Row(what="disk a message", ours=f["disk_bytes_per_msg"], unit="B", beside="on the line", theirs=WIRE_BYTES),
        Row(what="disk a wearer and day", ours=f["disk_kb_per_wearer_day"], unit="kB"),
        Row(what="log a message", ours=f["wal_bytes_per_msg"], unit="B"),
        Row(what="all deadlines looked at", ours=f["deadlines_pass_ms"], unit="ms of CPU"),
        *_grown(f),
    ])  # fmt: skip
    parts = [("hub and PostgreSQL", {"hub": f["hub_us_per_msg"], "PostgreSQL": f["pg_us_per_msg"]})]
    if floor:
        parts.append(("mosquitto_sub and COPY", {"hub": floor["mosquitto_sub_us_per_msg"],
                                                 "PostgreSQL": floor["copy_us_per_row"]}))  # fmt: skip
    section.plots += [
        bars("CPU µs a message", parts, "µs"),
        lines("messages received and not yet committed", {"waiting": list(enumerate(f["backlog"]))}, "s", "messages"),
        *_growth(f),
    ]
    section.notes += [f"{name}: aim {number(one['aim'])}, measured {number(one['measured'] or 0.0)}:"
                      f" {'met' if one['met'] else 'not met'}." for name, one in f["aims"].items()]  # fmt: skip
    if f.get("slopes"):
        powers = ", ".join(f"{name} {power}" for name, power in f["slopes"].items())
        section.notes.append(f"Grows with residents to the power of: {powers}.")
    section.notes.append(f"Cases by kind: {f['raised']}; {loaded['missed']} of {loaded['presses']} presses missed.")
    return section


def _grown(f: Figures) -> list[Row]:
    """Return what a smaller town costs, beside the largest: everything in proportion would say the same a message."""
    *smaller, largest = f.get("growth") or [{}]
    words = (("above_rest_us_per_msg", "a message, above rest", "µs"), ("memory_mb", "memory of all roles", "MB"),
             ("start_s", "start", "s"), ("takeover_s", "kill -9 to taking messages again", "s"))  # fmt: skip
    return [
        Row(what=f"{one['residents']:,} residents: {what}", ours=one[name], unit=unit,
            beside=f"{largest['residents']:,} residents", theirs=largest.get(name))
        for one in smaller for name, what, unit in words if name in one
    ]  # fmt: skip


def _growth(f: Figures) -> list[str]:
    grown = f.get("growth", [])
    names = {"cpu_s_per_s": "cores of hub and PostgreSQL", "memory_mb": "memory, MB", "start_s": "start, s"}
    if len(grown) < 2:
        return []
    series = {text: [(one["residents"], one[name]) for one in grown if name in one] for name, text in names.items()}
    return [lines("growth with residents, both axes logarithmic", series, "residents", "", logarithmic=True)]


def peers(f: Figures) -> Section:
    """Node-RED behind the same broker."""
    systems = f["systems"]
    ours, theirs = systems.get("carehub", {}), systems.get("node-red", {})
    word = f"Node-RED {f['node_red']}" if f.get("node_red") else "Node-RED"
    section = Section(title=f"{word} and the hub behind the same Mosquitto")
    most, other = ours.get("most_per_s"), theirs.get("most_per_s")
    section.rows.append(Row(what="most stored a second while offered", ours=most, unit="/s", beside=word, theirs=other))
    by_rate = {one["rate"]: one for one in theirs.get("steps", [])}
    for one in ours.get("steps", []):
        at_rate = by_rate.get(one["rate"], {})
        for who, text in (("system", "process"), ("pg", "PostgreSQL"), ("broker", "broker")):
            section.rows.append(Row(what=f"{text} at {one['rate']:,.0f}/s", ours=one[f"{who}_us_per_msg"], unit="µs",
                                    beside=word, theirs=at_rate.get(f"{who}_us_per_msg")))  # fmt: skip
    series = {name: [(one["rate"], one["stored_per_s"]) for one in told["steps"]] for name, told in systems.items()}
    section.plots.append(lines("stored a second, of what was offered", series, "offered/s", "stored/s"))
    section.notes.append("carehub runs every detector and acknowledges after the commit; Node-RED detects nothing.")
    if not f.get("node_red"):
        section.notes.append("Node-RED is not installed here: carehub bench peers --install.")
    return section


def detect(f: Figures) -> Section:
    """Detectors on one core."""
    section = Section(title="Detectors on one core")
    if mix := f.get("falls", {}).get("mix"):
        ours, floor = (mix[name]["median"] for name in ("us_per_stream_second", "floor_us_per_stream_second"))
        section.rows.append(
            Row(what="a second of one live wrist", ours=ours, unit="µs", beside="magnitude and limit", theirs=floor)
        )
    for part, what in (("vitals", "message"), ("homes", "sign")):
        if told := f.get(part):
            ours, floor = (told[name]["median"] for name in (f"us_per_{what}", f"floor_us_per_{what}"))
            section.rows.append(
                Row(what=f"a {what} of {part}", ours=ours, unit="µs", beside="a limit in numpy", theirs=floor)
            )
    if whole := f.get("whole"):
        section.rows.append(
            Row(what=f"state of {whole['residents']:,} watches and homes", ours=whole["bytes_each"], unit="B")
        )
    return section


def console(f: Figures) -> Section:
    """Operators' screens."""
    rows = [
        Row(what=f"change → {what}, {p}", ours=f.get(f"{name}_{p}"), unit="ms", beside="the database's own NOTIFY",
            theirs=f.get(f"notify_ms_{p}"))
        for name, what in (("told_ms", "event"), ("visible_ms", "row on the screen")) for p in ("p50", "p99")
    ]  # fmt: skip
    section = Section(title=f"{f['consoles']} consoles, {f['incidents']} open cases", rows=rows)
    section.notes.append(f"{f['missed']} of {f['changes'] * f['consoles']} changes missed a console.")
    return section


def escalation(f: Figures) -> Section:
    """Pages and timers, beside Alertmanager and procrastinate."""
    section = Section(title="Pages and timers")
    wanted = (("first", "ms_p50", "first page p50", "ms"), ("first", "ms_p99", "first page p99", "ms"),
              ("late", "late_ms_p99", "a timer's lateness p99", "ms"),
              ("burst", "paged_per_s", "pages in a burst", "/s"), ("kill", "lost", "lost by kill -9", ""))  # fmt: skip
    for scene, name, what, unit in wanted:
        for other in ("alertmanager", "procrastinate"):
            told = f.get(scene, {})
            value, theirs = (told.get(who, {}).get(name) for who in ("carehub", other))
            if isinstance(value, int | float) and isinstance(theirs, int | float):
                section.rows.append(Row(what=what, ours=value, unit=unit, beside=other, theirs=theirs))
    return section


def connections(f: Figures) -> Section:
    """Thousands of devices that are mostly silent, as the bench tells it."""
    section = Section(title="Thousands of connections")
    for who, told in f.items():
        if isinstance(told, Mapping):
            section.rows += [
                Row(what=f"{who}: {name.replace('_', ' ')}", ours=float(value), unit="")
                for name, value in told.items() if isinstance(value, int | float)
            ]  # fmt: skip
        elif isinstance(told, int | float):
            section.rows.append(Row(what=who.replace("_", " "), ours=float(told), unit=""))
    return section


SECTIONS: Mapping[str, Callable[[Figures], Section]] = {
    "town": town, "hour": town, "ingest": ingest, "latency": latency, "peers": peers, "detect": detect,
    "console": console, "escalation": escalation, "connections": connections,
}  # fmt: skip


def sections(results: Mapping[str, Figures], failed: Mapping[str, str]) -> list[Section]:
    """Return what there is to show, in the order of the table; a bench that failed says so."""
    made = [made_of(results[name]) for name, made_of in SECTIONS.items() if name in results]
    return made + [Section(title=f"{name}: failed", notes=[why]) for name, why in failed.items()]


def markdown(title: str, about: Sequence[str], parts: Sequence[Section]) -> str:
    """Return the report as Markdown. Plots are in the page."""
    out = [f"# {title}", "", *about]
    for part in parts:
        out += ["", f"## {part.title}", ""]
        if part.rows:
            out += [f"| {' | '.join(HEAD)} |", "|---|--:|---|--:|--:|"]
            out += [f"| {' | '.join(cell.replace('|', '/') for cell in row.cells())} |" for row in part.rows]
        out += ["", *(f"- {note}" for note in part.notes)] if part.notes else []
    return "\n".join(out) + "\n"


def webpage(title: str, about: Sequence[str], parts: Sequence[Section]) -> str:
    """Return the report as one HTML file with its plots."""
    name = html.escape(title)
    out = [f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title><style>{STYLE}</style>',
           f"<h1>{name}</h1>", *(f"<p>{html.escape(line)}</p>" for line in about)]  # fmt: skip
    for part in parts:
        out.append(f"<h2>{html.escape(part.title)}</h2>")
        out += part.plots
        if part.rows:
            out.append("<table><tr>" + "".join(f"<th>{word}</th>" for word in HEAD) + "</tr>")
            out += [_line(row.cells()) for row in part.rows]
            out.append("</table>")
        out += [f"<p>{html.escape(note)}</p>" for note in part.notes]
    return "\n".join(out) + "</html>\n"


def _line(cells: Sequence[str]) -> str:
    words = (f'<td class="words">{html.escape(one)}</td>' if at == 2 else f"<td>{html.escape(one)}</td>"
             for at, one in enumerate(cells))  # fmt: skip
    return f"<tr>{''.join(words)}</tr>"


def _parts(f: Figures, names: Sequence[str]) -> dict[str, float]:
    words = {"hub": "hub", "pg": "PostgreSQL", "broker": "broker"}
    return {words[name]: f[f"{name}_us_per_msg"] for name in names if f.get(f"{name}_us_per_msg")}
