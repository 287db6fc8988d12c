"""Which devices are silent for themselves and which because their gateway is lost; what of each day remains.

Ingest shows it every stored batch and hands it what the detector of silence found, before anybody is called. It answers
from memory; what has changed is written behind, by `hub.supervision_writer`. Nothing here is on the way of a press.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter, Gauge

from alerts.detectors.detector import Columnar, Finding
from alerts.detectors.device_health import quiet_ms
from alerts.supervision import class_of
from alerts.supervision_battery import CHARGED_PCT
from alerts.supervision_days import DayBook
from alerts.supervision_gateways import BEATS, OFFLINE_GRACE_MS, Members, Why, lost, offline_too_long
from devices.columns import Columns
from hub.detection import HEALTH, Detection
from hub.device_table import NONE, DeviceTable

SILENCE = "T3"
STATED_SIGNAL_EVERY_MS = 60_000  # one message may come three times
VIAS_WAITING = 200_000  # changes of gateway not yet written; beyond it the oldest are left to the next message
NAMED = 10  # devices named in the alert of their gateway

SILENT = Gauge("carehub_silent_devices", "Devices past their deadline", ["why"])
FAULTS = Counter("carehub_supervision_faults", "Faults of supervision itself: looked over, nothing else stopped")
LOST = Gauge("carehub_gateways_lost", "Gateways that are lost")
log = structlog.get_logger()


class Linked(NamedTuple):
    """What a message says of its device's line and supply, beside its readings."""

    row: int
    at_ms: int
    via: str | None = None
    online: bool | None = None
    low: bool | None = None


