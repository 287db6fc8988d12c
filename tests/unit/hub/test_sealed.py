"""Sealed fields: only here, only with the key, and in no log."""

import stat
from pathlib import Path

import pytest

from hub import sealed
from hub.sealed import Ring, SealError, ring_of

PLACE = "resident.door_code"
OLD, NEW = sealed.new_key(), sealed.new_key()


def test_sealed_text_opens_in_its_own_row_and_says_nothing_elsewhere() -> None:
    ring = ring_of([OLD])
    kept = ring.seal(PLACE, 7, "4471#")
    assert "4471" not in kept
    assert sealed.is_sealed(kept)
    assert ring.opened(PLACE, 7, kept) == "4471#"
    assert ring.opened(PLACE, "7", kept) == "4471#"  # a history names its subject in letters


@pytest.mark.parametrize(("place", "row"), [(PLACE, 8), ("resident.health_notes", 7), ("person.door_code", 7)])
def test_sealed_text_moved_to_another_place_is_refused(place: str, row: int) -> None:
    ring = ring_of([OLD])
    with pytest.raises(SealError, match="sealed for another row"):
        ring.opened(place, row, ring.seal(PLACE, 7, "4471#"))


def test_sealed_text_that_was_changed_is_refused() -> None:
    ring = ring_of([OLD])
    kept = ring.seal(PLACE, 7, "4471#")
    turned = kept[:-3] + ("AA=" if not kept.endswith("AA=") else "BA=")
    with pytest.raises(SealError):
        ring.opened(PLACE, 7, turned)


def test_same_text_is_never_sealed_the_same() -> None:
    ring = ring_of([OLD])
    assert ring.seal(PLACE, 7, "1") != ring.seal(PLACE, 7, "1")


def test_new_key_seals_and_the_old_one_still_opens() -> None:
    before = ring_of([OLD]).seal(PLACE, 7, "4471#")
    after = ring_of([NEW, OLD])
    assert after.opened(PLACE, 7, before) == "4471#"
    assert sealed.key_of(after.seal(PLACE, 7, "x")) == ring_of([NEW]).current


def test_without_its_key_a_text_is_lost_and_the_error_says_what_to_bring() -> None:
    kept = ring_of([OLD]).seal(PLACE, 7, "4471#")
    with pytest.raises(SealError, match=r"seal\.keys back from the backup") as lost:
        ring_of([NEW]).opened(PLACE, 7, kept)
    assert ring_of([OLD]).current in str(lost.value)


def test_without_any_key_nothing_is_stored_in_the_open() -> None:
    with pytest.raises(SealError, match="carehub seal init"):
        Ring().seal(PLACE, 7, "4471#")
    assert Ring().seal(PLACE, 7, "") == ""
    assert Ring().opened(PLACE, 7, "4471#") == "4471#"  # of a release before


@pytest.mark.parametrize("wrong", ["", "short", "5" * 44, "ü" * 40])
def test_what_is_no_key_is_refused_and_not_quoted(wrong: str) -> None:
    with pytest.raises(SealError) as refused:
        ring_of([wrong])
    assert not wrong or wrong not in str(refused.value)


def test_no_key_stands_in_a_repr() -> None:
    ring = ring_of([OLD])
    assert OLD not in repr(ring)
    assert all(repr(key) not in repr(ring) for key in ring.keys.values())


def test_keys_lie_in_the_run_folder_readable_by_us_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sealed.KEY_VARIABLE, raising=False)
    monkeypatch.setenv("CAREHUB_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(sealed, "_place", [])
    first = sealed.add_key()
    kept = sealed.seal(PLACE, 7, "4471#")
    assert stat.S_IMODE(sealed.keys_file().stat().st_mode) == 0o600
    second = sealed.add_key()  # another process did: it is seen at the next use
    assert sealed.ring().current == second != first == sealed.key_of(kept)
    assert sealed.opened(PLACE, 7, kept) == "4471#"


def test_key_of_the_environment_seals_before_those_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_place", [tmp_path])
    monkeypatch.delenv(sealed.KEY_VARIABLE, raising=False)
    of_file = sealed.add_key()
    monkeypatch.setenv(sealed.KEY_VARIABLE, f"{NEW},{OLD}")
    assert sealed.ring().current == ring_of([NEW]).current
    assert set(sealed.ring().keys) == {of_file, *ring_of([NEW, OLD]).keys}
