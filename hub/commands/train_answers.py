"""What the held-out models said: counts for the card, and a table to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hub.evaluate.falls import Recording
from hub.evaluate.statistics import wilson

Alarms = Mapping[int, Sequence[float]]  # recording -> times in s


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """Alarms of held-out recordings, and how many falls are found at a given specificity."""

    alarms: Alarms
    found: Mapping[str, Any]
    otherwise: Mapping[str, Alarms] = field(default_factory=dict)  # of the same recordings, shown in another way
    turn_rate: Mapping[str, Any] = field(default_factory=dict)  # what it adds where it is known


def counts(recordings: Sequence[Recording], alarms: Alarms) -> list[dict[str, Any]]:
    """Return recordings and alarms by data set, activity and group; of falls the scored ones and what found them."""
    rows: dict[tuple[str, str, str, bool], dict[str, Any]] = {}
    for i, r in enumerate(recordings):
        if r.fall and not r.scorable:
            continue
        row = rows.setdefault(
            (r.dataset, r.activity, r.group, r.fall),
            {"dataset": r.dataset, "activity": r.activity, "group": r.group, "fall": r.fall, "recordings": 0,
             "alarmed": 0, "delays_s": []},
        )  # fmt: skip
        row["recordings"] += 1
        counted = [at for at in alarms.get(i, ()) if r.finds(at)] if r.fall else alarms.get(i, ())
        row["alarmed"] += bool(counted)
        if r.fall and counted:
            row["delays_s"].append(round(counted[0] - r.impact_s, 2))
    return [rows[key] for key in sorted(rows)]


def table(title: str, recordings: Sequence[Recording], alarms: Alarms, which: Sequence[int]) -> str:
    """Return a title, sensitivity, specificity, delays, elders, and the errors by activity, as lines."""
    among = [recordings[i] for i in which]
    rows = counts(among, {k: alarms[i] for k, i in enumerate(which) if i in alarms})
    falls, daily = [r for r in rows if r["fall"]], [r for r in rows if not r["fall"]]
    elders = [r for r in daily if r["group"] == "elder"]
    lines = [title, f"  specificity {_share(daily, quiet=True)}; of elders' {_share(elders, quiet=True)}"]
    if falls:
        delays = [delay for r in falls for delay in r["delays_s"]]
        middle, late = np.percentile(delays, [50, 95]) if delays else (np.nan, np.nan)
        lines.insert(1, f"  sensitivity {_share(falls)}; delay {middle:.2f} s, p95 {late:.2f} s")
        strange = sum(not r.finds(at) for k, r in zip(which, among, strict=True) if r.fall for at in alarms.get(k, ()))
        lines.append(f"  alarms in falls' recordings that the fall does not explain: {strange}")
    for r in rows:
        wrong = r["recordings"] - r["alarmed"] if r["fall"] else r["alarmed"]
        if wrong:
            what = "missed" if r["fall"] else "alarm"
            lines.append(f"  {what}: {r['dataset']} {r['activity']}, {r['group']}: {wrong} of {r['recordings']}")
    return "\n".join(lines)


def _share(rows: Sequence[Mapping[str, Any]], *, quiet: bool = False) -> str:
    of, alarmed = sum(r["recordings"] for r in rows), sum(r["alarmed"] for r in rows)
    hits = of - alarmed if quiet else alarmed
    interval = wilson(hits, of)
    if interval is None:
        return "of none"
    return f"{hits}/{of} = {hits / of:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"
