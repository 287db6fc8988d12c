"""Fuzzing led by coverage (atheris, libFuzzer): the same judges, damage of our own making beside libFuzzer's.

python -m tests.fuzz.guided [libFuzzer's options], for instance -max_total_time=120
"""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

atheris: Any = import_module("atheris")  # of the extra [fuzz]; it has no types

with atheris.instrument_imports(include=["devices"]):
    from devices import registry  # noqa: F401

from tests.fuzz import corpus, mutate, oracles  # noqa: E402 - the decoders first, instrumented
from tests.fuzz.corpus import Seed  # noqa: E402

HEAD = 2  # bytes that say which topic and model it is
TARGETS = sorted(
    {(seed.topic, seed.model, len(seed.payload) <= 20) for seed in corpus.own()},
    key=lambda target: (target[0], target[1] or "", target[2]),
)
TARGETS += [("application/1/device/0011223344556677/event/up", model, False) for model in corpus.MODELS]


def seed_of(data: bytes) -> Seed:
    """Return the message that libFuzzer's bytes stand for."""
    topic, model, _ = TARGETS[int.from_bytes(data[:HEAD], "big") % len(TARGETS)]
    return Seed(topic=topic, payload=data[HEAD:], model=model)


def one_input(data: bytes) -> None:
    """Judge one message."""
    oracles.judge(seed_of(data))


def damaged(data: bytes, most: int, seed: int) -> bytes:
    """Damage a message as the other fuzzing does, or as libFuzzer likes."""
    rng = Random(seed)
    if rng.random() < 0.4:
        return bytes(atheris.Mutate(data, most))
    head, payload = data[:HEAD], data[HEAD:]
    if payload[:1] in (b"{", b"[") and rng.random() < 0.7:
        return (head + mutate.json_payload(rng, payload, ["sos", "value", "alarm", "state"]))[:most]
    return (head + mutate.bytes_of(rng, payload))[:most]


def main() -> None:
    """Run until the time is over or something is found."""
    with tempfile.TemporaryDirectory(prefix="carehub-fuzz-") as folder:
        index = {(topic, model): at for at, (topic, model, _) in enumerate(TARGETS)}
        for at, seed in enumerate(corpus.own()):
            path = Path(folder) / f"{at:05}"
            path.write_bytes(index[seed.topic, seed.model].to_bytes(HEAD, "big") + seed.payload)
        options = [
            *sys.argv[1:],
            "-max_len=4096",
            "-timeout=10",
            "-rss_limit_mb=2048",
            f"-artifact_prefix={folder}/",
            folder,
        ]
        atheris.Setup([sys.argv[0], *options], one_input, custom_mutator=damaged)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
