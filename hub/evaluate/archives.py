"""Reads arrays of files that others made: whatever is wrong with one is a ValueError that says what."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 8 << 30  # of one file, unpacked: a thousand hours of a wrist at 104 Hz are five
BROKEN = (zipfile.BadZipFile, EOFError, TypeError, MemoryError, NotImplementedError, OverflowError, SyntaxError)


def arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return some arrays of an .npz file, or all of them.

    Raises:
        ValueError: It is none, is damaged, holds objects, or is too large.
        KeyError: It lacks a name.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
        if size > MOST_BYTES:
            raise ValueError(f"{size:,} bytes unpacked, more than {MOST_BYTES:,}: split it")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in (file.files if names is None else names)}
    except BROKEN as err:
        raise ValueError(f"no .npz file, or a damaged one: {err}") from err


def parts(offset: NDArray[Any], count: int) -> list[tuple[int, int]]:
    """Return (start, end) of each part that these offsets cut `count` lines into.

    Raises:
        ValueError: They are no whole numbers, fall, or lie outside.
    """
    if offset.ndim != 1 or len(offset) == 0 or not np.issubdtype(offset.dtype, np.integer):
        raise ValueError("offset is no list of whole numbers")
    ends = offset.astype(np.int64)
    if ends[0] < 0 or ends[-1] > count or (np.diff(ends) < 0).any():
        raise ValueError(f"offset falls, or lies outside of the {count} lines there are")
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
