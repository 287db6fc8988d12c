"""Is the device itself well: not worn (T1), battery (T2), missed heartbeats (T3), values no body can show (T4)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import wearing
from alerts.detectors.detector import Column, Columnar, Field, Finding
from alerts.model import AlertKind, Severity
from alerts.supervision_battery import CHARGED_PCT, LOW_PCT
from devices.columns import Columns

CRITICAL_PCT = 10.0
REPORTS = 2  # one low report may be a cold cell under load
BEATS = 2  # a single beat may be a radio fluke
MOST_AWAY_MS = 2**32 - 1  # seven weeks; a hub that was away for longer finds everybody silent
AWAY_MS = 60_000  # a longer pause between ticks means that the hub was away, not the devices


def _seconds(ms: Column) -> Column:
    return (ms // 1000).astype(np.uint32)


def _weeks(ms: Column) -> Column:
    return np.clip(ms, 0, MOST_AWAY_MS).astype(np.uint32)


class DeviceHealth:
    """T1 to T4 for all devices; T1 and T4 stand in `wearing`.

    Written by the shell: `deadline_s`, the longest silence the device may show (0 = not supervised), `bound_ms`, since
    when it is its resident's, `created_s`, since when the hub knows it (0 = not known), and `wearable`.
    Silence counts from the last message of any kind, or from the binding where that is later. A device that never spoke
    is missed like any other, however often the hub restarts: its silence began when it was bound or made known, and
    only where neither is known at the first tick that saw it. Time in which the hub itself was away does not count.
    """

    name = "device_health"
    fields: Mapping[str, Field] = {
        "deadline_s": Field(dtype="int32"),
        "bound_ms": Field(dtype="int64"),
        "created_s": Field(dtype="uint32", was=("created_ms", _seconds)),
        "heard_ms": Field(dtype="int64"),
        "away_ms": Field(dtype="uint32", was=("away_ms", _weeks)),  # how long the hub was away since heard_ms
        "ticked_ms": Field(dtype="int64"),
        "silent": Field(dtype="uint8"),  # 1 = T3 raised and not yet cleared
        "beats": Field(dtype="uint8"),  # messages since the silence ended
        "battery_s": Field(dtype="uint32", was=("battery_ms", _seconds)),  # device time of the newest battery report
        "low_since_s": Field(dtype="uint32", was=("low_since_ms", _seconds)),
        "critical_since_s": Field(dtype="uint32", was=("critical_since_ms", _seconds)),
        "low_reports": Field(dtype="uint8"),
        "critical_reports": Field(dtype="uint8"),
        "battery_level": Field(dtype="uint8"),  # 0 well, 1 low raised, 2 critical raised
        **wearing.FIELDS,
    }

    def observe(self, state: Columnar, rows: NDArray[np.int64], batch: Columns) -> list[Finding]:
        """Take a batch in: every message is a heartbeat, some carry a battery level, some say whether it is worn."""
        if len(rows) == 0:
            return []
        found = wearing.wear(state, rows, batch) + wearing.doubt(state, rows, batch)
        self._beat(state, rows, batch.received_ms)
        told = np.flatnonzero(~np.isnan(batch.battery_pct))
        if len(told) == 0:
            return found
        return found + self._battery(state, rows[told], batch.measured_ms[told], batch.battery_pct[told])

    def tick(self, state: Columnar, now_ms: int) -> list[Finding]:
        """Return a T3 for every supervised row that has been silent past its deadline."""
        deadline, heard, ticked = state["deadline_s"], state["heard_ms"], state["ticked_ms"]
        if len(deadline) == 0:
            return []
        if now_ms - int(ticked.max()) > AWAY_MS:
            state["away_ms"][:] = _weeks(state["away_ms"] + np.where(ticked > 0, now_ms - ticked, 0))
        ticked[:] = now_ms
        supervised = deadline > 0
        # A device that never spoke starts its silence now; identity stays findable because heard_ms is kept.
        fresh = supervised & (heard == 0)
        created_ms = state["created_s"][fresh].astype(np.int64) * 1000
        heard[fresh] = np.where(created_ms > 0, created_ms, now_ms)
        quiet = quiet_ms(state, now_ms)
        late = supervised & (state["silent"] == 0) & (quiet > deadline.astype(np.int64) * 1000)
        found = np.flatnonzero(late)
        state["silent"][found] = 1
        state["beats"][found] = 0
        return [
            Finding(
                row=row,
                rule="T3",
                kind=AlertKind.SILENCE,
                severity=Severity.TECHNICAL,
                at_ms=now_ms,
                identity=f"T3:{max(heard[row], state['bound_ms'][row])}",
                evidence={"silent_s": int(quiet[row]) // 1000, "deadline_s": int(deadline[row])},
            )
            for row in found.tolist()
        ]

    @staticmethod
    def _beat(state: Columnar, rows: NDArray[np.int64], received_ms: NDArray[np.int64]) -> None:
        heard = state["heard_ms"]
        np.maximum.at(heard, rows, received_ms)
        state["away_ms"][rows] = 0
        back = rows[state["silent"][rows] == 1]
        if len(back):
            beats = state["beats"]
            np.add.at(beats, back, np.uint8(1))
            well = back[beats[back] >= BEATS]
            state["silent"][well] = 0
            beats[well] = 0

    @staticmethod
    def _battery(
        state: Columnar, rows: NDArray[np.int64], at_ms: NDArray[np.int64], level_pct: NDArray[np.float32]
    ) -> list[Finding]:
        """Reports of one device in the order of its own clock; a repeat of the newest one is not a second report."""
        found: list[Finding] = []
        interesting = (level_pct <= LOW_PCT) | (state["low_reports"][rows] > 0) | (state["battery_level"][rows] > 0)
        if interesting.any():  # all reports of a device that has one to look at
            interesting = np.isin(rows, rows[interesting])
        at_s = at_ms // 1000
        np.maximum.at(state["battery_s"], rows[~interesting], at_s[~interesting].astype(np.uint32))
        for i in np.lexsort((level_pct, at_s, rows)).tolist():
            if not interesting[i]:
                continue
            row, at, pct = int(rows[i]), int(at_s[i]), float(level_pct[i])
            if at <= state["battery_s"][row]:
                continue
            state["battery_s"][row] = at
            for level, limit, name in ((2, CRITICAL_PCT, "critical"), (1, LOW_PCT, "low")):
                reports, since = state[f"{name}_reports"], state[f"{name}_since_s"]
                if pct > limit:
                    reports[row] = 0
                    continue
                since[row] = since[row] if reports[row] else at
                reports[row] = min(int(reports[row]) + 1, REPORTS)
                if reports[row] == REPORTS and state["battery_level"][row] < level:
                    state["battery_level"][row] = level
                    found.append(_flat(row, at * 1000, f"T2:{name}:{int(since[row]) * 1000}", pct))
            if pct >= CHARGED_PCT:
                state["battery_level"][row] = 0
        return found


def quiet_ms(state: Columnar, now_ms: int) -> NDArray[np.int64]:
    """Return how long each row has been silent, time in which the hub was away left out."""
    quiet: NDArray[np.int64] = now_ms - np.maximum(state["heard_ms"], state["bound_ms"]) - state["away_ms"]
    return quiet


def excuse(state: Columnar, rows: NDArray[np.int64], now_ms: int) -> None:
    """Let the deadlines of these rows begin now: what they speak through was not there. Those heard since are left."""
    still = rows[quiet_ms({name: column[rows] for name, column in state.items()}, now_ms) > 0]
    state["away_ms"][still] = _weeks(now_ms - np.maximum(state["heard_ms"][still], state["bound_ms"][still]))
    state["silent"][still] = 0
    state["beats"][still] = 0


def _flat(row: int, at_ms: int, identity: str, level_pct: float) -> Finding:
    return Finding(
        row=row,
        rule="T2",
        kind=AlertKind.DEVICE,
        severity=Severity.TECHNICAL,
        at_ms=at_ms,
        identity=identity,
        evidence={"battery_pct": round(level_pct, 1)},
    )
