"""The oracle: what really happened against what the hub recorded and what people received.

*Lost*: a press, fall or alarm that a device told and the wire acknowledged, or that could have been delivered, and
that has no row and no case; an acknowledged message that is not stored, or made no row, device by device; a page the
hub calls delivered and nobody received; a case in which somebody has to come and nobody was called. *Invented*: a
case, press or page without a cause. A detector that was shown something real and took it for something else raised a
false alarm: that is counted under its kind (measured.py), and is no invention. *Late*: more than LATE_S after the wire
had it, by the hub's clock. Everything is computed from both accounts alone; nothing asks the hub.
"""

from collections import Counter
from datetime import datetime, timedelta

from simulator import expect, measured
from simulator.measured import TOLD, by, calls
from simulator.town_file import Account, AlertKept, DeviceKept, IncidentKept, PressKept, Sent, Truth
from simulator.verdict import Finding, Verdict

LATE_S = 5.0
SLACK = timedelta(seconds=2)
ROW_WITHIN = timedelta(seconds=60)  # a row without an identity is of the press it follows so closely
REFUSED = 400  # HTTP: from here on the console has not done what was asked
ENDED = ("closed", "cancelled")


def judge(truth: Truth, account: Account) -> Verdict:
    """Hold the account against the truth."""
    return _Judge(truth, account).verdict()


class _Judge:
    def __init__(self, truth: Truth, account: Account) -> None:
        self.truth, self.account = truth, account
        self.out = Verdict()
        self.keys = {number: key for key, number in truth.numbers.items()}
        self.incidents = {each.incident: each for each in account.incidents}
        self.presses: dict[str, list[PressKept]] = by(account.presses, lambda each: each.device)
        self.presses_of = by(account.presses, lambda each: str(each.incident))
        self.alerts: dict[str, list[AlertKept]] = by(account.alerts, lambda each: each.device or "")
        self.sent: dict[str, list[Sent]] = by(truth.sent, lambda each: each.device)
        self.lost_of: set[int] = set()

    def verdict(self) -> Verdict:
        out = self.out
        out.incidents = len(self.incidents)
        out.faults = [*self.truth.faults, *self.account.faults]
        out.wearer_days = measured.wearer_days(self.truth)
        out.cases = dict(Counter(case.kind for case in self.incidents.values())) | {"all": out.incidents}
        self._told()
        self._messages()
        self._pages()
        self._called()
        self._causes()
        self._ended()
        out.kinds = measured.kinds(self.truth, self.account)
        out.alarms = measured.alarms(self.truth, self.account, self._cause)
        out.families = measured.families(self.truth, self.account, self.lost_of)
        out.lent = measured.lent(self.truth, self.account)
        measured.people(self.truth, self.account, out)
        if self.truth.expect is not None:
            out.expected = expect.compared(self.truth.expect, out)
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
            if (late := (taken - (sent.whole_at or sent.first_at)).total_seconds()) > LATE_S:
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
        heard = sum(each.heard for each in counted.values())
        if out.messages_stored < heard:
            self._find(out.lost, "messages", "everybody", self.account.end,
                       f"{heard} acknowledged, copies included, {out.messages_stored} stored")  # fmt: skip
        told: Counter[str] = Counter()
        rows = {each.device: each for each in self.account.devices}
        for address, each in counted.items():
            told.update(each.topics)
            row = rows.get(address, DeviceKept(device=address))
            # Who awaits no answer is heard all the same. What was told by topic is looked at by topic.
            least = 0 if each.topics else max(each.heard, each.saved - each.nonsense)
            if row.messages < least:
                self._find(out.lost, "messages", address, self.account.end,
                           f"{least} acknowledged, {row.messages} stored")  # fmt: skip
            elif row.readable is not None and row.wide < row.readable:
                self._find(out.lost, "messages", address, self.account.end,
                           f"{row.readable} can be read, {row.wide} rows were made of them")  # fmt: skip
        for topic, number in told.items():
            if (stored := self.account.topics.get(topic, 0)) < number:
                self._find(out.lost, "messages", topic, self.account.end, f"{number} acknowledged, {stored} stored")

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

    def _called(self) -> None:
        """In a case in which somebody has to come a person was called, or an operator has done something about it."""
        reached = {page.incident for page in self.truth.received if page.purpose == "alarm"}
        reached |= {deed.incident for deed in self.truth.deeds if deed.status < REFUSED}
        for case in self.incidents.values():
            if calls(case) and not case.test and case.incident not in reached:
                self._find(self.out.lost, case.kind, self._whose(case), case.opened_at,
                           f"case {case.incident}: nobody was called")  # fmt: skip

    # ---- invented ----

    def _causes(self) -> None:
        """Every case has a cause: something told, or something shown to a detector."""
        alerts = by(self.account.alerts, lambda each: str(each.incident))
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

    def _whose(self, case: IncidentKept) -> str:
        return self.keys.get(case.resident or -1, case.device or "")

    @staticmethod
    def _find(where: list[Finding], what: str, who: str, at: datetime, note: str) -> None:
        where.append(Finding(what=what, who=who, at=at, note=note))


def _when(row: PressKept | AlertKept) -> datetime:
    return row.at if isinstance(row, PressKept) else row.raised_at
