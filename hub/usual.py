"""What is usual for a wearer, brought to detectors that do not know it.

At a first start, after an upgrade that keeps it in another form, and when a resident gets another watch. It is asked of
the roll-up, some residents at a time.
"""

import asyncio
import time
from datetime import datetime

import numpy as np
import psycopg
import structlog
from numpy.typing import NDArray

from alerts.detectors import baseline, nights, stillness
from alerts.detectors.vitals import VitalsDetector
from hub.detection import Detection
from hub.store import vital_hours
from hub.store.pool import Connection

RESIDENTS_AT_ONCE = 500
ROWS_AT_ONCE = 65_536
MOST_S = 5.0  # of one call
VITALS, STILLNESS = VitalsDetector.name, stillness.StillnessDetector.name

log = structlog.get_logger()


async def bring(conn: Connection, detection: Detection, before: datetime, offset_min: int) -> int:
    """Fill in what detectors do not know of wearers, from hours before a moment; returns of how many devices.

    A device is asked for once in the life of this process, and once more when it is bound anew. What there is no time
    for waits for the next call: nobody waits long for a hub that has to learn a million wearers.
    """
    if VITALS not in detection.states:
        return 0
    began, brought = time.monotonic(), 0
    rows = detection.unasked()
    parts = [rows[at : at + ROWS_AT_ONCE] for at in range(0, len(rows), ROWS_AT_ONCE)]
    strange = np.concatenate([np.zeros(0, bool), *(strangers(detection, part) for part in parts)])
    detection.asked(rows[~strange])
    rows = rows[strange]
    try:
        if len(rows) == 0 or not await vital_hours.anything(conn):
            detection.asked(rows)
            return 0
    except psycopg.Error as err:
        log.warning("usual_not_known", error=str(err)[:200])
        return 0
    rows = rows[np.argsort(detection.table.resident_id[rows], kind="stable")]
    residents, first = np.unique(detection.table.resident_id[rows], return_index=True)
    ends = np.append(first, len(rows))
    for start in range(0, len(residents), RESIDENTS_AT_ONCE):
        if time.monotonic() - began > MOST_S:
            break
        some = residents[start : start + RESIDENTS_AT_ONCE]
        hers = rows[ends[start] : ends[start + len(some)]]
        detection.asked(hers)
        try:
            known = await vital_hours.usual(conn, some.tolist(), before, offset_min)
        except psycopg.Error as err:  # learning anew is worse than knowing, and better than not starting
            log.warning("usual_not_known", error=str(err)[:200])
            return brought
        brought += take_over(detection, hers, known, int(before.timestamp()) // 60, offset_min)
        await asyncio.sleep(0)
    if brought:
        log.info("usual_brought", devices=brought)
    return brought


def take_over(
    detection: Detection, rows: NDArray[np.int64], known: vital_hours.Known, minute: int, offset_min: int
) -> int:
    """Write what is known into the state of some devices that know nothing yet; returns how many got something.

    Pulse at rest and hours of rising go to what is worn: a bed mat cannot tell rest, and has its own nights.
    """
    state, table = detection.states[VITALS], detection.table
    no_hours = np.isnan(known.night_bpm).all() and np.isnan(known.up_min).all()
    if no_hours and not known.bins.any() and not known.blind_bpm:
        return 0
    rows = rows[strangers(detection, rows)]  # somebody may have learnt enough meanwhile
    at = np.searchsorted(np.array(known.residents), table.resident_id[rows])
    worn = table.wearable[rows] == 1
    bins, night_bpm = known.bins[at], np.where(worn[:, None], known.night_bpm[at], np.nan)
    for i in np.flatnonzero(~worn).tolist():
        night_bpm[i] = known.blind_bpm.get(int(table.device_id[rows[i]]), night_bpm[i])
    rested = np.flatnonzero(worn & bins.any(axis=(1, 2)))
    slept = np.flatnonzero(~np.isnan(night_bpm).all(axis=1))
    baseline.take_over(state, rows[rested], bins[rested])
    nights.take_over(state, rows[slept], night_bpm[slept], minute, offset_min)
    rose = np.flatnonzero(worn & ~np.isnan(known.up_min[at]).all(axis=1))
    if STILLNESS in detection.states:
        stillness.take_over(detection.states[STILLNESS], rows[rose], known.up_min[at[rose]], minute, offset_min)
    got = np.union1d(np.union1d(rested, slept), rose)
    detection.changed(rows[got])
    return len(got)


def strangers(detection: Detection, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which devices know so little of their wearer that no rule speaks of it."""
    state = detection.states[VITALS]
    little = state["rest_bins"][rows].sum(axis=(1, 2), dtype=np.int64) < baseline.DAY_LEAST
    found: NDArray[np.bool_] = little & ((state["nights"][rows] > 0).sum(axis=1) < nights.NIGHTS_LEAST)
    return found
