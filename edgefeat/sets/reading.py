"""Reads back whatever any edgefeat command wrote, and says what is wrong with what it is not."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.places.opening import open_place
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Stored
from edgefeat.sets.folder import tail_name
from edgefeat.sets.frames import COLUMNS, Frames
from edgefeat.sets.info import OutputInfo, SetInfo
from edgefeat.sets.manifest import (
    MANIFEST,
    RESTORE,
    ArrayFiles,
    Manifest,
    ShardRecord,
    read_manifest,
)
from edgefeat.sets.names import decode_name
from edgefeat.sets.tail import read_tail

__all__ = ["read_place", "read_set"]

_AGAIN = "Copy the file again, or extract again."


def read_set(path: Path, *, skip_damaged: bool = False) -> SetContents:
    """Read a set that a sink wrote.

    Args:
        path: A file or folder.
        skip_damaged: Whether to leave out the damaged shards of a folder, with a warning.

    Raises:
        DependencyError: It is a Parquet file, and pyarrow is missing.
        SinkError: It is missing, damaged, foreign, or mixes fingerprints.
    """
    if not path.exists():
        raise SinkError("no such file", where=path, remedy="Check the path.")
    folder = partial(_read_folder, skip_damaged=skip_damaged)
    lines = path.name.lower().endswith(_COMPRESSED_LINES)
    read = folder if path.is_dir() else _reader(".jsonl" if lines else path.suffix.lower())
    if read is None:
        raise SinkError(
            f"expected a folder or a file ending in {', '.join(_ENDINGS)}",
            where=path,
            remedy="Name what `edgefeat extract` or `edgefeat stream` wrote.",
        )
    try:
        contents = read(path)
        _check(contents)
    except SinkError as error:
        if error.where is None:
            error.within(path)
        raise
    except FileNotFoundError as error:
        problem = f"{Path(error.filename or path).name}, a part of it, is missing"
        raise SinkError(problem, where=path, remedy=_AGAIN) from error
    except OSError as error:
        raise SinkError(
            f"cannot be read: {error.strerror or error}", where=path, remedy=_AGAIN
        ) from error
    except KeyError as error:
        problem = f"not a feature set that edgefeat wrote: it has no {error}"
        raise SinkError(problem, where=path, remedy=_AGAIN) from error
    except (TypeError, ValueError, EOFError, RecursionError, zipfile.BadZipFile) as error:
        problem = f"not a feature set that edgefeat wrote: {error}"
        raise SinkError(problem, where=path, remedy=_AGAIN) from error
    return contents


_COMPRESSED_LINES = ".jsonl.gz"
_ENDINGS = (".npz", ".npy", ".csv", ".jsonl", _COMPRESSED_LINES, ".parquet")


def _reader(suffix: str) -> Callable[[Path], SetContents] | None:
    if suffix in (".npz", ".npy"):
        from edgefeat.sets import arrays

        return arrays.read_npz if suffix == ".npz" else arrays.read_npy
    if suffix == ".csv":
        from edgefeat.sets.csv_file import read_csv

        return read_csv
    if suffix == ".jsonl":
        from edgefeat.sets.json_lines import read_json_lines

        return read_json_lines
    if suffix == ".parquet":
        from edgefeat.sets.parquet import read_parquet

        return read_parquet
    return None


def _check(contents: SetContents) -> None:
    """Raise if names, facts and arrays do not belong together."""
    rows = len(contents.paths)
    lengths = [sum(map(len, parts)) for parts in contents.columns]
    if contents.frames is not None:
        lengths.append(len(contents.frames))
    for output, parts in zip(contents.info.outputs, contents.columns, strict=True):
        shapes = " + ".join(str(part.numbers.shape) for part in parts)
        fits = all(part.numbers.shape[1:] == (output.size,) for part in parts)
        if not fits or any(length != rows for length in lengths):
            raise SinkError(
                f"{rows} names of vectors of {output.size}, but arrays {shapes}",
                remedy="The files do not belong together: extract again.",
            )


def read_place(url: str) -> SetContents:
    """Read the set of Parquet files behind a URL.

    Raises:
        DependencyError: pyarrow, fsspec or the package of the URL's scheme is missing.
        SinkError: It is missing, damaged, foreign, or mixes fingerprints.
        SourceError: The store does not answer.
    """
    from edgefeat.sets.part_set import read_parts

    place = open_place(url)
    try:
        contents = read_parts(place)
        _check(contents)
    except SinkError as error:
        if error.where is None:
            error.within(place.name)
        raise
    except (KeyError, TypeError, ValueError) as error:
        problem = f"not a feature set that edgefeat wrote: {error}"
        raise SinkError(problem, where=place.name, remedy=_AGAIN) from error
    return contents


def _read_folder(path: Path, *, skip_damaged: bool) -> SetContents:
    """Read a folder of shards, which another process may be changing, or of Parquet files."""
    if (
        not (path / MANIFEST).exists()
        and any(path.glob("*.parquet")) | (path / "plan.json").exists()
    ):
        from edgefeat.sets.part_set import read_parts

        return read_parts(open_place(str(path)))
    manifest = read_manifest(path)
    while True:
        try:
            return _read_shards(path, manifest, skip_damaged=skip_damaged)
        except (SinkError, OSError):
            before, manifest = manifest, read_manifest(path)
            if manifest == before:  # else a writer has just taken away what it no longer counts
                raise


def _read_shards(path: Path, manifest: Manifest, *, skip_damaged: bool) -> SetContents:
    """Read the shards that the manifest counts; all but the numbers are held to their hash.

    Numbers are mapped, not read, and held to their length: `check_set` reads and checks them all.
    """
    info = manifest.info
    paths: list[str] = []
    frames: list[Frames] = []
    columns: list[list[Stored]] = [[] for _ in info.outputs]
    left_out = 0
    for shard in manifest.shards:
        try:
            names, times, parts = _read_shard(path, info, shard)
        except (SinkError, OSError, KeyError, TypeError, ValueError):
            if not skip_damaged:
                raise
            left_out += shard.rows
            continue
        paths += names
        frames += times
        for column, part in zip(columns, parts, strict=True):
            column.append(part)
    if left_out:
        warnings.warn(
            f"{path}: {left_out} rows of damaged shards were left out; resume or sync the set.",
            stacklevel=2,
        )
    _read_tail(path, manifest, paths, frames, columns)
    return SetContents(
        info=info,
        paths=paths,
        frames=Frames.joined(frames) if info.timed else None,
        columns=columns,
    )


def _read_shard(
    path: Path, info: SetInfo, shard: ShardRecord
) -> tuple[list[str], list[Frames], list[Stored]]:
    names = [decode_name(name) for name in json.loads(shard.paths.read(path))]
    times = []
    if shard.frames is not None:
        times = [Frames.of_columns(json.loads(shard.frames.read(path)))]
    parts = [
        _read_array(path, output, files)
        for output, files in zip(info.outputs, shard.arrays, strict=True)
    ]
    return names, times, parts


def _read_array(folder: Path, output: OutputInfo, files: ArrayFiles) -> Stored:
    file = folder / files.numbers.name
    if file.stat().st_size != files.numbers.size_bytes:
        raise SinkError("its length is not what the manifest says", where=file, remedy=RESTORE)
    numbers = np.load(file, mmap_mode="r", allow_pickle=False)
    if numbers.shape[1:] != output.shape:
        raise SinkError(
            f"expected rows of shape {output.shape}, got {numbers.shape[1:]}",
            where=file,
            remedy=RESTORE,
        )
    scales, sha256 = None, files.numbers.sha256
    if files.scales is not None:
        scales = np.load(io.BytesIO(files.scales.read(folder)), allow_pickle=False)
        sha256 += files.scales.sha256
    flat = numbers.reshape(len(numbers), output.size)
    return Stored(numbers=flat, scales=scales, sha256=sha256)


def _read_tail(
    folder: Path,
    manifest: Manifest,
    paths: list[str],
    frames: list[Frames],
    columns: list[list[Stored]],
) -> None:
    """Add the rows that are in no shard yet."""
    tail = folder / tail_name(len(manifest.shards))
    if not tail.exists():
        return
    if not manifest.timed:
        for row in read_tail(tail, manifest.info):
            if row.features is not None:
                paths.append(row.path)
                flat = manifest.info.split(row.features[np.newaxis])
                for column, numbers in zip(columns, flat, strict=True):
                    column.append(Stored(numbers=numbers))
        return
    from edgefeat.sets.json_lines import read_lines

    try:
        lines = list(read_lines(tail))
    except SinkError as error:
        error.within(tail)
        raise
    if not lines:
        return
    if lines[0].info.fingerprint != manifest.fingerprint:
        raise SinkError("features of another model", where=tail, remedy=RESTORE)
    paths += [line.path for line in lines]
    facts = [line.frame or {} for line in lines]
    frames.append(Frames.of_columns({name: [row[name] for row in facts] for name in COLUMNS}))
    for i, parts in enumerate(columns):
        parts.append(Stored.joined([line.rows[i] for line in lines]))
