"""How well the hub did: sensitivity by what happened, false alarms by kind, families of devices, how long people took.

Nothing here is lost or found; the oracle (oracle.py) judges, this counts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import datetime, timedelta
from typing import TypeVar

from simulator import lived
from simulator.story import Happens
from simulator.times import spread
from simulator.town_file import Account, AlertKept, Happened, IncidentKept, Lasting, Truth
from simulator.verdict import Alarms, Family, Kind, Lent, Level, Verdict

TOLD = ("sos", "fall", "smoke", "gas", "water")  # kinds a device says itself
HUMAN = (1, 2)  # severities at which somebody has to come
HORIZON = {"fall": 300.0, "vitals": 4 * 3600.0, "stillness": 26 * 3600.0, "wandering": 7200.0, "routine": 36 * 3600.0}
KINDRED = {"vitals": ("vitals",), "fall": ("fall",), "stillness": ("stillness", "routine"),
           "wandering": ("wandering",), "routine": ("routine",), "smoke": ("smoke",), "gas": ("gas",)}  # fmt: skip
TECHNICAL = ("silence", "device", "system")
# Classes of alerts that tell what was so although nothing happened: the kinds of alert, the rules (None: all), what was
# so of her (see `lived`), and up to how long before.
EXPLAINED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...] | None, str, timedelta]] = {
    "lives with low saturation": (("vitals",), ("V4", "V5", "V8"), lived.LOW, timedelta(hours=1)),
    "watch lay, not worn": (("silence", "device"), None, lived.LAY, timedelta(hours=1)),
    "away, nobody told the hub": (("stillness", "routine"), None, lived.GONE, timedelta(hours=24)),
}
LEVELS = (("answered", 60.0, 0.975), ("answered", 180.0, 0.99), ("door", 2700.0, 0.9), ("door", 3600.0, 1.0))
TOLD_AFTER = timedelta(minutes=30)  # an alert about the minutes in which another wore it may come so much later
Row = TypeVar("Row")


def kinds(truth: Truth, account: Account) -> list[Kind]:
    """Return how much of each kind of happening was found, and how soon."""
    keys = {number: key for key, number in truth.numbers.items()}
    found_of: dict[str, Kind] = {}
    delays: dict[str, list[float]] = defaultdict(list)
    by_resident = by(account.alerts, lambda each: keys.get(each.resident or -1, ""))
    for each in truth.happened:
        if not each.kind or each.kind == "sos":
            continue
        kind = found_of.setdefault(each.what, Kind(what=each.what))
        if each.wants == "unseen":
            kind.unseen += 1
            continue
        kind.happened += 1
        found = [alert for alert in by_resident.get(each.resident, ()) if of(each, alert)]
        if found:
            kind.found += 1
            delays[each.what].append((min(alert.raised_at for alert in found) - each.at).total_seconds())
    for kind in found_of.values():
        kind.delay_s = spread(delays[kind.what])
    return sorted(found_of.values(), key=lambda kind: kind.what)


def alarms(truth: Truth, account: Account, caused: Callable[[AlertKept], bool]) -> list[Alarms]:
    """Return right and false alarms by kind of alert. `caused`: whether something a device said is behind one."""
    keys = {number: key for key, number in truth.numbers.items()}
    incidents = {each.incident: each for each in account.incidents}
    happened = by(truth.happened, lambda each: each.resident)
    lasting = by(truth.lasting, lambda each: each.resident)
    days = wearer_days(truth)
    counted: dict[str, Alarms] = {}
    for alert in account.alerts:
        one = counted.setdefault(alert.kind, Alarms(kind=alert.kind))
        one.alerts += 1
        if alert.kind in ("sos", "smoke", "gas", "water"):
            right = caused(alert)
        elif alert.kind in TECHNICAL:
            right = _troubled(truth, alert)
        else:
            own = happened.get(keys.get(alert.resident or -1, ""), ())
            right = any(of(each, alert) for each in own if each.wants != "nothing" or each.cancelled_at)
        why = None if right else _explained(alert, lasting.get(keys.get(alert.resident or -1, ""), ()))
        if why:
            one.explained = one.explained | {why: one.explained.get(why, 0) + 1}
        false = not right and why is None
        one.right += right
        one.false += false
        case = incidents.get(alert.incident)
        one.asked += false and case is not None and case.state == "cancelled"
    for one in counted.values():
        one.per_wearer_day = one.alerts / days if days else 0.0
    return sorted(counted.values(), key=lambda one: -one.alerts)


def _explained(alert: AlertKept, lasting: Iterable[Lasting]) -> str | None:
    """Return the class of an alert that tells what was so, None where nothing was."""
    for why, (kinds_of, rules, what, before) in EXPLAINED.items():
        if alert.kind not in kinds_of or (rules is not None and alert.rule not in rules):
            continue
        since = alert.measured_at or alert.raised_at
        if any(
            each.what == what and each.since <= alert.raised_at and since - before <= each.until for each in lasting
        ):
            return why
    return None


def wearer_days(truth: Truth) -> float:
    return sum(each.worn_minutes for each in truth.counted.values()) / 1440


def _troubled(truth: Truth, alert: AlertKept) -> bool:
    """Whether something was wrong with devices about then."""
    return any(
        each.at <= alert.raised_at and (each.until is None or alert.raised_at <= each.until + timedelta(hours=26))
        for each in truth.troubles
    )  # fmt: skip


def families(truth: Truth, account: Account, lost: Set[int]) -> list[Family]:
    """Return what each family of devices said. `lost`: numbers of what was sent and is in no case."""
    alerts = by(account.alerts, lambda each: each.device or "")
    found: dict[str, Family] = {}
    for address, each in truth.counted.items():
        one = found.setdefault(each.family, Family(family=each.family))
        one.devices += 1
        one.sent += each.sent
        one.saved += each.saved
        one.copies += each.copies
        one.nonsense += each.nonsense
        one.alerts += len(alerts.get(address, ()))
    for number, sent in enumerate(truth.sent):
        if sent.kind in TOLD and sent.family in found:
            found[sent.family].told += 1
            found[sent.family].lost += number in lost
    return sorted(found.values(), key=lambda one: one.family)


def lent(truth: Truth, account: Account) -> list[Lent]:
    """Return every watch on another's wrist with the alerts that went out under the name of her whose it is."""
    keys = {number: key for key, number in truth.numbers.items()}
    by_resident = by(account.alerts, lambda each: keys.get(each.resident or -1, ""))
    out = []
    for each in truth.happened:
        if each.what != Happens.WRONG_WEARER:
            continue
        until = (each.until or truth.ends) + TOLD_AFTER
        shown = [
            f"{alert.kind} {alert.rule or ''} {alert.raised_at:%d %H:%M} severity {alert.severity}"
            for alert in by_resident.get(each.resident, ())
            if alert.kind not in (*TOLD[2:], "sos", *TECHNICAL) and each.at <= alert.raised_at <= until
        ]  # fmt: skip
        out.append(Lent(who=each.resident, at=each.at, until=each.until, shown=shown))
    return out


