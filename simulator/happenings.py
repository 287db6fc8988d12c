"""What happens to residents: a story's events and what life brings by itself, told through what they wear and press."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from simulator.chronicle import Chronicle
from simulator.encoders import carehub
from simulator.encoders.encoder import Outgoing
from simulator.every_word import EveryWord
from simulator.life.life import Life
from simulator.life.model import Deed, Episode, FallKind, Illness, Motion, What
from simulator.lockstep import Lockstep
from simulator.motion import fall_of_a_walker
from simulator.scenario import ScenarioError
from simulator.speakers import Speaker
from simulator.story import Event, Happens, Story, Whom
from simulator.town_file import Happened, Town, TownResident

PRESSES = frozenset(
    {Happens.PRESSES, Happens.PRESSES_BY_ACCIDENT, Happens.PRESSES_TO_TEST, Happens.PRESSES_LONELY,
     Happens.SAYS_ONLY_HELP}
)  # fmt: skip
# A story's word, life's word for it, the kind of alert that would be right, and how long it lasts if nothing is said.
LIVED: Mapping[Happens, tuple[What, str, float | None]] = {
    Happens.FALLS: (What.FALLS, "fall", None),
    Happens.FALLS_LOCKED: (What.FALLS, "fall", 7_200),
    Happens.FALLS_AND_CANCELS: (What.FALLS, "fall", 20),
    Happens.FEVER: (What.FEVER, "vitals", None),
    Happens.BREATHLESS: (What.BREATHLESS, "vitals", None),
    Happens.FAST_HEART: (What.FAST_HEART, "vitals", None),
    Happens.SLOW_HEART: (What.SLOW_HEART, "vitals", None),
    Happens.GOES_OUT: (What.GOES_OUT, "", None),
    Happens.AWAY: (What.GOES_AWAY, "", 259_200),
    Happens.HOSPITAL: (What.TO_HOSPITAL, "", 259_200),
    Happens.VISITED: (What.VISITED, "", None),
    Happens.STAYS_IN_BED: (What.STAYS_IN_BED, "stillness", None),
    Happens.WANDERS: (What.WANDERS, "wandering", None),
    Happens.SMOKE: (What.SMOKE, "smoke", 600),
    Happens.GAS: (What.GAS, "gas", 900),
    Happens.TAP: (What.TAP_RUNNING, "routine", None),
    Happens.WATCH_OFF: (What.WATCH_OFF, "", None),
    Happens.WRONG_WEARER: (What.SOMEBODY_ELSE, "", None),
    Happens.DIES: (What.DIES, "stillness", None),
}
BY_ITSELF = {lived: word for word, (lived, _, _) in reversed(list(LIVED.items()))}
ARTEFACTS = (Deed.CLAPPING, Deed.HITS_TABLE, Deed.DROPS_INTO_CHAIR, Deed.LIES_DOWN, Deed.STUMBLES, Deed.SITS_DOWN,
             Deed.WASHING_HANDS)  # fmt: skip
OUT_LONG = timedelta(minutes=25)  # a fence of 500 m, five minutes beyond it, positions every five
NIGHTS_KNOWN, WEARER_KNOWN, RISE_BPM = timedelta(days=14), timedelta(days=4), 40.0
RATE_HZ, RANGE_G = 50.0, 8.0
BEFORE_S, AFTER_S = 2.0, 25.0  # what a watch keeps of a wrist around a blow
OWN_DETECTOR = 0.85  # of falls a watch with a detector of its own notices
PRESSES_TOO = 0.4  # of the fallen who could press, and do
UP_AGAIN = timedelta(seconds=60)  # who is up by then says that it was nothing


@dataclass
class Happenings:
    """Lets the story happen. Who it happens to is drawn from the seed."""

    town: Town
    story: Story
    life: Life
    clock: Lockstep
    chronicle: Chronicle
    worn: Mapping[int, Speaker]  # by resident's index
    home: Mapping[int, Mapping[str, list[Speaker]]]  # by index, then kind
    seed: str
    _scripted: dict[tuple[int, What, datetime], Happens] = field(default_factory=dict)
    _fires: dict[tuple[int, str], Happened] = field(default_factory=dict)
    _falls: dict[int, Happened] = field(default_factory=dict)
    _samples: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draw = random.Random(f"{self.seed}:happenings")
        self.words = EveryWord(self.clock, self.chronicle)

    def prepare(self) -> None:
        """Put everything the story says into the calendar.

        Raises:
            ScenarioError: Somebody it names cannot do what it says.
        """
        for event in self.story.events:
            who = self._able(event)
            ends_s = (self.town.ends - self.town.begins).total_seconds()
            for resident in who:
                moments = [event.at_s] if not event.every_s else np.arange(event.at_s, ends_s, event.every_s).tolist()
                for moment in moments:
                    self._plan(event, resident, moment)

    def began(self, episode: Episode) -> None:
        """Something has come over somebody."""
        self.clock.at(episode.at, partial(self._episode, episode))

    def press(self, resident: TownResident, what: Happens, note: str = "") -> None:
        """She presses what is at hand: what she wears, else a button on the wall."""
        speaker = self._button(resident.index)
        if speaker is None:
            return
        one = self.chronicle.happened(resident, what, "sos", self.clock.now, note=note)
        speaker.alarm("sos", self.chronicle.sends(speaker.device, resident, "sos", one, self.clock.now))

    def alarm(self, resident: TownResident, kind: str, speaker: Speaker) -> None:
        """A smoke or gas sensor sounds. It repeats itself; the first word of a fire is the one that counts."""
        known = self._fires.get((resident.index, kind))
        if known is None or (known.until and known.until < self.clock.now):
            word = Happens.SMOKE if kind == "smoke" else Happens.GAS
            known = self.chronicle.happened(
                resident, word, kind, self.clock.now, until=self.clock.now + timedelta(minutes=10)
            )
            self._fires[resident.index, kind] = known
            speaker.alarm(kind, self.chronicle.sends(speaker.device, resident, kind, known, self.clock.now))
        else:
            speaker.state(kind, self.clock.now, on=True)

    def asked(self, speaker: Speaker) -> None:
        """The watch asks whether she is all right. Who lies there says nothing."""
        fall = self._falls.get(speaker.resident.index)
        draw = self.draw.random()
        lies = fall is not None and (fall.until is None or fall.until > self.clock.now + UP_AGAIN)
        if lies or draw > 0.95:
            return
        self.clock.after(self.draw.uniform(3, 9), lambda: self._cancel(speaker, fall))

    def artefact(self, speaker: Speaker, at: datetime) -> None:
        """The wrist does something that is no fall: one burst of it."""
        deed = self.draw.choice(ARTEFACTS)
        motion = self._motion(speaker.resident.index, deed, before_s=4.0, after_s=8.0)
        if motion is not None:
            self._burst(speaker, motion, slice(0, len(motion.accel_mg)))

    # ---- who and when ----

    def _able(self, event: Event) -> list[TownResident]:
        """Return whom the event is about: only those who have what it takes."""
        named = self._fitting(event.who)
        able = [resident for resident in named if self._can(resident.index, event.what)]
        if not able:
            who = event.who.name or "nobody there"
            raise ScenarioError(self.story.title, event.line, f"{who} has no device that could tell: {event.what}")
        if event.who.number is None or event.who.name:
            return able
        return self.draw.sample(able, min(event.who.number, len(able)))

    def _fitting(self, whom: Whom) -> list[TownResident]:
        if whom.name:
            return [resident for resident in self.town.residents if resident.name == whom.name]
        return [each for each in self.town.residents if whom.community in ("", each.community)]

    def _can(self, index: int, what: Happens) -> bool:
        if what in PRESSES:
            return self._button(index) is not None
        if what in (Happens.FALLS, Happens.FALLS_AND_CANCELS, Happens.FALLS_LOCKED):
            speaker = self.worn.get(index)
            return speaker is not None and (speaker.device.family == "carehub" or speaker.encoder.fall is not None)
        if what in (Happens.EVERY_WORD, Happens.LEAK):
            return any(what is Happens.EVERY_WORD or "water" in each.can for each in self._all(index))
        if what in (Happens.SMOKE, Happens.GAS):
            return ("smoke" if what is Happens.SMOKE else "gas") in self.home.get(index, {})
        if LIVED[what][1] == "vitals" or what in (Happens.WATCH_OFF, Happens.WRONG_WEARER):
            return index in self.worn
        return True

    def _button(self, index: int) -> Speaker | None:
        speaker = self.worn.get(index)
        if speaker is not None and speaker.encoder.press is not None and not speaker.condition.mute:
            return speaker
        buttons = self.home.get(index, {}).get("button", [])
        return next((each for each in buttons if not each.condition.flat), buttons[0] if buttons else None)

    def _all(self, index: int) -> list[Speaker]:
        """Return everything she wears and has at home."""
        worn = [self.worn[index]] if index in self.worn else []
        return worn + [each for kind in self.home.get(index, {}).values() for each in kind]

    def _leak(self, resident: TownResident, note: str) -> None:
        wet = next(each for each in self._all(resident.index) if "water" in each.can)
        self.words.alarm(wet, "water", Happens.LEAK, note)

    def _plan(self, event: Event, resident: TownResident, moment: float) -> None:
        for number in range(event.times):
            at_s = moment + number * event.apart_s + (self.draw.uniform(0, event.within_s) if event.within_s else 0.0)
            at = self.town.begins + timedelta(seconds=round(at_s, 1))
            if event.what in PRESSES:
                self.clock.at(at, partial(self.press, resident, event.what, event.note))
                continue
            if event.what is Happens.LEAK:
                self.clock.at(at, partial(self._leak, resident, event.note))
                continue
            if event.what is Happens.EVERY_WORD:
                for speaker in self._all(resident.index):
                    self.words.plan(speaker, at, event.apart_s)
                continue
            lived, _, usual_s = LIVED[event.what]
            how: dict[str, Any] = {}
            lasts_s = event.lasts_s or usual_s
            if lasts_s:
                how["lies" if lived is What.FALLS else "lasts"] = timedelta(seconds=lasts_s)
            self._scripted[resident.index, lived, at] = event.what
            self.life.happen(resident.index, lived, at, **how)

    # ---- what becomes of it ----

    def _episode(self, episode: Episode) -> None:
        word = self._scripted.get((episode.resident, episode.what, episode.at)) or BY_ITSELF.get(episode.what)
        if word is None or word in (Happens.SMOKE, Happens.GAS):  # the sensor itself says so
            return
        resident = self.town.residents[episode.resident]
        kind = LIVED[word][1]
        wants = ("finding" if self._shows(episode, word) else "unseen") if kind else "nothing"
        one = self.chronicle.happened(
            resident, word, kind, episode.at, until=episode.until, wants=wants,
            note="" if episode.scripted else "of itself",
        )  # fmt: skip
        if episode.what is What.FALLS:
            self._fall(resident, episode, one)

    def _shows(self, episode: Episode, word: Happens) -> bool:
        """Whether what she has can show it.

        A wanderer's watch is on her wrist and says where she is. A heart is as much faster, and for as long, as rules
        are judged by. No watch here feels the body's own warmth: a fever shows in the nights' pulse, which the hub
        knows after a fortnight.
        """
        index, lasts = episode.resident, (episode.until or self.town.ends) - episode.at
        if not self._can(index, word):
            return False
        speaker, lived = self.worn.get(index), episode.at - self.town.begins
        on_wrist = (What.WANDERS, What.FEVER, What.FAST_HEART, What.BREATHLESS, What.FALLS)
        if episode.what in on_wrist and not self.life.watches.worn[index]:
            return False
        if episode.what is What.WANDERS:
            tracked = Illness.DEMENTIA in self.life.residents[index].illnesses
            return tracked and speaker is not None and speaker.encoder.position is not None and lasts >= OUT_LONG
        if episode.what is What.FEVER:
            return lived >= NIGHTS_KNOWN
        if episode.what is What.FAST_HEART:
            rise, reports = float(str(episode.how.get("rise_bpm", 45))), self.story.town.reports_every_min
            return rise >= RISE_BPM and lived >= WEARER_KNOWN and lasts >= 4 * timedelta(minutes=reports)
        return True

    def _fall(self, resident: TownResident, episode: Episode, one: Happened) -> None:
        self._falls[resident.index] = one
        worn = self.life.watches.worn[resident.index]  # one on the bedside table feels nothing
        speaker = self.worn.get(resident.index) if worn else None
        if speaker is not None and speaker.device.family == "carehub":
            self._stream(speaker, episode)
        elif speaker is not None and speaker.encoder.fall is not None and self.draw.random() < OWN_DETECTOR:
            sent = self.chronicle.sends(speaker.device, resident, "fall", one, self.clock.now)
            self.clock.after(self.draw.uniform(2, 12), partial(speaker.alarm, "fall", sent))
        else:
            one.wants = "unseen" if speaker is None else one.wants
        able = self._button(resident.index)
        helpless = episode.until is not None and episode.until - episode.at < UP_AGAIN
        if able and not helpless and self.draw.random() < PRESSES_TOO:
            self.clock.after(self.draw.uniform(30, 240), partial(self._press_lying, resident, one))

    def _press_lying(self, resident: TownResident, one: Happened) -> None:
        if one.cancelled_at is None and (speaker := self._button(resident.index)):
            speaker.alarm("sos", self.chronicle.sends(speaker.device, resident, "sos", one, self.clock.now))

    def _stream(self, speaker: Speaker, episode: Episode) -> None:
        """The wrist around the blow, in bursts of a second, each when it has been felt."""
        kind = FallKind(str(episode.how.get("kind", FallKind.FORWARD)))
        motion = self._motion(speaker.resident.index, kind, before_s=12.0, after_s=AFTER_S)
        if motion is None:
            return
        hits_s = motion.impact_s if motion.impact_s is not None else _blow_s(motion)
        first, rate = max(0, round((hits_s - BEFORE_S) * motion.rate_hz)), round(motion.rate_hz)
        for start in range(first, len(motion.accel_mg), rate):
            part = slice(start, min(start + rate, len(motion.accel_mg)))
            felt_s = (part.stop / motion.rate_hz) - hits_s
            self.clock.after(max(0.0, felt_s), partial(self._burst, speaker, motion, part))

    def _burst(self, speaker: Speaker, motion: Motion, part: slice) -> None:
        index = speaker.resident.index
        first = self._samples.get(index, 0)
        payload = carehub.accel(first, motion.rate_hz, motion.accel_mg[part], motion.gyro_2mrad[part])
        self._samples[index] = first + (part.stop - part.start)
        topic = carehub.topic(speaker.device.name, "accel")
        speaker.counted.bursts += 1
        speaker.say((Outgoing(transport=speaker.encoder.transport, payload=payload, topic=topic),))

    def _motion(self, index: int, what: FallKind | Deed, *, before_s: float, after_s: float) -> Motion | None:
        moves = getattr(self.life, "motion", None)
        if moves is not None:
            found: Motion = moves(
                index, what, rate_hz=RATE_HZ, range_g=RANGE_G, before_s=before_s, after_s=after_s
            )  # fmt: skip
            return found
        if not isinstance(what, FallKind):
            return None
        plain = fall_of_a_walker(np.random.default_rng([index, self.draw.getrandbits(31)]), before_s=before_s)
        return Motion(accel_mg=plain.accel_mg, gyro_2mrad=plain.gyro_2mrad, rate_hz=plain.rate_hz)

    def _cancel(self, speaker: Speaker, fall: Happened | None) -> None:
        resident = speaker.resident
        if fall is not None and fall.cancelled_at is None and self.clock.now - fall.at < timedelta(minutes=5):
            fall.cancelled_at, fall.wants = self.clock.now, "nothing"
        else:
            fall = self.chronicle.happened(
                resident, Happens.FALLS_AND_CANCELS, "", self.clock.now, wants="nothing",
                note="the watch asked, and there was nothing",
            )  # fmt: skip
        speaker.alarm("cancel", self.chronicle.sends(speaker.device, resident, "cancel", fall, self.clock.now))


def _blow_s(motion: Motion) -> float:
    size = np.linalg.norm(motion.accel_mg.astype(np.float64), axis=1)
    return float(np.argmax(size)) / motion.rate_hz


def by_kind(speakers: Iterable[Speaker]) -> dict[int, dict[str, list[Speaker]]]:
    """Return sensors by resident and kind."""
    found: dict[int, dict[str, list[Speaker]]] = {}
    for each in speakers:
        found.setdefault(each.resident.index, {}).setdefault(each.device.kind, []).append(each)
    return found
