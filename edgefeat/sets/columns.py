"""Columns of a set that wait on disk until their length is known, in files without a name.

Memory does not grow with the set, and whoever is killed leaves nothing.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

__all__ = ["JsonColumn", "RawColumn"]

_CHUNK = 4096


class RawColumn:
    """Entries of one array as their bytes.

    Args:
        folder: Folder for the temporary file, on a disk with room.
        dtype: Type of one number.
        shape: Shape of one entry.
    """

    def __init__(self, folder: Path, dtype: np.dtype[Any], shape: Sequence[int] = ()) -> None:
        self._dtype, self._shape = dtype, tuple(shape)
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see `close`
        self._rows = 0

    def add(self, entry: Any) -> None:
        """Take the next entry."""
        self._file.write(np.asarray(entry, self._dtype).tobytes())
        self._rows += 1

    def write(self, target: IO[bytes]) -> None:
        """Write the array as `.npy`."""
        _header(target, self._dtype, (self._rows, *self._shape))
        self._file.seek(0)
        shutil.copyfileobj(self._file, target)

    def close(self) -> None:
        """Give the disk's room back; closing twice is fine."""
        self._file.close()


class JsonColumn:
    """Texts, numbers or None, one for each row.

    Args:
        folder: Folder for the temporary file, on a disk with room.
    """

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see `close`
        self._rows = self._longest = 0

    def add(self, value: str | float | None) -> None:
        """Take the next row's."""
        self._file.write(json.dumps(value).encode() + b"\n")
        if isinstance(value, str):
            self._longest = max(self._longest, len(value))
        self._rows += 1

    def __iter__(self) -> Iterator[Any]:
        self._file.seek(0)
        return (json.loads(line) for line in self._file)

    def write(self, target: IO[bytes]) -> None:
        """Write an array of texts as `.npy`; all entries have room for the longest."""
        dtype = np.dtype(f"<U{max(1, self._longest)}")
        _header(target, dtype, (self._rows,))
        texts = iter(self)
        while chunk := list(islice(texts, _CHUNK)):
            target.write(np.array(chunk, dtype).tobytes())

    def close(self) -> None:
        """Give the disk's room back; closing twice is fine."""
        self._file.close()


def _header(target: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(target, header)
