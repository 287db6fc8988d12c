"""What `carehub bench detect` plays: wrists, vital signs and signs of homes through the detectors, beside numpy alone.

Everything runs in this process on one core, and what is counted is its CPU time.
"""

import asyncio
import gc
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.detectors import baseline, detectors
from alerts.detectors.clocks import Clocks
from alerts.detectors.detector import Columnar, Field, new_state
from alerts.detectors.fall import IMPACT_MG
from alerts.detectors.home import HomeDetector
from alerts.detectors.home_signs import Sign, Signs
from devices.columns import Columns
from devices.telemetry import AccelWindow
from hub.bench.motions import wrist
from hub.detection import Detection
from hub.device_table import DeviceTable
from hub.fall_streams import FallStreams
from hub.models import fall_model
from hub.observer import AT_ONCE
from hub.repeats import Repeats

SEED = 20261122
RATE_HZ, BURST, WARM_S = 50, 25, 4
# Of the wrists that stream at one moment. It gives an impact in one second of six; in staged daily recordings, where
# people do one thing after another, there is one in two and a half, in an old person's day hardly any.
MIX = {"rest": 0.65, "walk": 0.2, "sit": 0.1, "clap": 0.05}
OFFSET_MIN = 480
START_MIN = 29_640_960  # 02:40 UTC of some day: twenty minutes before a part of the day begins
FAST, LOW_SPO2, FEVER = 0.01, 0.01, 0.005  # share of devices with something that some rule looks at
WALKING = 0.1
BREATHES, PRESSES = 0.2, 0.005  # share of messages with a respiration, with a blood pressure
RESIDENTS = 1_100_000
Figures = dict[str, Any]


def timed(play: Callable[[], object]) -> float:
    """Return the CPU seconds of one play, without the collector's pauses."""
    gc.collect()
    gc.disable()
    began = time.process_time()
    play()
    used = time.process_time() - began
    gc.enable()
    return used


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the least, the middle and the greatest of several runs."""
    return {"min": min(values), "median": float(np.median(values)), "max": max(values)}


class Wrists:
    """Some wrists that stream for some seconds: bursts in the order in which they arrive."""

    def __init__(self, mix: Mapping[str, float], streams: int, seconds: int) -> None:
        rng = np.random.default_rng(SEED)
        kinds = [kind for kind, share in mix.items() for _ in range(round(share * streams))]
        self.streams, self.seconds = len(kinds), seconds
        moved = [wrist(kind, RATE_HZ, WARM_S + seconds, rng) for kind in kinds]
        loud = [(m.astype(np.int64) ** 2).sum(axis=1) >= IMPACT_MG**2 for m in moved]
        self.loud_seconds = float(np.mean([part.reshape(-1, RATE_HZ).any(axis=1).mean() for part in loud]))
        self.bursts = [
            [
                # Any turn rate costs the same; with it a look is dearest.
                (
                    row,
                    0,
                    AccelWindow(rate_hz=RATE_HZ, first=at, accel_mg=m[at : at + BURST], gyro_2mrad=m[at : at + BURST]),
                )
                for row, m in enumerate(moved)
            ]
            for at in range(0, RATE_HZ * (WARM_S + seconds), BURST)
        ]
        self.begun = WARM_S * RATE_HZ // BURST
        self.alarms = 0
        self.begin()

    def begin(self) -> None:
        """Let everybody stream for a while: an impact is looked at seconds later, and such looks are to be counted."""
        self.follows = FallStreams(fall_model(), self.streams)
        self._feed(self.bursts[: self.begun])

    def follow(self) -> None:
        """Show every burst to its stream's detector, as the hub does."""
        self.alarms = self._feed(self.bursts[self.begun :])

    def _feed(self, bursts: Sequence[list[tuple[int, int, AccelWindow]]]) -> int:
        async def feed() -> int:
            return sum([len(await self.follows.feed(several)) for several in bursts])

        return asyncio.run(feed())

    def floor(self) -> None:
        """The least anybody does: the magnitude of every burst against one limit."""
        self.alarms = 0
        for several in self.bursts[self.begun :]:
            for _, _, burst in several:
                wide = burst.accel_mg.astype(np.int32)
                self.alarms += int((wide * wide).sum(axis=1).max() >= IMPACT_MG**2)


