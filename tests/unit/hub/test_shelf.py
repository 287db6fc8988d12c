"""A folder of backups: which one serves a moment, how far the log goes on after it, what may be removed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.keeping.shelf import Backup, BackupError, backups, choose, prune, reach, written_bytes

NIGHT = datetime(2026, 11, 21, 18, 14, tzinfo=UTC)
PIECE = 1 << 20  # a small segment: 4,096 of them make one of the log's files of 4 GB


def backup(shelf: Path, hours: int, *, timeline: int = 1, segment: int = 5) -> Backup:
    """Write a backup that ended so many hours after that night began, in the middle of a segment of the log."""
    folder = shelf / f"after-{timeline}-{hours:02}"
    folder.mkdir(parents=True)
    made = Backup(
        folder=folder, began=NIGHT + timedelta(hours=hours, minutes=-1), ended=NIGHT + timedelta(hours=hours),
        system="7", timeline=timeline, segment_bytes=PIECE, end_lsn=segment * PIECE + 300, bytes_on_disk=1,
        server=180003, database="carehub", embedded=True, release="0.1.0", migration="0001.sql",
    )  # fmt: skip
    made.write()
    return made


def pieces(log: Path, *numbers: int, partial: int | None = None) -> None:
    """Write segments of the log; the last may be unfinished."""
    log.mkdir(parents=True, exist_ok=True)
    for number in (*numbers, *([partial] if partial is not None else [])):
        ending = ".partial" if number == partial else ""
        (log / f"00000001{number // 4096:08X}{number % 4096:08X}{ending}").write_bytes(bytes(PIECE))


def numbers(files: list[Path]) -> list[int]:
    return [int(file.name[8:16], 16) * 4096 + int(file.name[16:24], 16) for file in files]


def test_newest_backup_that_had_ended_serves_a_moment(tmp_path: Path) -> None:
    first, second = backup(tmp_path, 0), backup(tmp_path, 24)
    assert choose(tmp_path, NIGHT + timedelta(hours=2)) == first
    assert choose(tmp_path, NIGHT + timedelta(hours=24)) == second
    assert choose(tmp_path, None) == second
    assert choose(first.folder, NIGHT + timedelta(hours=30)) == first  # one that was named is taken


def test_moment_before_a_backup_had_ended_is_refused(tmp_path: Path) -> None:
    first = backup(tmp_path, 0)
    with pytest.raises(BackupError, match="no earlier time"):
        choose(tmp_path, NIGHT - timedelta(seconds=1))
    with pytest.raises(BackupError, match="give that or a later time"):
        choose(first.folder, NIGHT - timedelta(seconds=1))
    with pytest.raises(BackupError, match="no finished backup"):
        choose(tmp_path / "elsewhere", None)


def test_folder_that_is_broken_or_unfinished_is_no_backup(tmp_path: Path) -> None:
    (backup(tmp_path, 0).folder / "backup.json").write_text("{")
    unfinished = backup(tmp_path, 1).folder
    unfinished.rename(unfinished.with_name("after.part"))
    good = backup(tmp_path, 2)
    assert backups(tmp_path) == [good]


def test_log_is_read_from_the_segment_a_backup_ended_in_to_the_unfinished_one(tmp_path: Path) -> None:
    one = backup(tmp_path, 0, segment=4095)
    pieces(one.log, 4094, 4095, 4096, partial=4097)
    files, gap = reach(one)
    assert (numbers(files), gap) == ([4095, 4096, 4097], False)


def test_log_behind_a_gap_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    one = backup(tmp_path, 0)
    pieces(one.log, 5, 6, 8)
    files, gap = reach(one)
    assert (numbers(files), gap) == ([5, 6], True)


def test_log_that_began_too_late_is_of_no_use(tmp_path: Path) -> None:
    one = backup(tmp_path, 0)
    pieces(one.log, 7, 8)
    assert reach(one) == ([], True)


def test_log_from_before_a_hole_still_serves_the_backups_before_it(tmp_path: Path) -> None:
    one = backup(tmp_path, 0)
    pieces(one.log.with_name(f"{one.log.name}.20261122T000000Z"), 5, 6, partial=7)
    pieces(one.log, 9)
    files, gap = reach(one)
    assert (numbers(files), gap) == ([5, 6, 7], True)


def test_log_of_another_timeline_is_not_mistaken_for_its_own(tmp_path: Path) -> None:
    one = backup(tmp_path, 0, timeline=1)
    pieces(tmp_path / "wal" / "7-10", 5, 6)
    assert reach(one) == ([], False)


def test_old_backups_go_with_the_log_before_them(tmp_path: Path) -> None:
    made = [backup(tmp_path, hours, segment=5 + hours) for hours in range(4)]
    pieces(made[0].log, *range(5, 12))
    assert prune(tmp_path, 2) == [made[0].folder.name, made[1].folder.name]
    assert backups(tmp_path) == made[2:]
    assert numbers(sorted(made[0].log.iterdir())) == [7, 8, 9, 10, 11]


def test_last_backup_of_the_cluster_before_a_restore_stays(tmp_path: Path) -> None:
    before = backup(tmp_path, 0, timeline=1)
    after = [backup(tmp_path, hours, timeline=2) for hours in range(1, 4)]
    prune(tmp_path, 2)
    assert backups(tmp_path) == [before, *after[1:]]


def test_what_was_written_of_a_segment_is_told_from_what_was_laid_out(tmp_path: Path) -> None:
    (tmp_path / "piece").write_bytes(b"log" + bytes(100))
    assert written_bytes(tmp_path / "piece") == 3
    assert written_bytes(tmp_path / "none") == 0
