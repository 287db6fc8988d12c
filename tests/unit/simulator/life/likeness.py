"""How far apart two groups of people are, and how far the halves of the real ones: the yardstick of the invented."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
SHARES = np.linspace(0.005, 0.995, 199)
SPLITS = 12


def apart(one: Values, other: Values) -> float:
    """Return Wasserstein's distance of two samples: how far the quantiles lie apart on average."""
    return float(np.abs(np.quantile(one, SHARES) - np.quantile(other, SHARES)).mean())


def kolmogorov(one: Values, other: Values) -> float:
    """Return the greatest difference of the two distribution functions."""
    at = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(each), at, side="right") / len(each) for each in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def halves(people: Sequence[Values]) -> float:
    """Return how far one half of the people is from the other, the median of several ways to part them."""
    rng, found = np.random.default_rng(1), []
    for _ in range(SPLITS):
        order = rng.permutation(len(people))
        middle = len(people) // 2
        found.append(apart(*(np.concatenate([people[k] for k in part]) for part in (order[:middle], order[middle:]))))
    return float(np.median(found))


def vitals(hr: NDArray[np.float64], steps: NDArray[np.float64]) -> Mapping[str, Values]:
    """Return what is compared of one wearer; (minutes,) from midnight on, NaN where nothing was told."""
    hour = np.arange(len(hr)) % 1440 // 60
    still, known = steps == 0, ~np.isnan(hr)
    rest = float(np.nanmedian(np.where(still, hr, np.nan)))
    rise = hr - rest
    follows = known[1:] & known[:-1]
    calm = follows & still[1:] & still[:-1]
    change = np.diff(hr)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ~known, [0]]).astype(int)))
    found = {
        "heart, minus her own at rest": rise[known],
        "heart from 0 to 5 h": rise[known & (hour < 5)],
        "heart from 9 to 18 h": rise[known & (hour >= 9) & (hour < 18)],
        "heart, 1 to 19 steps": rise[known & (steps > 0) & (steps < 20)],
        "heart, 20 to 59 steps": rise[known & (steps >= 20) & (steps < 60)],
        "heart, 60 steps and more": rise[known & (steps >= 60)],
        "change within a minute": change[follows],
        "change, no step": change[calm],
        "gap, log10 of minutes": np.log10((edges[1::2] - edges[::2]).astype(float)),
    }
    return {name: values for name, values in found.items() if len(values) >= 12}


def wrist(accel_mg: NDArray[np.int16], rate_hz: float) -> Mapping[str, float]:
    """Return what is compared of one recording around its greatest acceleration."""
    size = np.linalg.norm(accel_mg / 1000.0, axis=1)
    at = int(size.argmax())
    second = round(rate_hz)
    power = np.abs(np.fft.rfft(size - size.mean())) ** 2
    hz = np.fft.rfftfreq(len(size), 1 / rate_hz)
    share = {
        f"share of {low:g} to {high:g} Hz": float(power[(hz >= low) & (hz < high)].sum() / max(power.sum(), 1e-9))
        for low, high in ((0.5, 1.5), (1.5, 3), (3, 6), (6, 10))
    }
    after = size[at + second : at + 3 * second]
    return {
        "peak, g": float(size[at]),
        "lowest in the second before, g": float(size[max(at - second, 0) : at + 1].min()),
        "deviation of all, g": float(size.std()),
        "deviation from 1 to 3 s after, g": float(after.std()) if len(after) > second // 2 else float("nan"),
        **share,
    }


def wearers(data: Path) -> list[Mapping[str, Values]]:
    """Return the real wearers who have a heart rate."""
    found = []
    with np.load(data / "vitals" / "fitbit_minute_dev.npz", allow_pickle=False) as z:
        for name in sorted(each[:-3] for each in z.files if each.endswith("_hr")):
            hr, steps = z[f"{name}_hr"].astype(float), z[f"{name}_steps"].astype(float)
            found.append(vitals(np.where(hr > 0, hr, np.nan), np.where(steps >= 0, steps, np.nan)))
    return found


def recordings(data: Path, *, falls: bool) -> dict[str, list[tuple[str, Mapping[str, float]]]]:
    """Return of the real recordings by activity who it was and what is compared."""
    found: dict[str, list[tuple[str, Mapping[str, float]]]] = {}
    for name in ("weda", "smm"):
        with np.load(data / "falls" / f"{name}_dev.npz", allow_pickle=False) as z:
            acc, offset = z["acc_mg"], z["offset"]
            for i in np.flatnonzero(z["is_fall"] == falls).tolist():
                told = wrist(acc[offset[i] : offset[i + 1]], float(z["fs"]))
                found.setdefault(str(z["activity"][i]), []).append((str(z["subject"][i]), told))
    return found


def table(rows: Mapping[str, tuple[float, float, float]]) -> str:
    """Return the figures as a table: name, halves of the real, invented from real, Kolmogorov's distance."""
    lines = ["| what | real halves | invented | times | Kolmogorov |", "|---|---|---|---|---|"]
    for name, (between, beside, most) in rows.items():
        lines.append(f"| {name} | {between:.3g} | {beside:.3g} | {beside / max(between, 1e-9):.1f} | {most:.2f} |")
    return "\n".join(lines)