def people(truth: Truth, account: Account, out: Verdict) -> None:
    """Write times to a human, to the door and to the end into the verdict, as people themselves did it."""
    answered: dict[int, datetime] = {}
    doors: dict[int, datetime] = {}
    for page in truth.received:
        for tap in page.taps:
            if tap.refused:
                continue
            if tap.verb == "accept":
                _first(answered, page.incident, tap.at)
            elif tap.verb == "arrived":
                _first(doors, page.incident, tap.at)
    for deed in truth.deeds:
        if deed.verb == "take" and deed.status < 400:
            _first(answered, deed.incident, deed.at)
    grave = [case for case in account.incidents if calls(case)]
    human, door = _since(grave, answered), _since(grave, doors)
    out.calls, out.unanswered = len(grave), len(grave) - len(human)
    out.to_human_s, out.to_door_s = spread(human), spread(door)
    out.to_close_s = spread(
        [(case.closed_at - case.opened_at).total_seconds() for case in grave if case.closed_at]
    )  # fmt: skip
    for what, within_s, wanted in LEVELS:
        times, number = (human, len(grave)) if what == "answered" else (door, len(door))
        reached = sum(each <= within_s for each in times) / number if number else None
        out.levels.append(Level(what=what, within_s=within_s, wanted=wanted, reached=reached, of=number))


def of(happened: Happened, alert: AlertKept) -> bool:
    """Whether an alert may be about something that happened: of its kind, not before it, not too long after it."""
    if alert.kind not in KINDRED.get(happened.kind, (happened.kind,)):
        return False
    horizon = timedelta(seconds=HORIZON.get(happened.kind, 3600.0))
    since = alert.measured_at if alert.measured_at and happened.kind == "fall" else alert.raised_at
    return happened.at - timedelta(minutes=2) <= since <= max(happened.at, happened.until or happened.at) + horizon


def calls(case: IncidentKept) -> bool:
    """Whether somebody has to be reached: not for technical cases, nor where she took it back in time."""
    return case.severity in HUMAN and case.kind not in TECHNICAL and case.state != "cancelled"


def _since(calls: Iterable[IncidentKept], moments: Mapping[int, datetime]) -> list[float]:
    return [(moments[case.incident] - case.opened_at).total_seconds() for case in calls if case.incident in moments]


def _first(moments: dict[int, datetime], key: int, at: datetime) -> None:
    moments[key] = min(at, moments.get(key, at))


def by(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    """Return rows by a word of theirs."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)
