"""A device says all it can, one word after another: so an installer tries it, and so it shows whether it is understood.

An alarm among the words is written down as one: somebody is called for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from simulator.chronicle import Chronicle
from simulator.encoders.encoder import STATES, Body, Messages
from simulator.lockstep import Lockstep
from simulator.speakers import Speaker
from simulator.story import Happens

QUIET = ("login", "heartbeat", "vitals", "steps", "meter", "battery", "position", "worn", "door", "motion", "presence",
         "bed")  # fmt: skip
LOUD = ("low_battery", "taken_off", "water", "smoke", "gas", "press", "fall", "cancel")
ALARMS = {"water": Happens.LEAK, "smoke": Happens.SMOKE, "gas": Happens.GAS, "press": Happens.PRESSES,
          "fall": Happens.FALLS}  # fmt: skip
KINDS = {"press": "sos"}
WELL = Body(
    heart_rate_bpm=72, spo2_pct=97, respiration_rpm=16, temperature_c=36.6, systolic_mmhg=128, diastolic_mmhg=78
)
TAKES_BACK_S = 8.0  # within the seconds in which a wearer may say that it was nothing
OVER_S = 30.0  # then a state is no more
BACK_S = 20.0  # after its farewell it is there again


@dataclass
class EveryWord:
    """Says them."""

    clock: Lockstep
    chronicle: Chronicle

    def plan(self, speaker: Speaker, since: datetime, apart_s: float) -> None:
        """Put all its words into the calendar, so far apart, from a moment on."""
        for number, say in enumerate(self._words(speaker)):
            self.clock.at(since + timedelta(seconds=number * apart_s), say)

    def alarm(self, speaker: Speaker, word: str, what: Happens, note: str = "") -> None:
        """It says that somebody is needed."""
        kind, now = KINDS.get(word, word), self.clock.now
        one = self.chronicle.happened(speaker.resident, what, kind, now, until=now + timedelta(minutes=10), note=note)
        speaker.alarm(kind, self.chronicle.sends(speaker.device, speaker.resident, kind, one, now))
        if word in STATES:
            self.clock.after(OVER_S, lambda: speaker.state(word, self.clock.now, on=False))
        elif word == "fall" and "cancel" in speaker.can:
            one.what, one.wants = Happens.FALLS_AND_CANCELS, "nothing"
            self.clock.after(TAKES_BACK_S, lambda: self._cancel(speaker))

    def _cancel(self, speaker: Speaker) -> None:
        now = self.clock.now
        fall = next(
            each for each in reversed(self.chronicle.truth.happened)
            if each.resident == speaker.resident.key and each.kind == "fall"
        )  # fmt: skip
        fall.cancelled_at = now
        speaker.alarm("cancel", self.chronicle.sends(speaker.device, speaker.resident, "cancel", fall, now))

    def _words(self, speaker: Speaker) -> Iterator[Callable[[], None]]:
        for word in (*QUIET, *LOUD):
            if word not in speaker.can or (word == "cancel" and "fall" in speaker.can):
                continue
            if word in ALARMS:
                yield partial(self.alarm, speaker, word, ALARMS[word])
            elif word in STATES:
                yield partial(self._state, speaker, word)
            else:
                yield partial(self._say, speaker, word)
        if "farewell" in speaker.can:
            yield partial(self._goes_and_comes, speaker)

    def _state(self, speaker: Speaker, word: str) -> None:
        speaker.state(word, self.clock.now, on=True)
        self.clock.after(OVER_S, lambda: speaker.state(word, self.clock.now, on=False))

    def _say(self, speaker: Speaker, word: str) -> None:
        if word == "login":
            if speaker.mqtt:  # over TCP it comes first on a connection anyway
                speaker.hello()
            return
        speaker.say(self._said(speaker, word))

    def _said(self, speaker: Speaker, word: str) -> Messages:
        words, at, say = speaker.words, speaker.time(), getattr(speaker.encoder, word)
        match word:
            case "vitals":
                given: tuple[object, ...] = (WELL.only(speaker.encoder.measures),)
            case "steps":
                given = (words.steps + 40,)
            case "meter":
                given = (40_000 + words.next_serial(),)
            case "battery":
                given = (words.battery_pct,)
            case "position":
                given = (replace(words.fix, valid=True),)
            case "low_battery" | "taken_off" | "cancel":
                given = (f"{int(self.clock.now.timestamp()):x}",)
            case _:
                given = ()
        said: Messages = say(words, at, *given)
        return said

    def _goes_and_comes(self, speaker: Speaker) -> None:
        farewell = speaker.encoder.farewell
        assert farewell is not None
        speaker.say(farewell(speaker.words, speaker.time()))
        self.clock.after(BACK_S, speaker.hello)
