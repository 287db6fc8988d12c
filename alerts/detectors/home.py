"""A resident's home that has gone quiet, or is not as on other days: B1-B7. One row a resident, all at once."""

from collections.abc import Mapping

from alerts.detectors.detector import Columnar, Field, Finding
from alerts.detectors.home_signs import Signs

WAITING = 6  # bed and place signs of one resident that wait for earlier ones
SLOTS = 96  # half-hours of the water meter: two days


class HomeDetector:
    """B1-B7 for all residents; `offset_min` is what the district's clock is ahead of UTC.

    The shell writes the first block of columns, before it calls. Only `has` is needed; what it does not know it leaves.
    """

    name = "home"
    fields: Mapping[str, Field] = {
        "has": Field(dtype="uint8"),  # bit 1 << Sign: what this home's sensors can tell
        "quiet_from_ms": Field(dtype="int64"),  # a known absence or visit, now or next: nothing is said inside,
        "quiet_until_ms": Field(dtype="int64"),
        "anew_ms": Field(dtype="int64"),  # … and the clocks begin anew at its end: of the last one that is over. Kept
        # here while running; the shell writes it when it rebuilds, or an absence before the restart is forgotten
        "alive_ms": Field(dtype="int64"),  # anything of the home was last heard; signs count too
        "alive_since_ms": Field(dtype="int64"),  # without a pause longer than alive_every_min. As anew_ms; 0 = long
        "alive_every_min": Field(dtype="int16", fill=120),  # such a pause is normal for its quickest sensor
        "usual_up_min": Field(dtype="int16", fill=-1),  # B2: median of first movement, 04:00 = 240 … 27:59 = 1679
        "latest_up_min": Field(dtype="int16", fill=-1),  # latest but one of those days
        "ups_known": Field(dtype="uint8"),  # of how many days
        "bed_out_p99_min": Field(dtype="int16", fill=-1),
        "meter_noisy": Field(dtype="uint8"),  # 1: 24 h instead of 12
        "fence_m": Field(dtype="int16"),  # B7, 0 = none
        "moved_min": Field(dtype="int32"),  # newest minute of movement. May be written at a rebuild, from the day table
    }

    def __init__(self, offset_min: int = 0) -> None:
        self._offset_min = offset_min

    def observe(self, state: Columnar, signs: Signs, now_ms: int) -> list[Finding]:
        """Take signs in, in any order. What follows from them is said by `tick`."""
        return []

    def tick(self, state: Columnar, now_ms: int) -> list[Finding]:
        """Return what holds now and has not been said."""
        return []
