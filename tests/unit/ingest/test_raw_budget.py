"""How much of the telemetry's bytes is kept: all while it fits, else a share of the batches that does."""

import pytest

from hub.store import raw

DAY_S = 86_400.0
BODY = ((1000, bytes(100_000)),)


def kept(budget: raw.Budget, batches: int, every_s: float, start: int = 0) -> float:
    """Return the share of the second half of so many batches, after the rate is known."""
    answers = [budget.keeps(start + number, BODY, number * every_s) for number in range(batches)]
    return sum(answers[batches // 2 :]) / (batches - batches // 2)


def test_everything_is_kept_while_it_fits() -> None:
    assert kept(raw.Budget(20_000 << 20, 3 * DAY_S), 1000, 10.0) == 1.0


def test_share_is_what_fits_for_as_long_as_it_is_wanted() -> None:
    budget = raw.Budget(20_000 << 20, 3 * DAY_S)
    share = kept(budget, 8000, 0.05)  # 2 MB/s are 520 GB in three days
    assert share == pytest.approx(budget.share, abs=0.02)
    stays = budget.share * 2e6 * raw.PACKED * 3 * DAY_S
    assert stays == pytest.approx(raw.ROOM * (20_000 << 20), rel=0.02)


def test_quieter_hours_bring_the_bytes_back() -> None:
    budget = raw.Budget(1 << 30, DAY_S)
    kept(budget, 4000, 0.05)
    assert budget.share < 0.1
    for number in range(20):
        budget.keeps(number, BODY, 1_000 + number * 60.0)
    assert budget.share == 1.0


def test_body_that_was_not_kept_holds_no_messages() -> None:
    assert raw.unpack(b"") == []