@dataclass(kw_only=True, eq=False)
class Gateway:
    """One gateway and what is behind it. Rows are the device table's."""

    address: str
    rows: set[int] = field(default_factory=set)
    offline_ms: int = 0  # it said so then; 0: it did not, or is back
    why: Why | None = None  # lost
    began_ms: int = 0
    back_ms: int = 0  # when a loss of it ended last
    beats: int = 0
    loss_id: int | None = None  # known once the loss is saved
    counted: set[int] = field(default_factory=set)  # rows that are silent because of it


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A gateway that is lost, as it is told: one alert."""

    gateway: Gateway
    why: Why
    began_ms: int
    members: int
    silent: int
    named: tuple[str, ...]
    area: str


class Changes:
    """What is to be written behind. Whoever writes takes it, and puts back what could not be written."""

    def __init__(self) -> None:
        self.vias: dict[int, str] = {}  # row -> gateway
        self.words: dict[str, tuple[bool, int]] = {}
        self.begun: dict[int, tuple[int, int, Gateway | None]] = {}  # row -> since, found, because of
        self.ended: set[int] = set()
        self.signals: dict[tuple[int, int], None] = {}  # row, when
        self.charged: set[int] = set()


class Supervision:
    """The shell's memory of silences and gateways.

    Args:
        table: every device.
        detection: whose column of silence this explains.
        lose: takes a loss that is to be told.
        back: takes a gateway that is back.
        offset_ms: of the district's midnight from UTC.
    """

    def __init__(
        self, table: DeviceTable, detection: Detection, *, lose: Callable[[Loss], None],
        back: Callable[[Gateway], None], offset_ms: int = 0,
    ) -> None:  # fmt: skip
        self.table, self._detection = table, detection
        self._lose, self._back = lose, back
        self.days = DayBook(offset_ms)
        self.gateways: dict[str, Gateway] = {}
        self._of: dict[int, Gateway] = {}  # row -> what it is behind
        self._lost: set[str] = set()
        self._offline: set[str] = set()
        self.silent: dict[int, int] = {}  # row -> when it was found
        self.low: set[int] = set()  # rows whose battery was low and has not been well since
        self._stated_ms: dict[int, int] = {}  # of them those that said so themselves, and when last
        self._now_ms = 0
        self.changes = Changes()

    # What was stored.

    def observe(self, rows: NDArray[np.int64], columns: Columns, links: Sequence[Linked]) -> None:
        """Take a stored batch in. Never raises: what was stored is stored, and a press stands behind it."""
        try:
            self._observe(rows, columns, links)
        except Exception:
            FAULTS.inc()
            log.exception("supervision failed on a batch")

    def _observe(self, rows: NDArray[np.int64], columns: Columns, links: Sequence[Linked]) -> None:
        self.days.fit(len(self.table))
        for at in self.days.observe(rows, columns).tolist():
            self.changes.signals[int(rows[at]), int(columns.received_ms[at])] = None
            self.low.add(int(rows[at]))
        if self.low:
            full = np.flatnonzero(columns.battery_pct >= CHARGED_PCT)
            self._charged(row for row in rows[full].tolist() if row in self.low)
        for one in links:
            self._link(one)
        if self._lost:
            for row in rows.tolist():
                gateway = self._of.get(row)
                if gateway is not None and gateway.address in self._lost:
                    self._beat(gateway)

    def _charged(self, rows: Iterable[int]) -> None:
        for row in list(rows):
            self.low.discard(row)
            self._stated_ms.pop(row, None)
            self.changes.charged.add(row)

    def _link(self, one: Linked) -> None:
        if one.via is not None:
            self._behind(one.row, one.via)
        if one.low and one.at_ms - self._stated_ms.get(one.row, 0) >= STATED_SIGNAL_EVERY_MS:
            self._stated_ms[one.row] = one.at_ms
            self.low.add(one.row)
            self.changes.signals[one.row, one.at_ms] = None
        elif one.low is False and one.row in self.low:
            self._charged([one.row])
        if one.online is not None:
            self._word(self.table.address[one.row], one.online, one.at_ms)

    def _behind(self, row: int, address: str) -> None:
        before = self._of.get(row)
        if before is not None and before.address == address:
            return
        self.put_via(row, address)
        if len(self.changes.vias) < VIAS_WAITING:
            self.changes.vias[row] = address
        if before is not None and not before.rows and before.why is Why.SILENT:
            self._returned(before)  # all its devices are heard by others

    def put_via(self, row: int, address: str) -> None:
        """Remember behind which gateway a device is."""
        if row in self._of:
            self._of[row].rows.discard(row)
        self._of[row] = self.gateways.setdefault(address, Gateway(address=address))
        self._of[row].rows.add(row)

    def _word(self, address: str, online: bool, at_ms: int) -> None:
        """A device says that its line is up or down. Only of a gateway does that mean anything for others."""
        known = self.gateways.get(address)
        if known is None and class_of(address).name != "gateway":
            return
        if online:
            if known is not None and (known.offline_ms or known.why):
                self._returned(known)
            if address in self._offline:
                self._offline.discard(address)
                self.changes.words[address] = (True, at_ms)
        elif address not in self._offline:
            gateway = known or self.gateways.setdefault(address, Gateway(address=address))
            gateway.offline_ms = at_ms
            self._offline.add(address)
            self.changes.words[address] = (False, at_ms)

    def _beat(self, gateway: Gateway) -> None:
        gateway.beats += 1
        if gateway.beats >= BEATS:
            self._returned(gateway)

    def _returned(self, gateway: Gateway) -> None:
        """It works. Whatever fell silent with it begins its deadline now, and alerts for itself if it stays so.

        What was overdue before the loss alerts at once: a gateway off every night must not hide a dead button.
        """
        gateway.offline_ms = gateway.beats = 0
        if gateway.address in self._offline:
            self._offline.discard(gateway.address)
            self.changes.words[gateway.address] = (True, self._now_ms)
        if gateway.why is None:
            return
        log.info("gateway back", gateway=gateway.address, devices=len(gateway.rows))
        rows = np.fromiter(sorted(gateway.rows | gateway.counted), np.int64)
        alone = {row for row in self.silent if row in gateway.rows} - gateway.counted
        rows = rows[~np.isin(rows, np.fromiter(alone, np.int64, len(alone)))]
        overdue = self._overdue(rows, gateway.began_ms)
        self._detection.excuse(rows[~overdue], self._now_ms)
        self._detection.look_again(rows[overdue])
        for row in gateway.counted:
            self.silent.pop(row, None)
            self.changes.begun.pop(row, None)
            self.changes.ended.add(row)
        gateway.why, gateway.loss_id, gateway.counted, gateway.back_ms = None, None, set(), self._now_ms
        self._lost.discard(gateway.address)
        self._back(gateway)

    def _overdue(self, rows: NDArray[np.int64], at_ms: int) -> NDArray[np.bool_]:
        """Return which were past their deadlines then, by what was heard of them and whatever excused them since."""
        health = self._health(rows)
        spoke_ms = np.maximum(health["heard_ms"], health["bound_ms"])
        overdue: NDArray[np.bool_] = at_ms - spoke_ms > self.table.deadline_s[rows] * 1000
        return overdue & (self.table.deadline_s[rows] > 0)

    # The passing of time.

    def tick(self, now_ms: int) -> None:
        """Gateways that said they are offline and did not come back in time are lost. Never raises."""
        try:
            self._tick(now_ms)
        except Exception:
            FAULTS.inc()
            log.exception("supervision failed")

    def _tick(self, now_ms: int) -> None:
        self._now_ms = now_ms
        for address in [one for one in self._offline if one not in self._lost]:
            gateway = self.gateways[address]
            if gateway.rows and offline_too_long(gateway.offline_ms, now_ms, self._grace_ms(address)):
                self._tell(gateway, Why.SAID, now_ms)
        self._ended(now_ms)

    def _grace_ms(self, address: str) -> int:
        row = self.table.row_of.get(address, NONE)
        own = int(self.table.deadline_s[row]) if row != NONE else 0
        return own * 1000 or OFFLINE_GRACE_MS

    def alone(self, found: Iterable[Finding], now_ms: int) -> list[Finding]:
        """Return the findings that are told by themselves: silences a lost gateway explains are counted there.

        Never raises: a silence that cannot be looked at is told.
        """
        return [one for one in found if one.rule != SILENCE or not self._looked(one.row, now_ms)]

    def _looked(self, row: int, now_ms: int) -> bool:
        try:
            return self._explained(row, now_ms)
        except Exception:
            FAULTS.inc()
            log.exception("supervision failed on a silence")
            return False

    def _explained(self, row: int, now_ms: int) -> bool:
        self._now_ms = now_ms
        itself = self.gateways.get(self.table.address[row])
        if itself is not None and itself.rows:
            return self._gateway_silent(itself, row, now_ms)
        gateway = self._of.get(row)
        if gateway is None:
            self._silent(row, now_ms, None)
            return False
        if gateway.why is None:
            members = self._members(gateway, now_ms)
            if gateway.offline_ms:
                self._tell(gateway, Why.SAID, now_ms)
            elif lost(members, now_ms, gateway.back_ms):
                self._tell(gateway, Why.SILENT, now_ms)
        because = gateway if gateway.why is not None else None
        self._silent(row, now_ms, because)
        return because is not None

    def _gateway_silent(self, gateway: Gateway, row: int, now_ms: int) -> bool:
        """A gateway that is itself past its deadline is lost, unless something behind it has spoken since."""
        members = self._members(gateway, now_ms)
        if len(members.rows) and int(members.quiet_ms.min()) <= int(self.table.deadline_s[row]) * 1000:
            self._detection.excuse(np.array([row]), now_ms)
        elif gateway.why is None:
            self._tell(gateway, Why.SILENT, now_ms)
        return True

    def _silent(self, row: int, now_ms: int, because: Gateway | None) -> None:
        self.silent[row] = now_ms
        if because is not None:
            because.counted.add(row)
        since_ms = now_ms - int(quiet_ms(self._health(np.array([row])), now_ms)[0])
        self.changes.ended.discard(row)
        self.changes.begun[row] = (since_ms, now_ms, because)

    def _ended(self, now_ms: int) -> None:
        """Devices that were silent and have spoken, or are supervised no more."""
        if not self.silent:
            return
        rows = np.fromiter(self.silent, np.int64, len(self.silent))
        health = self._health(rows)
        for row in rows[(health["silent"] == 0) | (health["deadline_s"] == 0)].tolist():
            del self.silent[row]
            self.changes.begun.pop(row, None)
            self.changes.ended.add(row)
            gateway = self._of.get(row)
            if gateway is not None:
                gateway.counted.discard(row)

    def _tell(self, gateway: Gateway, why: Why, now_ms: int) -> None:
        members = self._members(gateway, now_ms)
        began_ms = gateway.offline_ms if why is Why.SAID else now_ms - int(members.quiet_ms.min(initial=now_ms))
        gateway.why, gateway.began_ms, gateway.beats = why, began_ms, 0
        self._lost.add(gateway.address)
        silent = members.rows[members.silent].tolist()
        areas = Tally(self.table.area[row] for row in members.rows.tolist())
        log.warning("gateway lost", gateway=gateway.address, why=why.value, devices=len(members.rows))
        self._lose(
            Loss(
                gateway=gateway, why=why, began_ms=began_ms, members=len(members.rows), silent=len(silent),
                named=tuple(self.table.address[row] for row in (silent or members.rows.tolist())[:NAMED]),
                area=areas.most_common(1)[0][0] if areas else "",
            )
        )  # fmt: skip

    def _members(self, gateway: Gateway, now_ms: int) -> Members:
        rows = np.fromiter(sorted(gateway.rows), np.int64, len(gateway.rows))
        rows = rows[self.table.deadline_s[rows] > 0]
        return Members(
            rows=rows, quiet_ms=quiet_ms(self._health(rows), now_ms), deadline_ms=self.table.deadline_s[rows] * 1000,
            found_ms=np.array([self.silent.get(row, 0) for row in rows.tolist()], np.int64),
        )  # fmt: skip

    def _health(self, rows: NDArray[np.int64]) -> Columnar:
        return {name: column[rows] for name, column in self._detection.states[HEALTH].items()}

    # What was known before.

    def restore(
        self, vias: Iterable[tuple[int, str]], offline: Iterable[tuple[str, int]],
        losses: Iterable[tuple[int, str, str, int]], silences: Iterable[tuple[int, int]], low: Iterable[int],
    ) -> None:  # fmt: skip
        """Take over what the database remembers; devices by number, times in milliseconds."""
        row_of = self.table.row_of_id
        for device_id, via in vias:
            if (row := row_of(device_id)) != NONE:
                self.put_via(row, via)
        for address, at_ms in offline:
            self.gateways.setdefault(address, Gateway(address=address)).offline_ms = at_ms
            self._offline.add(address)
        for loss_id, address, why, began_ms in losses:
            gateway = self.gateways.setdefault(address, Gateway(address=address))
            gateway.why, gateway.loss_id, gateway.began_ms = Why(why), loss_id, began_ms
            self._lost.add(address)
        for device_id, found_ms in silences:
            if (row := row_of(device_id)) != NONE:
                self.silent[row] = found_ms
        self.low.update(row for device_id in low if (row := row_of(device_id)) != NONE)
        for row in self.silent:
            if row in self._of and self._of[row].why is not None:
                self._of[row].counted.add(row)

    def measure(self) -> None:
        """Tell Prometheus."""
        because = sum(len(self.gateways[address].counted) for address in self._lost)
        SILENT.labels("gateway").set(because)
        SILENT.labels("itself").set(len(self.silent) - because)
        LOST.set(len(self._lost))