def falls(streams: int, seconds: int, repeats: int) -> Figures:
    """CPU a second of one stream, and how many one core sustains; of the mix, and of everybody doing one thing."""
    out: Figures = {}
    for name, mix in {"mix": MIX, **{kind: {kind: 1.0} for kind in MIX}}.items():
        wrists = Wrists(mix, streams if name == "mix" else max(4, streams // 8), seconds)
        share = wrists.streams * wrists.seconds
        ours = []
        for _ in range(repeats if name == "mix" else 1):
            wrists.begin()
            ours.append(timed(wrists.follow) / share)
        alarms = wrists.alarms
        plain = [timed(wrists.floor) / share for _ in range(repeats if name == "mix" else 1)]
        out[name] = {
            "streams_per_core": spread([1 / cpu for cpu in ours]),
            "us_per_stream_second": spread([1e6 * cpu for cpu in ours]),
            "floor_us_per_stream_second": spread([1e6 * cpu for cpu in plain]),
            "ratio_to_floor": float(np.median(ours) / np.median(plain)),
            "seconds_with_impact": wrists.loud_seconds,
            "alarms": alarms,
        }
    return out


class Watches:
    """Devices that say a heart rate and steps each minute, respiration often, the other vital signs now and then."""

    def __init__(self, devices: int, minutes: int) -> None:
        self.detectors = detectors(OFFSET_MIN)
        self.states = [new_state(d.fields, devices) for d in self.detectors]
        table = DeviceTable()
        table.put((row + 1, f"bench:{row}", "", "", row + 1, "", None, None, "live") for row in range(devices))
        self.hub = Detection(table, self.detectors)
        for state in (*self.states, *self.hub.states.values()):
            _learn(state)
        self.rows = np.arange(devices)
        rng = np.random.default_rng(SEED)
        self.fast, self.low = rng.random(devices) < FAST, rng.random(devices) < LOW_SPO2
        self.fever, self.walks = rng.random(devices) < FEVER, rng.random(devices) < WALKING
        self.rounds = [self._minute(START_MIN + minute, rng) for minute in range(minutes)]
        self.messages = devices * minutes
        self.found = 0

    def _minute(self, minute: int, rng: np.random.Generator) -> Columns:
        n = len(self.rows)
        columns = Columns.absent(n)
        columns.device[:] = self.rows + 1
        columns.received_ms[:] = minute * 60_000 + rng.integers(0, 60_000, n)
        columns.measured_ms[:] = columns.received_ms
        columns.sequence[:] = minute
        columns.heart_rate_bpm[:] = np.where(self.fast, 138, rng.integers(58, 84, n))
        columns.steps[:] = np.where(self.walks, rng.integers(5, 90, n), 0)
        oxygen, warm = rng.random(n) < 0.1, rng.random(n) < 0.02
        columns.spo2_pct[oxygen] = np.where(self.low, 90, rng.integers(95, 100, n))[oxygen]
        columns.temperature_c[warm] = np.where(self.fever, 39.4, rng.uniform(36.2, 37.2, n))[warm]
        breath, cuff = rng.random(n) < BREATHES, rng.random(n) < PRESSES
        columns.respiration_rpm[breath] = np.where(self.fever, 26, rng.integers(12, 20, n))[breath]
        columns.systolic_mmhg[cuff] = np.where(self.low, 88, rng.integers(112, 150, n))[cuff]
        columns.diastolic_mmhg[cuff] = columns.systolic_mmhg[cuff] - 45
        return columns

    def observe(self) -> None:
        """Show every minute to all detectors in the parts in which the hub does."""
        self.found = 0
        for minute in self.rounds:
            for start in range(0, len(self.rows), AT_ONCE):
                part = slice(start, start + AT_ONCE)
                batch, rows = minute.take(np.arange(start, min(start + AT_ONCE, len(self.rows)))), self.rows[part]
                for detector, state in zip(self.detectors, self.states, strict=True):
                    self.found += len(detector.observe(state, rows, batch))

    def through_hub(self) -> None:
        """The same as it is when a batch has been stored: repeats, device clocks and whose device it is included."""
        self.found = 0
        for minute in self.rounds:
            for start in range(0, len(self.rows), AT_ONCE):
                rows = self.rows[start : start + AT_ONCE]
                batch = minute.take(rows)
                fresh = self.hub.fresh(rows, batch)
                if not fresh.all():
                    rows, batch = rows[fresh], batch.take(fresh)
                self.found += len(self.hub.observe(rows, batch))

    def floor(self) -> None:
        """One limit a column and no memory: what numpy needs to look at these numbers at all."""
        self.found = 0
        for minute in self.rounds:
            for start in range(0, len(self.rows), AT_ONCE):
                batch = minute.take(np.arange(start, min(start + AT_ONCE, len(self.rows))))
                odd = (batch.heart_rate_bpm >= 131) | (batch.heart_rate_bpm <= 40) | (batch.spo2_pct <= 91)
                self.found += int((odd | (batch.temperature_c >= 39.1)).sum())

    def plain(self, minutes: int) -> None:
        """What one would write otherwise: a loop over messages, a dict a device, the one rule "five fast of seven"."""
        kept: dict[int, list[float]] = {}
        self.found = 0
        for columns in self.rounds[:minutes]:
            for device, pulse, steps in zip(
                columns.device.tolist(), columns.heart_rate_bpm.tolist(), columns.steps.tolist(), strict=True
            ):
                last = kept.setdefault(device, [])
                last.append(pulse if steps == 0 else 0.0)
                del last[:-7]
                self.found += sum(value >= 131 for value in last) == 5


def _learn(state: Columnar) -> None:
    """Give everybody a known pulse: a hub that has just begun looks at less than one that knows its wearers."""
    if "rest_bins" not in state:
        return
    low = int(baseline.BIN_OF[60])
    state["rest_bins"][:, :, low : low + 5] = 32
    for part in range(baseline.PARTS):
        one = baseline.high_limit_bpm(state["rest_bins"][:1], np.array([part]))
        state["high_bpm"][:, part] = one[0]


def vitals(devices: int, minutes: int, repeats: int) -> Figures:
    """Messages a second through every detector of columns, alone and as the hub shows them."""
    ours: list[float] = []
    whole: list[float] = []
    found = 0
    for _ in range(repeats):
        watches = Watches(devices, minutes)
        ours.append(timed(watches.observe) / watches.messages)
        whole.append(timed(watches.through_hub) / watches.messages)
        found = watches.found
    plain = [timed(watches.floor) / watches.messages for _ in range(repeats)]
    few = min(8, minutes)
    loop = [timed(lambda: watches.plain(few)) / (devices * few) for _ in range(min(3, repeats))]
    return {
        "detectors": [detector.name for detector in watches.detectors],
        "messages_per_s": spread([1 / cpu for cpu in ours]),
        "us_per_message": spread([1e6 * cpu for cpu in ours]),
        "through_hub_messages_per_s": spread([1 / cpu for cpu in whole]),
        "through_hub_us_per_message": spread([1e6 * cpu for cpu in whole]),
        "floor_us_per_message": spread([1e6 * cpu for cpu in plain]),
        "ratio_to_floor": float(np.median(ours) / np.median(plain)),
        "one_rule_in_a_loop_us_per_message": spread([1e6 * cpu for cpu in loop]),
        "ratio_to_loop": float(np.median(ours) / np.median(loop)),
        "findings": found,
    }


class Homes:
    """Homes whose sensors speak: mostly motion, doors, beds, now and then a meter."""

    KINDS = (Sign.MOTION, Sign.DOOR, Sign.BED_IN, Sign.BED_OUT, Sign.WATER, Sign.PLACE)
    SHARES = (0.75, 0.1, 0.03, 0.03, 0.06, 0.03)

    def __init__(self, homes: int, rounds: int) -> None:
        rng = np.random.default_rng(SEED)
        self.detector = HomeDetector(OFFSET_MIN)
        self.state = new_state(self.detector.fields, homes)
        self.state["has"][:] = sum(1 << sign for sign in self.KINDS)
        self.state["fence_m"][:] = 500
        self.rounds = [self._round(homes, number, rng) for number in range(rounds)]
        self.signs = sum(len(signs) for _, signs in self.rounds)
        self.found = 0

    def _round(self, homes: int, number: int, rng: np.random.Generator) -> tuple[int, Signs]:
        now_ms = START_MIN * 60_000 + number * 30_000
        n = homes // 2  # every home says something each minute
        sign = rng.choice(self.KINDS, n, p=self.SHARES).astype(np.uint8)
        value = np.where(
            sign == Sign.WATER, 100 + number * 0.01, np.where(sign == Sign.PLACE, rng.uniform(0, 400, n), 0)
        )
        return now_ms, Signs(rng.integers(0, homes, n), now_ms - rng.integers(0, 30_000, n), sign, value)

    def observe(self) -> None:
        """Every half-minute: take the signs in, look at all homes once."""
        self.found = 0
        for now_ms, signs in self.rounds:
            self.found += len(self.detector.observe(self.state, signs, now_ms))
            self.found += len(self.detector.tick(self.state, now_ms))

    def floor(self) -> None:
        """When did each home last move? Nothing else."""
        last = np.zeros(len(self.state["has"]), np.int64)
        for now_ms, signs in self.rounds:
            np.maximum.at(last, signs.row, signs.at_ms)
            self.found += int((now_ms - last > 12 * 3_600_000).sum())


def homes(number: int, rounds: int, repeats: int) -> Figures:
    """Signs a second through the rules of homes, one look at all homes every half-minute included."""
    ours = []
    for _ in range(repeats):
        several = Homes(number, rounds)
        ours.append(timed(several.observe) / several.signs)
    plain = [timed(several.floor) / several.signs for _ in range(repeats)]
    return {
        "signs_per_s": spread([1 / cpu for cpu in ours]),
        "us_per_sign": spread([1e6 * cpu for cpu in ours]),
        "floor_us_per_sign": spread([1e6 * cpu for cpu in plain]),
        "ratio_to_floor": float(np.median(ours) / np.median(plain)),
    }


def state_bytes() -> Figures:
    """Bytes a device and a home, and what that is for everybody."""
    held = {d.name: _bytes(d.fields) for d in detectors(OFFSET_MIN)}
    held |= {kept.name: _bytes(kept.fields) for kept in (Repeats, Clocks)}
    device, home = sum(held.values()), _bytes(HomeDetector.fields)
    return {
        "by_detector": held | {HomeDetector.name: home},
        "per_device": device,
        "per_home": home,
        "residents": RESIDENTS,
        "mb_watches": device * RESIDENTS / 1e6,
        "mb_watches_and_homes": (device + home) * RESIDENTS / 1e6,
    }


def _bytes(fields: Mapping[str, Field]) -> int:
    return sum(np.dtype(f.dtype).itemsize * int(np.prod(f.shape, dtype=np.int64)) for f in fields.values())


def whole(residents: int) -> Figures:
    """Make the state of so many residents and write to all of it: what it takes, counted and as the system sees it."""
    kept = [d.fields for d in detectors(OFFSET_MIN)] + [HomeDetector.fields, Repeats.fields, Clocks.fields]
    began = _resident_bytes()
    states = [new_state(fields, residents) for fields in kept]
    for state in states:
        for column in state.values():
            column[...] = 1  # a page nobody wrote to takes no room
    taken = _resident_bytes() - began
    held = sum(column.nbytes for state in states for column in state.values())
    del states
    return {"residents": residents, "mb": held / 1e6, "mb_resident": taken / 1e6, "bytes_each": held / residents}


def _resident_bytes() -> int:
    """Return how much memory this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def stream_bytes() -> int:
    """Bytes of the samples kept of one wrist that streams."""
    follows = FallStreams(fall_model(), 1)
    burst: NDArray[np.int16] = np.zeros((BURST, 3), np.int16)
    asyncio.run(follows.feed([(0, 0, AccelWindow(rate_hz=RATE_HZ, first=0, accel_mg=burst, gyro_2mrad=burst))]))
    (_, detector) = follows._streams[0]  # noqa: SLF001 (nothing else knows its size)
    return detector._acc.nbytes + (0 if detector._turn is None else detector._turn.nbytes)  # noqa: SLF001
