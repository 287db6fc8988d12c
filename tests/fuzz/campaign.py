"""One campaign of fuzzing: inputs by seed, judged one after the other, finds counted and kept apart by their kind."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import msgspec

from hub.discovered import Discovered
from tests.fuzz import corpus, mutate, oracles, streams
from tests.fuzz.corpus import Seed

BLOCK = 1_000  # inputs of one seed: what fails is repeated in a moment
STREAMS = 0.12  # share of steps that are a stream; each is three to five inputs
KEPT = 40  # kinds of finds that are told


@dataclass
class Tally:
    """What came of it."""

    inputs: Counter[str] = field(default_factory=Counter)  # by kind of damage
    grammars: Counter[str] = field(default_factory=Counter)
    alarms: int = 0
    finds: dict[str, AssertionError] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.inputs.values())

    def found(self, error: AssertionError, seed: int) -> None:
        """Keep a find, the shortest of its kind."""
        what = f"{getattr(error, 'protocol', '')}{getattr(error, 'what', error)}"[:60]
        self.times[what] += 1
        if what not in self.finds and len(self.finds) < KEPT:
            error.add_note(f"  seed {seed}")
            self.finds[what] = error


class Campaign:
    """All that damage starts from."""

    def __init__(self, seeds: Sequence[Seed]) -> None:
        self.seeds = seeds
        self.streams = corpus.streams()
        self.names = sorted({name for seed in corpus.own() for name in _names(seed.payload)})

    def block(self, seed: int, tally: Tally, inputs: int = BLOCK) -> None:
        """Judge the inputs of one seed: the same ones, in the same order, wherever it runs."""
        rng, began, until = Random(seed), time.process_time(), tally.total + inputs
        discovered = Discovered()
        while tally.total < until:
            try:
                if rng.random() < STREAMS:
                    name = rng.choice(list(self.streams))
                    tally.inputs["streams"] += 1  # also where it finds something
                    tally.inputs["streams"] += streams.judge(rng, name, self.streams)
                else:
                    self._message(rng, tally, discovered)
            except (oracles.FindingError, streams.StreamError) as error:
                tally.found(error, seed)
        tally.seconds += time.process_time() - began

    def _message(self, rng: Random, tally: Tally, discovered: Discovered) -> None:
        base = rng.choice(self.seeds) if rng.random() < 0.85 else corpus.grown(rng)
        how, seed = self._damaged(rng, base)
        tally.inputs[how] += 1
        tally.grammars[seed.grammar] += 1
        if how == "random":
            oracles.random_bytes_ring_nothing(seed)
        elif how == "cut":
            oracles.cut_says_no_more(base, len(seed.payload))
        else:
            tally.alarms += len(oracles.judge(seed))
        _learned(discovered, seed)

    def _damaged(self, rng: Random, base: Seed) -> tuple[str, Seed]:
        chance, payload = rng.random(), base.payload
        if chance < 0.06 and not _bare(base):
            how, payload = "random", rng.randbytes(rng.randrange(400))
        elif chance < 0.14:
            how, payload = "cut", payload[: rng.randrange(len(payload) + 1)]
        elif chance < 0.22:
            how, payload = "splice", mutate.splice(rng, payload, rng.choice(self.seeds).payload)
        elif chance < 0.235:
            how, payload = "deep", mutate.deep(rng, payload)
        elif chance < 0.26:
            how = "intact"
        elif payload[:1] in (b"{", b"[") and chance < 0.75:
            how, payload = "json", mutate.json_payload(rng, payload, self.names)
        else:
            how, payload = "bytes", mutate.bytes_of(rng, payload)
        retained = base.retained if how == "cut" else rng.random() < 0.1
        return how, msgspec.structs.replace(base, payload=payload[: mutate.LARGEST], retained=retained)


def _bare(seed: Seed) -> bool:
    """Whether a bare word is a whole message on this topic: random bytes find it sooner or later."""
    return len(seed.payload) <= 20 or seed.topic.endswith("/action")


def _names(payload: bytes) -> list[str]:
    try:
        return mutate.names_in(json.loads(payload))
    except (ValueError, RecursionError):
        return []


def _learned(discovered: Discovered, seed: Seed) -> None:
    """Discovery learns from whatever comes, and what it learned must read whatever comes then."""
    try:
        discovered.learn(seed.topic, seed.payload)
        for topic in list(discovered.by_topic)[-1:] if seed.topic.endswith("/config") else ():
            oracles.decoded(discovered.adapter, Seed(topic=topic, payload=seed.payload))
    except oracles.FindingError:
        raise
    except Exception as error:
        raise oracles.FindingError(f"discovery: {type(error).__name__}: {error}", seed) from error
