"""`carehub replay falls`: wrist recordings sent burst by burst, each as a watch of its own would send it."""

import asyncio
import base64
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hub.errors import HubError
from hub.replay.line import Line
from hub.replay.target import Demo, Way, admitted
from hub.store import devices
from hub.store.pool import connect, hub_now
from hub.store.sql import queries

Q = queries("demo")
BURST_GAP_MS = 30  # samples of one burst lie a few milliseconds apart, bursts about a hundred
RATE_HZ = (20.0, 104.0)
NO_GYRO = -32768
BETWEEN_S = 120.0  # on one device, recordings are this far apart in its sample count: a pause, not a jump
LOOK_FOR_S = 10.0  # an alert is found with its batch, and opens its incident in a transaction of its own
AT_ONCE = 16  # watches that send side by side


class RecordingError(HubError):
    """The file is not a recording of bursts."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One person, one trial, as it arrived."""

    name: str
    t_ms: NDArray[np.int64]
    accel_mg: NDArray[np.int16]
    gyro_2mrad: NDArray[np.int16]

    @property
    def rate_hz(self) -> float:
        """The watch's nominal rate, as far as arrival times tell it."""
        span_s = (int(self.t_ms[-1]) - int(self.t_ms[0])) / 1000
        return float(np.clip(round((len(self.t_ms) - 1) / max(span_s, 0.001)), *RATE_HZ))

    def bursts(self) -> Iterator[slice]:
        """Yield the samples that arrived together."""
        starts = [0, *(np.flatnonzero(np.diff(self.t_ms) > BURST_GAP_MS) + 1).tolist(), len(self.t_ms)]
        yield from (slice(begin, end) for begin, end in itertools.pairwise(starts))


@dataclass(kw_only=True)
class Sent:
    """What became of one recording."""

    recording: str
    device: str
    bursts: int = 0
    acknowledged: int = 0
    falls: list[int] = field(default_factory=list)  # incidents


def read(path: Path, wanted: Sequence[str] = (), limit: int | None = None) -> list[Recording]:
    """Return the recordings of a file, all or those named.

    Raises:
        RecordingError: Arrays are missing, or a name is not there.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            offset, names = arrays["offset"], [str(name) for name in arrays["rec_id"]]
            t_ms, accel, gyro = arrays["t_ms"].astype(np.int64), arrays["acc_mg"], arrays["gyro_2mrad"]
            bounds = list(zip(names, offset[:-1], offset[1:], strict=True))
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
        wanted_arrays = "t_ms, acc_mg, gyro_2mrad, offset, rec_id"
        raise RecordingError(f"{path} is no file of bursts ({wanted_arrays}): {error}") from None
    if missing := set(wanted) - set(names):
        raise RecordingError(f"{path} has no recording {', '.join(sorted(missing))}")
    found = [
        Recording(name=name, t_ms=t_ms[a:b], accel_mg=accel[a:b], gyro_2mrad=gyro[a:b])
        for name, a, b in bounds
        if (not wanted or name in wanted) and b > a
    ]
    return found[:limit]


def payload(recording: Recording, burst: slice, first: int, rate_hz: float) -> bytes:
    """Return one burst in carehub's profile."""
    words: dict[str, object] = {
        "first": first + burst.start, "rate_hz": rate_hz, "acc_b64": _packed(recording.accel_mg[burst])
    }  # fmt: skip
    gyro = recording.gyro_2mrad[burst]
    if not (gyro == NO_GYRO).any():
        words["gyro_b64"] = _packed(gyro)
    return json.dumps(words, separators=(",", ":")).encode()


def _packed(samples: NDArray[np.int16]) -> str:
    return base64.b64encode(np.ascontiguousarray(samples, dtype="<i2").tobytes()).decode("ascii")


async def to_demo(demo: Demo, recordings: Sequence[Recording], speed: float) -> list[Sent]:
    """Send every recording as a watch of its own, several at once, and ask the database what was opened."""
    async with await connect(demo.dsn, name="carehub replay") as conn:
        now = await hub_now(conn)
        run = f"{now:%d%H%M%S}"
        sent = [Sent(recording=r.name, device=f"replay-{run}-{r.name}") for r in recordings]
        for each in sent:
            address = f"carehub:{each.device}"
            await devices.register(conn, address, adapter="carehub/1", model="replay", live=True)
    async with admitted(demo, ["carehub/"]) as ways, Line(ways["carehub/"]) as line:
        turn = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for each, recording in zip(sent, recordings, strict=True):
                group.create_task(_send(line, each, recording, speed, turn), name=each.device)
    await _ask(demo, sent)
    return sent


async def to_listener(way: Way, recordings: Sequence[Recording], speed: float) -> list[Sent]:
    """Send the recordings one after the other as the one device the credential is for. What opens is not asked."""
    sent, first = [], 0
    async with Line(way) as line:
        for recording in recordings:
            each = Sent(recording=recording.name, device=way.username)
            await _send(line, each, recording, speed, asyncio.Semaphore(1), first=first)
            first += len(recording.t_ms) + round(BETWEEN_S * recording.rate_hz)
            sent.append(each)
    return sent


async def _send(
    line: Line, each: Sent, recording: Recording, speed: float, turn: asyncio.Semaphore, *, first: int = 0
) -> None:
    """Publish burst by burst at the moments it arrived; a burst does not wait for the one before it."""
    async with turn:
        loop = asyncio.get_running_loop()
        begun, rate = loop.time(), recording.rate_hz
        async with asyncio.TaskGroup() as group:
            room = asyncio.Semaphore(8)  # a watch's own buffer: bursts on the way
            for burst in recording.bursts():
                if speed > 0:
                    arrives_s = int(recording.t_ms[burst.stop - 1] - recording.t_ms[0]) / 1000 / speed
                    await asyncio.sleep(max(0.0, begun + arrives_s - loop.time()))
                await room.acquire()
                each.bursts += 1
                group.create_task(_burst(line, each, payload(recording, burst, first, rate), room))


async def _burst(line: Line, each: Sent, words: bytes, room: asyncio.Semaphore) -> None:
    try:
        await line.publish(f"carehub/{each.device}/accel", words)
        each.acknowledged += 1
    finally:
        room.release()


async def _ask(demo: Demo, sent: Sequence[Sent]) -> None:
    """Look up the falls, until nothing new has come for a moment."""
    deadline = asyncio.get_running_loop().time() + LOOK_FOR_S
    addresses = {f"carehub:{each.device}": each for each in sent}
    async with await connect(demo.dsn, name="carehub replay") as conn:
        before = -1
        while asyncio.get_running_loop().time() < deadline:
            rows = await (await conn.execute(Q.falls_of_devices, {"devices": list(addresses)})).fetchall()
            for each in sent:
                each.falls = [incident for address, incident in rows if addresses[address] is each]
            if len(rows) == before:
                return
            before = len(rows)
            await asyncio.sleep(1.0)
