"""Writes feature sets to files: whole or not at all, never more than a row in memory.

A sink takes one named vector at a time and spools it beside its target; `commit` puts the finished
file in place with one rename. Until then a file that was there before stays as it was.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self, TextIO

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SinkError

__all__ = ["FORMATS", "ListSink", "SetInfo", "Sink", "open_sink", "write_record"]

Features = NDArray[np.float32]
FORMATS = (".npz", ".npy", ".csv", ".jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInfo:
    """What every row of a set has in common."""

    model: str
    fingerprint: str
    dim: int


class Sink(Protocol):
    """Takes named vectors in order; leaves nothing behind unless committed."""

    def write(self, name: str, features: Features) -> None:
        """Take one vector: float32 `(D,)`."""

    def commit(self) -> None:
        """Put the finished set in place."""

    def close(self) -> None:
        """Give up whatever was not committed; closing twice is fine."""


class ListSink:
    """Keeps the rows in a list: for tests and small programs."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Features]] = []
        self.committed = False

    def write(self, name: str, features: Features) -> None:
        """Take one vector."""
        self.rows.append((name, features))

    def commit(self) -> None:
        """Say that the set is whole."""
        self.committed = True

    def close(self) -> None:
        """Do nothing: a list needs no closing."""


def open_sink(path: Path, info: SetInfo) -> FileSink:
    """Open the sink that goes with a file's suffix.

    Raises:
        SinkError: Unknown suffix, or a folder that is missing or cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise SinkError(f"{path}: expected a file ending in {', '.join(FORMATS)}, got {suffix!r}.")
    if path.is_dir():
        raise SinkError(f"{path}: a folder, expected a file. Name a file inside it.")
    if suffix in (".npz", ".npy"):
        return _NumpySink(path, info)
    return _CsvSink(path, info) if suffix == ".csv" else _JsonLinesSink(path, info)


def write_record(stream: TextIO, name: str, features: Features, info: SetInfo) -> None:
    """Write one JSON line: path, fingerprint and features."""
    record = {"path": name, "fingerprint": info.fingerprint, "features": _numbers(features)}
    stream.write(json.dumps(record) + "\n")


class FileSink:
    """What the file formats share: a spool beside the target, and one rename at the end."""

    def __init__(self, path: Path, info: SetInfo) -> None:
        self._path, self._info = path, info
        self._names: list[str] = []
        with _explained(path):
            self._spool = _temporary(path)

    def write(self, name: str, features: Features) -> None:
        """Take one vector: float32 `(D,)`."""
        if features.shape != (self._info.dim,):
            raise ValueError(f"features: expected shape ({self._info.dim},), got {features.shape}")
        with _explained(self._path):
            self._put(name, features)
        self._names.append(name)

    def commit(self) -> None:
        """Put the finished set in place."""
        with _explained(self._path):
            self._finish()
            _rename(self._spool, self._path)

    def close(self) -> None:
        """Remove the spool unless it was committed."""
        with suppress(OSError):  # the disk may be full, but this file is given up anyway
            self._spool.close()
        Path(self._spool.name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _put(self, name: str, features: Features) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        """Complete the spool before it is renamed."""

    def _sidecar(self) -> None:
        """Say beside formats without room for it what the rows are."""
        facts = {**asdict(self._info), "rows": len(self._names), "paths": self._names}
        path = self._path.with_name(self._path.name + ".json")
        with _temporary(path) as spool:
            spool.write(json.dumps(facts, indent=1).encode())
            _rename(spool, path)


class _JsonLinesSink(FileSink):
    def _put(self, name: str, features: Features) -> None:
        text = io.StringIO()
        write_record(text, name, features, self._info)
        self._spool.write(text.getvalue().encode())


class _CsvSink(FileSink):
    def _put(self, name: str, features: Features) -> None:
        if not self._names:
            self._row(["path", *(f"f{i:04}" for i in range(self._info.dim))])
        self._row([name, *_numbers(features)])

    def _row(self, cells: list[object]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        self._spool.write(text.getvalue().encode("utf-8", "surrogateescape"))

    def _finish(self) -> None:
        self._sidecar()


class _NumpySink(FileSink):
    """Spools raw rows; the header, which needs their count, is written at the end."""

    def _put(self, name: str, features: Features) -> None:
        self._spool.write(np.ascontiguousarray(features, "<f4").tobytes())

    def _finish(self) -> None:
        raw = self._spool
        self._spool = _temporary(self._path)
        try:
            if self._path.suffix.lower() == ".npy":
                self._copy_array(raw, self._spool)
                self._sidecar()
            else:
                self._fill_archive(raw)
        finally:
            raw.close()
            Path(raw.name).unlink(missing_ok=True)

    def _copy_array(self, raw: IO[bytes], target: IO[bytes]) -> None:
        shape = (len(self._names), self._info.dim)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(target, header)
        raw.seek(0)
        shutil.copyfileobj(raw, target)

    def _fill_archive(self, raw: IO[bytes]) -> None:
        texts = {
            "paths": np.array(self._names, dtype=np.str_),
            "model": np.array(self._info.model),
            "fingerprint": np.array(self._info.fingerprint),
        }
        with zipfile.ZipFile(self._spool, "w") as archive:
            with archive.open("features.npy", "w", force_zip64=True) as member:
                self._copy_array(raw, member)
            for name, array in texts.items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)


def _numbers(features: Features) -> list[float]:
    """Return the shortest decimals that read back as the same float32."""
    return [float(str(number)) for number in features]


def _temporary(path: Path) -> IO[bytes]:
    return tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
    )


def _rename(spool: IO[bytes], path: Path) -> None:
    spool.flush()
    os.fsync(spool.fileno())
    spool.close()
    mask = os.umask(0)
    os.umask(mask)
    Path(spool.name).chmod(0o666 & ~mask)  # temporary files are private; the result need not be
    Path(spool.name).replace(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says into what the user can do."""
    try:
        yield
    except FileNotFoundError as error:
        raise SinkError(f"{path}: the folder {path.parent} does not exist. Create it.") from error
    except OSError as error:
        raise SinkError(
            f"{path}: cannot be written: {error.strerror}. Nothing was replaced; "
            "free some space or choose another place."
        ) from error
