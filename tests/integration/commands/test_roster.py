"""Duty lists and coverage from the command line."""

import re
from pathlib import Path

import psycopg
import pytest

from hub.__main__ import main as carehub
from hub.commands import coverage, people, roster
from hub.errors import HubError

HEAD = "roster,person,from,to\n"
TUESDAY = "物业保安,2,2026-11-24 08:00,2026-11-24 20:00\n"


@pytest.fixture(autouse=True)
def _town(dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CAREHUB_DATABASE_DSN", dsn)
    people.main(["resident", "马秀兰", "--area", "和平社区"])
    for name in ("赵师傅", "周文"):
        people.main(["person", name, "--role", "property", "--area", "和平社区", "--contact", "mqtt"])
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("insert into clock (at) values ('2026-11-22T02:00Z')")
    roster.main(["create", "物业保安", "--role", "property", "--needs-check-in"])
    capsys.readouterr()


def out(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert roster.main(list(words)) == code
    printed = capsys.readouterr()
    return printed.out + printed.err


def test_rotation_is_shown_and_overridden(capsys: pytest.CaptureFixture[str]) -> None:
    out(capsys, "rotation", "物业保安", "--people", "赵师傅,周文", "--first-day", "2026-11-20", "--turn-days", "1")
    assert "Sun 11-22 10:00  –  Mon 11-23 08:00  赵师傅" in out(capsys, "show", "物业保安")
    out(
        capsys,
        "override",
        "物业保安",
        "--off",
        "赵师傅",
        "--on",
        "周文",
        "--from",
        "2026-11-22T09:00",
        "--to",
        "2026-11-22T12:00",
    )
    assert "Sun 11-22 10:00  –  Sun 11-22 12:00  周文" in out(capsys, "show", "物业保安")
    assert "周文?" not in out(capsys, "check-in", "周文") + out(capsys, "list")
    out(capsys, "rotation", "物业保安", "--end", "1")
    assert "rotation" not in out(capsys, "show", "物业保安")


def test_exported_list_is_imported_again_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dsn: str
) -> None:
    out(capsys, "rotation", "物业保安", "--people", "1,2", "--first-day", "2026-11-22", "--turn-days", "1")
    for suffix in ("csv", "ics"):
        file = tmp_path / f"list.{suffix}"
        out(capsys, "export", "物业保安", "--format", suffix, "--out", str(file))
        assert "0 new, 61 as they are" in out(capsys, "import", str(file), "--dry-run")
    with psycopg.connect(dsn, autocommit=True) as conn:
        before = conn.execute("select person_id, during from shift order by 2").fetchall()
        conn.execute("delete from shift; delete from rotation")
        for suffix in ("csv", "ics"):
            conn.execute("delete from shift")
            assert "61 new" in out(capsys, "import", str(tmp_path / f"list.{suffix}"))
            assert conn.execute("select person_id, during from shift order by 2").fetchall() == before


def test_dry_run_changes_nothing_and_replace_takes_what_is_not_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dsn: str
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(HEAD + "物业保安,1,2026-11-23 08:00,2026-11-23 20:00\n" + TUESDAY)
    assert "2 new, 0 as they are, 0 gone – nothing was changed" in out(capsys, "import", str(file), "--dry-run")
    assert "2 new" in out(capsys, "import", str(file))
    file.write_text(HEAD + "物业保安,2,2026-11-23 08:00,2026-11-23 20:00\n" + TUESDAY)
    assert "1 new, 1 as they are, 1 gone" in out(capsys, "import", str(file), "--replace")
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select array_agg(person_id) from shift").fetchone() == ([2, 2],)


def test_file_with_faults_names_each_line_and_nothing_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dsn: str
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(HEAD + TUESDAY + "物业保安,谁,tomorrow,2026-11-23 20:00\n?,1,2026-11-23 08:00,2026-11-23 20:00\n")
    printed = out(capsys, "import", str(file), code=1)
    assert f"{file}:3: " in printed
    assert f"{file}:4: " in printed
    assert "make a duty list first: carehub roster create '?'" in printed
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select count(*) from shift").fetchone() == (0,)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["rotation", "?", "--people", "1", "--first-day", "2026-11-22"], "no duty list"),
        (["rotation", "物业保安", "--people", "谁", "--first-day", "2026-11-22"], "nobody"),
        (["rotation", "物业保安", "--people", "1", "--first-day", "2026-11-22", "--hours", "8-20 h"], "--hours"),
        (["create", "x", "--zone", "China"], "no time zone"), (["import", "/nowhere.csv"], "cannot be read"),
        (["override", "物业保安", "--off", "1", "--from", "now", "--to", "then"], "no time"),
    ],
)  # fmt: skip
def test_mistake_is_one_line_that_says_what_to_write(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert carehub(["roster", *words]) == 2
    assert why in capsys.readouterr().err


def test_coverage_draws_the_hours_of_a_resident(capsys: pytest.CaptureFixture[str]) -> None:
    out(
        capsys,
        "rotation",
        "物业保安",
        "--people",
        "1",
        "--first-day",
        "2026-11-22",
        "--turn-days",
        "1",
        "--hours",
        "08:00-20:00",
    )
    assert coverage.main(["--resident", "1", "--days", "2", "--lang", "en"]) == 1
    printed = capsys.readouterr().out
    assert "nobody could come" in printed
    assert "11-23  XXXXXXXX????????????XXXX" in printed
    assert printed.splitlines()[0].split("  ")[0] == "Hole"
    assert "hours (Asia/Shanghai)" in printed.splitlines()[0]
    assert "马秀兰 (1)" in printed.splitlines()[1]
    assert "? distance unknown" in printed
    assert "somebody within 15 min: 0 of 48 resident hours (0.0 %)" in printed
    assert "11-23 08:00 – 11-23 20:00  distance unknown\n    distance unknown  " in printed
    assert "Property  物业保安  " in printed
    assert "11-23 20:00 – " in printed


def test_minutes_beside_an_unknown_distance_say_whose_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    people.main(["person", "马丽", "--role", "family", "--for", "1", "--minutes", "95", "--contact", "sms=13800000001"])
    out(capsys, "rotation", "物业保安", "--people", "1", "--first-day", "2026-11-20", "--turn-days", "1")
    assert coverage.main(["--days", "1", "--lang", "en"]) == 1
    line = re.split("  +", capsys.readouterr().out.splitlines()[1])
    assert line == ["distance unknown", "和平社区", "11-22 10:00 – 11-23 10:00", "马秀兰 (1)",
                    "unknown; of those known, 95 min"]  # fmt: skip


def test_coverage_of_no_area_and_of_no_days_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert carehub(["coverage", "--area", "东风"]) == 2
    assert "nobody lives in area '东风'; there are 和平社区" in capsys.readouterr().err
    assert carehub(["coverage", "--days", "61"]) == 2
    assert "--days is 1 to 60" in capsys.readouterr().err


def test_coverage_of_a_resident_is_asked_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage.main(["--resident", "1", "--days", "1"]) == 1
    by_number = capsys.readouterr().out
    name = next(line.rsplit(" (1)", 1)[0] for line in by_number.splitlines() if " (1)" in line and ":" not in line)
    assert coverage.main(["--resident", name, "--days", "1"]) == 1
    assert capsys.readouterr().out == by_number
    assert carehub(["coverage", "--resident", "nobody of this name"]) == 2
    assert "nobody of this name" in capsys.readouterr().err


def test_supervisor_on_duty_has_a_name_and_is_put_on_no_list(capsys: pytest.CaptureFixture[str]) -> None:
    people.main(["person", "马班长", "--role", "supervisor", "--on-duty", "7"])
    capsys.readouterr()
    assert "马班长" in out(capsys, "list")
    with pytest.raises(HubError, match="马班长"):
        roster.main(["rotation", "物业保安", "--people", "马班长", "--first-day", "2026-11-22"])


def test_coverage_of_one_area_is_asked_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage.main(["--days", "1"]) == 1
    everywhere = capsys.readouterr().out
    assert coverage.main(["--area", "和平社区", "--days", "1"]) == 1
    assert capsys.readouterr().out == everywhere, "nobody lives elsewhere"
