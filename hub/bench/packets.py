"""PUBLISH packets of many watches at once: one row of bytes a message, digits written by numpy, all of one length."""

import numpy as np
from numpy.typing import NDArray

NAME_DIGITS = 7
PAYLOAD_BYTES = 200
SEED = 20261122
# Numbers have a fixed count of digits, so that every packet is as long as the next: # stands for a digit.
VITALS = (
    b'{"seq":##########,"at":#############,"hr":##,"spo2":##,"rr":##,"temp":##.#,"sys":###,"dia":##,"steps":#,'
    b'"battery":##,"worn":true,"fw":"'
)
DIGIT = ord("#")
ZERO = ord("0")


def name(number: int) -> str:
    """Return the name of one watch of the town."""
    return f"town{number:0{NAME_DIGITS}d}"


def _template() -> bytes:
    topic = f"carehub/town{'#' * NAME_DIGITS}/vitals".encode()
    payload = VITALS + b"x" * (PAYLOAD_BYTES - len(VITALS) - 2) + b'"}'
    body = len(topic).to_bytes(2, "big") + topic + b"\0\0" + payload
    return b"\x32" + bytes((len(body) & 0x7F | 0x80, len(body) >> 7)) + body  # 128 to 16,383 bytes


TEMPLATE = np.frombuffer(_template(), np.uint8)
SIZE = len(TEMPLATE)
ID_AT = SIZE - PAYLOAD_BYTES - 2


def _runs() -> list[tuple[int, int]]:
    """Return (first, count) of each run of digits, in order; the one of the temperature in two."""
    at = np.flatnonzero(TEMPLATE == DIGIT)
    cuts = np.flatnonzero(np.diff(at) > 1) + 1
    return [(int(run[0]), len(run)) for run in np.split(at, cuts)]


RUNS = _runs()


class Packets:
    """Makes the packets of `devices` watches: each has a pulse of its own at rest, and its battery; the rest is chance.

    Nobody is ill here: what is raised while this is offered was raised for nothing.
    """

    def __init__(self, devices: int) -> None:
        self._random = np.random.default_rng(SEED)
        self._rest_bpm = self._random.integers(56, 74, devices, np.int16)
        self._battery = self._random.integers(40, 100, devices, np.int16)

    def make(
        self, device: NDArray[np.int64], packet_id: NDArray[np.int64], sequence: NDArray[np.int64], at_ms: int
    ) -> NDArray[np.uint8]:
        """Return (n, SIZE) bytes: one PUBLISH a row."""
        n = len(device)
        noise = self._random.integers(0, 10, (7, n), np.int64)
        out = np.empty((n, SIZE), np.uint8)
        out[:] = TEMPLATE
        values = (
            device, sequence, np.full(n, at_ms), self._rest_bpm[device] + noise[0], 94 + noise[1] // 2,
            13 + noise[2] // 2, np.full(n, 36), noise[3], 112 + noise[4] * 2, 66 + noise[5], noise[6] // 5,
            self._battery[device],
        )  # fmt: skip
        for (first, count), value in zip(RUNS, values, strict=True):
            _digits(out, first, count, value)
        out[:, ID_AT], out[:, ID_AT + 1] = packet_id >> 8, packet_id & 0xFF
        return out


def _digits(out: NDArray[np.uint8], first: int, count: int, value: NDArray[np.int64]) -> None:
    rest = value
    for at in range(first + count - 1, first - 1, -1):
        rest, digit = np.divmod(rest, 10)
        out[:, at] = digit + ZERO
