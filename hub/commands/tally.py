"""How many presses and alarms a run of messages amounts to, once their repeats are put together."""

from datetime import datetime, timedelta
from typing import Any

from devices.telemetry import Observation, Quality, Telemetry, Value

PRESS_WINDOW = timedelta(seconds=10)  # presses without an identity within it are one
CLICK_WINDOW = timedelta(seconds=2)  # a bridge says one click up to three times, at once
STATES = ("contact.", "presence.", "bed.", "motion.", "wear.", "link.online", "battery.low", "alarm.")
COUNTED = {"alarm.sos": "sos_alarms", "alarm.general": "sos_alarms", "alarm.fall": "fall_alarms"}


class Tally:
    """Counts what a person would count: presses, alarms, changes of state."""

    def __init__(self) -> None:
        self._counts = {"sos_alarms": 0, "fall_alarms": 0, "button_presses": 0, "transitions": 0}
        self._last: dict[tuple[str, str], tuple[datetime, str | None]] = {}
        self._known: set[tuple[str, str, str]] = set()
        self._state: dict[tuple[str, str], Value] = {}
        self._final: dict[str, Value] = {}

    def hear(self, said: Telemetry, at: datetime) -> None:
        """Take one message's telemetry, received `at`."""
        for seen in said.observations:
            if seen.quality is not Quality.OK:
                continue
            if seen.code not in ("link.seen", "location"):
                self._final[seen.code] = seen.value
            if seen.code == "button.press":
                self._press(said, seen, at, "button_presses", CLICK_WINDOW)
            elif seen.code in COUNTED and seen.value is True:
                self._press(said, seen, at, COUNTED[seen.code], PRESS_WINDOW)
            self._change(said.device, seen)

    def counted(self) -> dict[str, Any]:
        """Return counts and the last value of each code."""
        return {"counts": dict(self._counts), "final": dict(self._final)}

    def _press(self, said: Telemetry, seen: Observation, at: datetime, count: str, window: timedelta) -> None:
        identity = said.identity
        if identity is not None:
            known = (said.device, count, identity)
            if known in self._known:
                return
            self._known.add(known)
        last = self._last.get((said.device, count))
        self._last[said.device, count] = (at, identity)
        # Two identities are two presses. Where one of the two reports has none, time decides.
        if last is not None and (identity is None or last[1] is None) and at - last[0] < window:
            return
        self._counts[count] += 1

    def _change(self, device: str, seen: Observation) -> None:
        if not seen.code.startswith(STATES):
            return
        before = self._state.get((device, seen.code))
        if before is not None and before != seen.value:
            self._counts["transitions"] += 1
        self._state[device, seen.code] = seen.value
