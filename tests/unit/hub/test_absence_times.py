"""Until when she is away: as people write it, a day counted to its end; what is no time is refused."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from hub.commands.people_absence import _when
from hub.errors import HubError

YINCHUAN = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(("text", "until"), [("2026-11-24", "2026-11-25T00:00"), ("2028-02-28", "2028-02-29T00:00"),
                                             ("2028-02-29", "2028-03-01T00:00"), ("2026-12-31", "2027-01-01T00:00"),
                                             ("2026-11-24T09:30", "2026-11-24T09:30")])  # fmt: skip
def test_day_counts_to_its_end(text: str, until: str) -> None:
    assert _when(text, YINCHUAN, ending=True) == datetime.fromisoformat(until).replace(tzinfo=YINCHUAN)


@pytest.mark.parametrize("text", ["9999-12-31", "2026-02-29", "2026-11-24T25:00", "tomorrow", "", "nan"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(HubError, match="is no time: write"):
        _when(text, YINCHUAN, ending=True)
