"""The report as a file, and a draw that is verified, from the command line."""

from pathlib import Path

import pytest

from hub.__main__ import main
from hub.store import reviews
from hub.store.reviews import Lottery
from hub.store.service_levels import month_of
from tests.integration.supervisor.busy_month import busy_month
from tests.integration.supervisor.duty_log import CHINA, DutyLog


@pytest.fixture
def month(october: DutyLog, monkeypatch: pytest.MonkeyPatch) -> DutyLog:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", october.world.dsn)
    return busy_month(october)


def test_report_is_one_file_that_asks_nothing_of_the_world(month: DutyLog, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert main(["report", "month", "2026-10", "--area", "兴庆区", "--out", str(out), "--lang", "en"]) == 0
    text = out.read_text()
    assert "62.5 %" in text
    assert "<svg" in text
    assert "src=" not in text
    assert "href=" not in text
    assert "url(" not in text


def test_report_of_no_month_or_no_area_is_refused(
    month: DutyLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "report.html")
    assert main(["report", "month", "2026-13", "--out", out]) == 2
    assert main(["report", "month", "2026-10", "--area", "火星", "--out", out]) == 2
    assert "兴庆区" in capsys.readouterr().err


def test_draw_is_verified_and_a_changed_one_is_told(month: DutyLog, capsys: pytest.CaptureFixture[str]) -> None:
    since, until = month_of(2026, 10, CHINA)
    lottery = Lottery(since=since, until=until, wanted=3, seed="7", reviewers=(month.world.people["ma"],))
    number = month.world.run(lambda conn: reviews.draw(conn, lottery, None))
    assert main(["reviews", "verify", str(number)]) == 0
    assert "drawn again: the same" in capsys.readouterr().out
    month.world.sql("update review set reviewer_id = %(p)s where place = 1", p=month.world.people["li"])
    assert main(["reviews", "verify", str(number)]) == 1
    assert "NOT THE SAME: place 1" in capsys.readouterr().out
    assert main(["reviews", "verify", "99"]) == 2
    assert main(["reviews", "list"]) == 0
