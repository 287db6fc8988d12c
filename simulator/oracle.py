"""The oracle: what really happened against what the hub recorded and what people received.

*Lost*: a press, fall or alarm that a device told and the wire acknowledged, or that could have been delivered, and
that has no row and no case; an acknowledged message that is not stored; a page the hub calls delivered and nobody
received. *Invented*: a case, press or page without a cause. A detector that was shown something real and took it for
something else raised a false alarm: that is counted under its kind, and is no invention. *Late*: more than LATE_S after
the wire had it. Everything is computed from both accounts alone; nothing asks the hub.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from simulator.times import spread
from simulator.town_file import Account, AlertKept, Happened, IncidentKept, PressKept, Sent, Truth
from simulator.verdict import Alarms, Family, Finding, Kind, Level, Verdict

LATE_S = 5.0
SLACK = timedelta(seconds=2)
ROW_WITHIN = timedelta(seconds=60)  # a row without an identity is of the press it follows so closely
ENDED = ("closed", "cancelled")
TOLD = ("sos", "fall", "smoke", "gas", "water")  # kinds a device says itself
HUMAN = (1, 2)  # severities at which somebody has to come
HORIZON = {"fall": 300.0, "vitals": 4 * 3600.0, "stillness": 26 * 3600.0, "wandering": 7200.0, "routine": 36 * 3600.0}
KINDRED = {"vitals": ("vitals",), "fall": ("fall",), "stillness": ("stillness", "routine"),
           "wandering": ("wandering",), "routine": ("routine",), "smoke": ("smoke",), "gas": ("gas",)}  # fmt: skip
NOTHING = "falls and says it was nothing"
TECHNICAL = ("silence", "device", "system")
LEVELS = (("answered", 60.0, 0.975), ("answered", 180.0, 0.99), ("door", 2700.0, 0.9), ("door", 3600.0, 1.0))
Row = TypeVar("Row")


def judge(truth: Truth, account: Account) -> Verdict:
    """Hold the account against the truth."""
    return _Judge(truth, account).verdict()


class _Judge:
    def __init__(self, truth: Truth, account: Account) -> None:
        self.truth, self.account = truth, account
        self.out = Verdict()
        self.keys = {number: key for key, number in truth.numbers.items()}
        self.incidents = {each.incident: each for each in account.incidents}
        self.presses: dict[str, list[PressKept]] = _by(account.presses, lambda each: each.device)
        self.presses_of = _by(account.presses, lambda each: str(each.incident))
        self.alerts: dict[str, list[AlertKept]] = _by(account.alerts, lambda each: each.device or "")
        self.sent: dict[str, list[Sent]] = _by(truth.sent, lambda each: each.device)
        self.lost_of: set[int] = set()

    def verdict(self) -> Verdict:
        out = self.out
        out.incidents = len(self.incidents)
        out.faults = [*self.truth.faults, *self.account.faults]
        out.wearer_days = sum(each.worn_minutes for each in self.truth.counted.values()) / 1440
        self._told()
        self._messages()
        self._pages()
        self._causes()
        self._ended()
        self._kinds()
        self._alarms()
        self._families()
        self._people()
        for found in (out.lost, out.invented, out.late, out.unended):
            found.sort(key=lambda each: each.at)
        return out

    # ---- lost and late ----

    def _told(self) -> None:
        """Every press and alarm that went out has a row, in a case that exists."""
        for number, sent in enumerate(self.truth.sent):
            if sent.kind not in TOLD:
                continue
            if sent.first_at is None or not sent.reachable:
                self.out.unsaid += 1
                continue
            if sent.spoilt and sent.spoilt >= sent.copies:
                self.out.spoilt += 1
                continue
            self.out.told += 1
            rows = self._rows_of(sent)
            cases = {row.incident for row in rows if row.incident in self.incidents}
            if not cases:
                why = (
                    "acknowledged, and in no case" if sent.saved_at else "could have been delivered, and was not taken"
                )
                self._find(self.out.lost, sent.kind, f"{sent.resident} {sent.device}", sent.at, why)
                self.lost_of.add(number)
                continue
            if sent.identity and len(cases) > 1:
                self._find(self.out.invented, sent.kind, f"{sent.resident} {sent.device}", sent.at,
                           f"one press in the cases {sorted(cases)}")  # fmt: skip
            taken = min(_when(row) for row in rows)
            if (late := (taken - sent.first_at).total_seconds()) > LATE_S:
                self._find(self.out.late, sent.kind, f"{sent.resident} {sent.device}", sent.at, f"by {late:.0f} s")

    def _rows_of(self, sent: Sent) -> list[PressKept | AlertKept]:
        """Return the rows a press made: by its identity, or by its device, kind and time."""
        assert sent.first_at is not None
        rows: list[PressKept | AlertKept] = [*self.presses.get(sent.device, ()), *self.alerts.get(sent.device, ())]
        if sent.identity:
            bare = sent.identity.partition(":")[2]
            named = [row for row in rows if row.identity and (row.identity in (sent.identity, bare))]
            if named:
                return named
        since, until = sent.first_at - SLACK, (sent.saved_at or sent.first_at) + ROW_WITHIN
        return [row for row in rows if row.kind == sent.kind and since <= _when(row) <= until]

    def _messages(self) -> None:
        """What was acknowledged is stored."""
        out, counted = self.out, self.truth.counted
        out.messages_sent = sum(each.sent for each in counted.values())
        out.messages_saved = sum(each.saved for each in counted.values())
        out.messages_stored = self.account.totals.stored
        kept = self.account.totals.stored + self.account.totals.unreadable
        if kept < out.messages_saved:
            self._find(out.lost, "messages", "everybody", self.account.end,
                       f"{out.messages_saved} acknowledged, {kept} stored or kept as unreadable")  # fmt: skip
        rows = {each.device: each for each in self.account.devices}
        for address, each in counted.items():
            row = rows.get(address)
            total = row.wide + row.observations + row.windows + row.presses + row.unreadable if row else 0
            if each.saved and not total:
                self._find(out.lost, "messages", address, self.account.end, f"{each.saved} acknowledged, none stored")

    def _pages(self) -> None:
        """What the hub calls delivered was received, and nobody received what the hub knows nothing of."""
        received = {each.page for each in self.truth.received}
        known = {each.page: each for each in self.account.pages}
        self.out.pages = len(received)
        told = {each.incident for each in self.truth.received}
        self.out.pages_per_incident = len(received) / len(told) if told else 0.0
        for page in self.account.pages:
            if page.channel in ("webhook", "mqtt") and page.state == "delivered" and page.page not in received:
                self._find(self.out.lost, "page", f"{page.role} {page.person}", page.due_at,
                           f"page {page.page} of case {page.incident}: delivered, and nobody got it")  # fmt: skip
        for got in self.truth.received:
            if got.page not in known:
                self._find(self.out.invented, "page", got.person, got.at, f"page {got.page} is none of the hub's")

    # ---- invented ----

    def _causes(self) -> None:
        """Every case has a cause: something told, or something shown to a detector."""
        alerts = _by(self.account.alerts, lambda each: str(each.incident))
        for case in self.incidents.values():
            if case.kind == "system" or (case.test and not alerts.get(str(case.incident))):
                continue
            found = alerts.get(str(case.incident), [])
            if not any(self._cause(alert) for alert in found) and not self._pressed(case):
                self._find(self.out.invented, case.kind, self._whose(case), case.opened_at, f"case {case.incident}")

    def _cause(self, alert: AlertKept) -> bool:
        device = alert.device or ""
        counted = self.truth.counted.get(device)
        if alert.kind in ("sos", "smoke", "gas", "water"):
            return self._sent_near(device, alert.kind, alert.raised_at)
        if alert.kind == "fall":
            return self._sent_near(device, "fall", alert.raised_at) or bool(counted and counted.bursts)
        if alert.kind == "system":
            return True
        if counted is not None:
            return True  # a detector looked at what this device sent, or did not send
        return alert.resident in self.keys

    def _pressed(self, case: IncidentKept) -> bool:
        rows = self.presses_of.get(str(case.incident), ())
        return any(self._sent_near(row.device, row.kind, row.at) for row in rows)

    def _sent_near(self, device: str, kind: str, at: datetime) -> bool:
        """Whether a device really said so: first not after the row, and its last copy not long before it."""
        return any(
            each.first_at is not None and each.kind == kind
            and each.first_at - SLACK <= at <= (each.saved_at or at) + ROW_WITHIN
            for each in self.sent.get(device, ())
        )  # fmt: skip

    def _ended(self) -> None:
        for case in self.incidents.values():
            if case.state not in ENDED:
                self._find(self.out.unended, case.kind, self._whose(case), case.opened_at,
                           f"case {case.incident} is still {case.state}")  # fmt: skip

    # ---- how well ----

    def _kinds(self) -> None:
        """Sensitivity, by what happened."""
        kinds: dict[str, Kind] = {}
        delays: dict[str, list[float]] = defaultdict(list)
        by_resident = _by(self.account.alerts, lambda each: self.keys.get(each.resident or -1, ""))
        for each in self.truth.happened:
            if not each.kind or each.kind == "sos":
                continue
            kind = kinds.setdefault(each.what, Kind(what=each.what))
            if each.wants == "unseen":
                kind.unseen += 1
                continue
            kind.happened += 1
            found = [alert for alert in by_resident.get(each.resident, ()) if _of(each, alert)]
            if found:
                kind.found += 1
                delays[each.what].append((min(alert.raised_at for alert in found) - each.at).total_seconds())
        for kind in kinds.values():
            kind.delay_s = spread(delays[kind.what])
        self.out.kinds = sorted(kinds.values(), key=lambda kind: kind.what)

    def _alarms(self) -> None:
        """False alarms, by kind of alert."""
        happened = _by(self.truth.happened, lambda each: each.resident)
        alarms: dict[str, Alarms] = {}
        for alert in self.account.alerts:
            one = alarms.setdefault(alert.kind, Alarms(kind=alert.kind))
            one.alerts += 1
            key = self.keys.get(alert.resident or -1, "")
            if alert.kind in ("sos", "smoke", "gas", "water"):
                right = self._cause(alert)
            elif alert.kind in TECHNICAL:
                right = self._troubled(alert)
            else:
                right = any(
                    _of(each, alert) for each in happened.get(key, ()) if each.wants != "nothing" or each.cancelled_at
                )
            one.right += right
            one.false += not right
            case = self.incidents.get(alert.incident)
            one.asked += not right and case is not None and case.state == "cancelled"
        for one in alarms.values():
            one.per_wearer_day = one.alerts / self.out.wearer_days if self.out.wearer_days else 0.0
        self.out.alarms = sorted(alarms.values(), key=lambda one: -one.alerts)

    def _troubled(self, alert: AlertKept) -> bool:
        """Whether something was wrong with devices about then."""
        return any(
            each.at <= alert.raised_at and (each.until is None or alert.raised_at <= each.until + timedelta(hours=26))
            for each in self.truth.troubles
        )  # fmt: skip

    def _families(self) -> None:
        families: dict[str, Family] = {}
        for address, each in self.truth.counted.items():
            one = families.setdefault(each.family, Family(family=each.family))
            one.devices += 1
            one.sent += each.sent
            one.saved += each.saved
            one.copies += each.copies
            one.nonsense += each.nonsense
            one.alerts += len(self.alerts.get(address, ()))
        for number, sent in enumerate(self.truth.sent):
            if sent.kind in TOLD and sent.family in families:
                families[sent.family].told += 1
                families[sent.family].lost += number in self.lost_of
        self.out.families = sorted(families.values(), key=lambda one: one.family)

    def _people(self) -> None:
        """Times to a human, to the door and to the end, as people themselves did it."""
        answered: dict[int, datetime] = {}
        doors: dict[int, datetime] = {}
        for page in self.truth.received:
            for tap in page.taps:
                if tap.refused:
                    continue
                if tap.verb == "accept":
                    _first(answered, page.incident, tap.at)
                elif tap.verb == "arrived":
                    _first(doors, page.incident, tap.at)
        for deed in self.truth.deeds:
            if deed.verb == "take" and deed.status < 400:
                _first(answered, deed.incident, deed.at)
        calls = [case for case in self.incidents.values() if _calls(case)]
        human = _since(calls, answered)
        door = _since(calls, doors)
        self.out.unanswered = len(calls) - len(human)
        self.out.to_human_s, self.out.to_door_s = spread(human), spread(door)
        self.out.to_close_s = spread(
            [(case.closed_at - case.opened_at).total_seconds() for case in calls if case.closed_at]
        )  # fmt: skip
        for what, within_s, wanted in LEVELS:
            times, of = (human, len(calls)) if what == "answered" else (door, len(door))
            reached = sum(each <= within_s for each in times) / of if of else None
            self.out.levels.append(Level(what=what, within_s=within_s, wanted=wanted, reached=reached, of=of))

    def _whose(self, case: IncidentKept) -> str:
        return self.keys.get(case.resident or -1, case.device or "")

    @staticmethod
    def _find(where: list[Finding], what: str, who: str, at: datetime, note: str) -> None:
        where.append(Finding(what=what, who=who, at=at, note=note))


def _of(happened: Happened, alert: AlertKept) -> bool:
    """Whether an alert may be about something that happened: of its kind, not before it, not too long after it."""
    if alert.kind not in KINDRED.get(happened.kind, (happened.kind,)):
        return False
    horizon = timedelta(seconds=HORIZON.get(happened.kind, 3600.0))
    since = alert.measured_at if alert.measured_at and happened.kind == "fall" else alert.raised_at
    return happened.at - timedelta(minutes=2) <= since <= max(happened.at, happened.until or happened.at) + horizon


def _calls(case: IncidentKept) -> bool:
    """Whether somebody has to be reached: not for technical cases, nor where she took it back in time."""
    return case.severity in HUMAN and case.kind not in TECHNICAL and case.state != "cancelled"


def _since(calls: Iterable[IncidentKept], moments: Mapping[int, datetime]) -> list[float]:
    return [(moments[case.incident] - case.opened_at).total_seconds() for case in calls if case.incident in moments]


def _first(moments: dict[int, datetime], key: int, at: datetime) -> None:
    moments[key] = min(at, moments.get(key, at))


def _when(row: PressKept | AlertKept) -> datetime:
    return row.at if isinstance(row, PressKept) else row.raised_at


def _by(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)
