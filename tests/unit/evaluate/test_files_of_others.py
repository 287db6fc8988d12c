"""Files that others made, damaged or made to hurt: refused with what is wrong, never unpacked or run."""

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.commands.evaluate import EvaluateError, main
from hub.evaluate import archives
from hub.evaluate.falls import RecordingsError, load
from hub.evaluate.news2_cases import score_cases

STILL = np.zeros((100, 3), np.int16)
RECORDINGS: dict[str, Any] = {
    "fs": 50.0, "offset": np.array([0, 100]), "rec_id": np.array(["a"]), "acc_mg": STILL, "gyro_2mrad": STILL,
}  # fmt: skip
HEADINGS = "case_id,rr,spo2,scale,on_o2,sbp,hr,acvpu,temp"


class Touch:
    """What a pickle inside a file would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def written(**changed: Any) -> bytes:
    made = io.BytesIO()
    np.savez(made, **(RECORDINGS | changed))
    return made.getvalue()


def huge() -> bytes:
    """A few bytes that say they are thirty terabytes of samples."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive, zipfile.ZipFile(io.BytesIO(written())) as whole:
        for name in whole.namelist():
            if name != "acc_mg.npy":
                archive.writestr(name, whole.read(name))
        head = b"{'descr': '<i2', 'fortran_order': False, 'shape': (5000000000000, 3), }".ljust(117) + b"\n"
        archive.writestr("acc_mg.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"\0" * 99)
    return made.getvalue()


def damaged() -> dict[str, bytes]:
    whole = written()
    alone = io.BytesIO()
    np.save(alone, STILL)
    return {
        "empty": b"", "noise": bytes(range(256)) * 9, "half": whole[: len(whole) // 2], "one array": alone.getvalue(),
        "bits": whole[:300] + bytes([whole[300] ^ 255]) + whole[301:], "huge": huge(), "pickle": pickle.dumps([1]),
        "falling": written(offset=np.array([0, -5])), "beyond": written(offset=np.array([0, 101])),
        "halves": written(offset=np.array([0.0, 100.0])), "no rate": written(fs=np.nan), "rates": written(fs=[50, 60]),
        "flat": written(acc_mg=np.zeros(100, np.int16)), "names": written(rec_id=np.array(["a", "b"])),
    }  # fmt: skip


@pytest.mark.parametrize("body", damaged().values(), ids=damaged().keys())
def test_damaged_recordings_are_refused_with_what_is_wrong(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    path.write_bytes(body)
    with pytest.raises(EvaluateError, match=r"r\.npz.* cannot be evaluated"):
        main(["falls", str(path), "--out", str(tmp_path / "out.json")])
    path.rename(tmp_path / "r_dev.npz")
    with pytest.raises(RecordingsError, match=r"r_dev\.npz is no file of labelled recordings"):
        load(tmp_path)


def test_nothing_inside_a_file_is_run(tmp_path: Path) -> None:
    ran = np.empty(1, object)
    ran[0] = Touch(tmp_path / "ran")
    for what in ("falls", "vitals"):
        np.savez(tmp_path / "r.npz", **(RECORDINGS | {"rec_id": ran, "id": ran, "hr": np.ones(9), "steps": np.ones(9)}))
        with pytest.raises(EvaluateError, match="allow_pickle"):
            main([what, str(tmp_path / "r.npz"), "--out", str(tmp_path / "out.json")])
    assert not (tmp_path / "ran").exists()


def test_file_that_would_not_fit_in_memory_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.npz"
    np.savez_compressed(path, **(RECORDINGS | {"acc_mg": np.zeros((100_000, 3), np.int16)}))
    monkeypatch.setattr(archives, "MOST_BYTES", 500_000)
    assert path.stat().st_size < 10_000
    with pytest.raises(EvaluateError, match="bytes unpacked, more than 500,000"):
        main(["falls", str(path), "--out", str(tmp_path / "out.json")])


def test_streams_of_words_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", id=["a"], offset=[0, 9], hr=["x"] * 9, steps=np.zeros(9))
    with pytest.raises(EvaluateError):
        main(["vitals", str(tmp_path / "v.npz"), "--out", str(tmp_path / "out.json")])


@pytest.mark.parametrize(
    "body",
    [
        f"\ufeff{HEADINGS}\r\n1,26,96,1,0,120,70,A,37.0\r\n",
        f"{HEADINGS.upper()}\n1,26,96,1,0,120,70,A,37.0\n",
        f"{HEADINGS.replace(',', ', ')}\n1,26,96,,0,120,70,A,37.0\n",
    ],
    ids=["mark", "capitals", "spaces"],
)
def test_cases_as_spreadsheets_write_them_are_scored(body: str, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(body, encoding="utf-8")
    assert [line["total"] for line in score_cases(tmp_path / "c.csv")] == [3]


@pytest.mark.parametrize(
    "body",
    [
        "", "a,b\n1,2\n", "case_id,name\n1,2\n", HEADINGS.replace(",", ";") + "\n1;16;96;1;0;120;70;A;37,0\n",
        HEADINGS + '\n1,16,96,1,0,120,70,A,"37,0"\n', HEADINGS + "\n1,16,96,3,0,120,70,A,37\n",
        HEADINGS + "\n1,16,96,1.9,0,120,70,A,37\n", HEADINGS + "\n1,16,96,nan,0,120,70,A,37\n",
        HEADINGS + "\n1," + "9" * 200_000 + ",96,1,0,120,70,A,37\n",
    ],
    ids=["empty", "others", "no values", "semicolons", "decimal comma", "scale 3", "scale 1.9", "no scale", "long"],
)  # fmt: skip
def test_table_that_is_none_of_cases_is_refused(body: str, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(body, encoding="utf-8")
    with pytest.raises(EvaluateError, match=r"c\.csv cannot be evaluated"):
        main(["news2", str(tmp_path / "c.csv")])


def test_value_that_is_no_number_a_body_has_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(f"{HEADINGS}\n1,nan,inf,1,0,-inf,1e400,A,37.0\n", encoding="utf-8")
    assert score_cases(tmp_path / "c.csv")[0]["missing"] == ["rr", "spo2", "sbp", "hr"]
