"""A watch that does not move while its wearer is known to be away or has visitors, told through ingest itself."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.store import homes as store
from tests.integration.homes.conftest import Home
from tests.integration.ingest.conftest import settings

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
EVERY_MIN = 5  # a report of the steps of one minute speaks of so many


async def says(home: Home, hours_ago: float, until_hours_ago: float | None = None, **said: object) -> None:
    """The watch says the same from one hour to another, every few minutes."""
    first, last = (NOW - timedelta(hours=h) for h in (hours_ago, until_hours_ago or hours_ago))
    at = first
    while at <= last:
        ms = int(at.timestamp() * 1000)
        home.hub.send("carehub/w7/vitals", {**said, "at": ms}, at_ms=ms)
        at += timedelta(minutes=EVERY_MIN)
    await home.hub.done()


async def walks(home: Home, hours_ago: float) -> None:
    await says(home, hours_ago, hr=80, steps=30)


async def lies(home: Home, hours_ago: float, until_hours_ago: float | None = None) -> None:
    await says(home, hours_ago, until_hours_ago, hr=64, steps=0)


async def known(home: Home, kind: str, hours_ago: float, ended_hours_ago: float) -> None:
    await store.add_absence(
        home.conn, home.resident, kind, begins=NOW - timedelta(hours=hours_ago),
        ends=NOW - timedelta(hours=ended_hours_ago), reason="住院", by="person:1",
    )  # fmt: skip


async def told(home: Home) -> list[tuple[str, int]]:
    return await home.hub.rows("select rule, severity from alert where kind = 'stillness' order by raised_at, alert_id")


async def test_who_is_not_away_is_told_of_at_half_a_day_and_a_whole_one(home: Home) -> None:
    await walks(home, 26)
    await lies(home, 25.8, 0.2)
    assert await told(home) == [("B1", 3), ("B1", 2)]


@pytest.mark.parametrize("kind", ["away", "visit"])
async def test_known_absence_or_visit_silences_the_watch_and_not_her_press(home: Home, kind: str) -> None:
    await known(home, kind, 30, -24)
    await walks(home, 26)
    await lies(home, 25.8, 0.2)
    assert await told(home) == []
    home.hub.press("w7")
    await home.hub.done()
    assert await home.hub.rows("select kind, severity from alert") == [("sos", 1)]


async def test_first_message_after_her_return_says_nothing_of_thirty_hours(home: Home) -> None:
    await known(home, "away", 32, 1)
    await walks(home, 31)
    await lies(home, 30.8, 30)
    await lies(home, 29.6, 0.9)
    assert await told(home) == []


async def test_who_lies_still_after_her_return_is_told_of_twelve_hours_later(home: Home) -> None:
    """What was found and not said while she was away is not forgotten: it is counted from her return."""
    await known(home, "away", 40, 13)
    await walks(home, 39)
    await lies(home, 38.8, 1.2)
    assert await told(home) == []
    await lies(home, 0.9, 0.2)
    assert await told(home) == [("B1", 3)]
    name = await home.hub.one("select alert_id from alert where kind = 'stillness'")
    returned_min = int((NOW - timedelta(hours=13)).timestamp()) // 60
    assert str(name).endswith(f"B1:{returned_min}")


async def test_absence_that_ended_before_she_lay_down_changes_nothing(home: Home) -> None:
    await known(home, "away", 40, 14)
    await walks(home, 13)
    await lies(home, 12.8, 0.5)
    assert await told(home) == [("B1", 3)]


@pytest.mark.parametrize(("back_at", "said"), [(8.0, []), (-3.0, [("B2", 4)]), (None, [("B2", 4)])])
async def test_morning_of_her_return_is_no_usual_morning(
    home: Home, back_at: float | None, said: list[tuple[str, int]]
) -> None:
    """She rises at seven, and yesterday at eleven there had been no step; hours of the district's clock."""
    yesterday = datetime.now(ZoneInfo(settings().console.zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday -= timedelta(days=1)
    ago = [(NOW - yesterday - timedelta(days=day)) / timedelta(hours=1) for day in range(-10, 1)]
    for midnight in ago[:-1]:
        await walks(home, midnight - 7)
        await walks(home, midnight - 21)
    if back_at is not None:
        await known(home, "away", ago[-1] + 20, ago[-1] - back_at)
    await lies(home, ago[-1] - 8.5, ago[-1] - 11)
    assert await told(home) == said
