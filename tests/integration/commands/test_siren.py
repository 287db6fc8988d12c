"""carehub siren: what a technician does when the siren is put up, and when it sounds and the database is away."""

import wave
from pathlib import Path

import pytest

from hub.__main__ import main


def test_sound_is_written_for_any_player(tmp_path: Path) -> None:
    assert main(["siren", "wav", str(tmp_path / "s.wav")]) == 0
    with wave.open(str(tmp_path / "s.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getnframes() / sound.getframerate()) == (1, 2, 6.0)
        assert max(sound.readframes(1000)) > 0


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 1)])
def test_trying_it_says_how_it_ended(
    script: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAREHUB_AUDIT_SIREN_COMMAND", f"sh,-c,{script}")
    assert main(["siren", "test"]) == code
    assert "ended with" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("/nowhere/play,x", "/nowhere/play cannot be run (No such file or directory); install it, or give"),
        ("sh,-c,sleep 9", "`sh -c 'sleep 9'` did not end in 0.2 s and was stopped"),
    ],
)  # fmt: skip
def test_siren_that_cannot_sound_says_what_to_do(
    words: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAREHUB_AUDIT_SIREN_COMMAND", words)
    monkeypatch.setenv("CAREHUB_AUDIT_SIREN_LIMIT_S", "0.2")
    assert main(["siren", "test"]) == 2
    assert told in capsys.readouterr().err


def test_sound_that_cannot_be_written_and_one_that_was_say_what_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["siren", "wav", str(tmp_path / "no" / "s.wav")]) == 2
    assert "give a file in a folder that is there" in capsys.readouterr().err
    assert main(["siren", "wav", str(tmp_path / "s.wav")]) == 0
    assert f"CAREHUB_AUDIT_SIREN_COMMAND=aplay,-q,{tmp_path / 's.wav'}" in capsys.readouterr().out


def test_trying_a_siren_that_is_not_set_up_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CAREHUB_AUDIT_SIREN_COMMAND", raising=False)
    assert main(["siren", "test"]) == 2
    assert "CAREHUB_AUDIT_SIREN_COMMAND" in capsys.readouterr().err


def test_acknowledging_on_this_machine_leaves_name_and_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREHUB_RUN_DIR", str(tmp_path))
    assert main(["siren", "quiet", "--name", "马班长", "--why", "机房停电"]) == 0
    assert (tmp_path / "siren.quiet").read_text() == "马班长: 机房停电\n"
