"""How many presses and alarms a run of messages amounts to, once their repeats are put together."""

from datetime import datetime, timedelta
from typing import Any

from devices.telemetry import Observation, Quality, Telemetry, Value

PRESS_WINDOW = timedelta(seconds=10)  # a button repeats its call every few seconds until it is heard
CLICK_WINDOW = timedelta(seconds=2)  # a bridge says one click up to three times, at once
FALL_WINDOW = timedelta(minutes=10)  # suspected, confirmed, calling: one fall, until the device says it is over
STATES = ("contact.", "presence.", "bed.", "motion.", "wear.", "link.online", "battery.low", "alarm.")
COUNTED = {"alarm.sos": "sos_alarms", "alarm.general": "sos_alarms", "alarm.fall": "fall_alarms"}


class Tally:
    """Counts what a person would count: presses, alarms, changes of state."""

    def __init__(self) -> None:
        self._counts = {"sos_alarms": 0, "fall_alarms": 0, "button_presses": 0, "transitions": 0}
        self._last: dict[tuple[str, str], tuple[datetime, str | None]] = {}
        self._known: set[tuple[str, str | None]] = set()
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
                self._click(said, at)
            elif seen.code in COUNTED:
                self._alarm(said.device, seen, at)
            self._change(said.device, seen)

    def counted(self) -> dict[str, Any]:
        """Return counts and the last value of each code."""
        return {"counts": dict(self._counts), "final": dict(self._final)}

    def _alarm(self, device: str, seen: Observation, at: datetime) -> None:
        """Count an alarm that is not the last one said again. One that was taken back starts anew."""
        count = COUNTED[seen.code]
        last = self._last.pop((device, count), None)
        if seen.value is not True:
            return
        self._last[device, count] = (at, None)
        window = FALL_WINDOW if count == "fall_alarms" else PRESS_WINDOW
        if last is None or at - last[0] >= window:
            self._counts[count] += 1

    def _click(self, said: Telemetry, at: datetime) -> None:
        """Count a click. Two identities are two clicks; where one of two reports has none, time decides."""
        identity = said.identity
        if identity is not None and (said.device, identity) in self._known:
            return
        self._known.add((said.device, identity))
        last = self._last.get((said.device, "click"))
        self._last[said.device, "click"] = (at, identity)
        if last is not None and None in (identity, last[1]) and at - last[0] < CLICK_WINDOW:
            return
        self._counts["button_presses"] += 1

    def _change(self, device: str, seen: Observation) -> None:
        if not seen.code.startswith(STATES):
            return
        before = self._state.get((device, seen.code))
        if before is not None and before != seen.value:
            self._counts["transitions"] += 1
        self._state[device, seen.code] = seen.value
