"""A block of detector state cut into pieces, so that a checkpoint writes those that have changed since the last.

A piece is one number of every device of the block, or one place of everybody's ring: of an hour of pulses, two places
are others after two minutes. So a fifth of the state is written, whether or not the server can compress.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.detectors.detector import Column, Columnar

DEVICE = "device"  # the numbers of the devices, a column like the others
Layout: TypeAlias = dict[str, tuple[str, tuple[int, ...]]]  # of each column: kind and shape
Place: TypeAlias = tuple[str, int]  # a column and the place in its ring, 0 where it is no ring


class Cut(NamedTuple):
    """One block in pieces. `digests` [pieces] are told apart within this process only."""

    layout: Layout
    places: list[Place]
    bodies: list[bytes]
    digests: NDArray[np.int64]

    def since(self, saved: "Cut | None") -> list[int]:
        """Return which pieces are not as they were saved: all of them where the layout is another one."""
        if saved is None or saved.layout != self.layout:
            return list(range(len(self.places)))
        return np.flatnonzero(self.digests != saved.digests).tolist()

    def seal(self) -> "Cut":
        """Return what is remembered of it: everything but the bodies."""
        return self._replace(bodies=[])


def cut(device: NDArray[np.int64], columns: Columnar) -> Cut:
    """Return one block's columns, each [devices, …], in pieces. A full one is ten megabytes: not for the event loop."""
    every: dict[str, Column] = {DEVICE: device.astype("<i8"), **columns}
    places, bodies = [], []
    for name, column in every.items():
        rings = np.ascontiguousarray(column.reshape(len(column), -1).T)
        places += [(name, place) for place in range(len(rings))]
        bodies += [ring.tobytes() for ring in rings]
    layout = {name: (column.dtype.str, column.shape) for name, column in every.items()}
    return Cut(layout, places, bodies, _digests(bodies))


def remembered(layout: Layout, pieces: Mapping[Place, bytes]) -> Cut:
    """Return what is remembered of a block that was read."""
    places = [(name, place) for name, (_, shape) in layout.items() for place in range(_width(shape))]
    return Cut(layout, places, [], _digests([pieces[place] for place in places]))


def joined(layout: Layout, pieces: Mapping[Place, bytes]) -> tuple[NDArray[np.int64], Columnar]:
    """Return device numbers and columns again. A piece that is missing is a KeyError: nothing is made up."""
    every: dict[str, Column] = {}
    for name, (kind, shape) in layout.items():
        rings = [np.frombuffer(pieces[name, place], kind) for place in range(_width(shape))]
        every[name] = np.stack(rings, axis=1).reshape(shape) if rings else np.zeros(shape, kind)
    return every.pop(DEVICE), every


def _width(shape: Sequence[int]) -> int:
    return int(np.prod(shape[1:], dtype=np.int64))


def _digests(bodies: Sequence[bytes]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, bodies), np.int64, len(bodies))


class _Body(msgspec.Struct, array_like=True):
    """What stands in the checkpoint itself. The first two are what releases before the pieces wrote, and read."""

    device: bytes = b""
    columns: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
    layout: Layout = {}


def write_layout(layout: Layout) -> bytes:
    """Return a checkpoint whose columns are in pieces; to an earlier release it is one of no device."""
    return zlib.compress(msgspec.msgpack.encode(_Body(layout=layout)), 0)


def read_layout(body: bytes) -> Layout:
    """Return the layout of a block in pieces, empty where it was saved whole."""
    return msgspec.msgpack.decode(zlib.decompress(body), type=_Body).layout


def read_whole(body: bytes) -> tuple[NDArray[np.int64], Columnar]:
    """Return device numbers and columns of a block that was saved whole, as releases before the pieces did."""
    saved = msgspec.msgpack.decode(zlib.decompress(body), type=_Body)
    columns = {name: np.frombuffer(raw, kind).reshape(shape) for name, (kind, shape, raw) in saved.columns.items()}
    return np.frombuffer(saved.device, "<i8"), columns
