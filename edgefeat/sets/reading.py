"""Reads every format back: what the rows have in common, their names, their vectors."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.model import codec
from edgefeat.sets.base import SetInfo
from edgefeat.sets.encoding import Store, Stored
from edgefeat.sets.manifest import RESTORE, read_manifest
from edgefeat.sets.text import sidecar_path

__all__ = ["read_set"]

Contents: TypeAlias = tuple[SetInfo, list[str], list[Stored]]


def read_set(path: Path) -> Contents:
    """Read a set that a sink wrote.

    Raises:
        SinkError: It is missing, damaged, foreign, or mixes fingerprints.
    """
    read = _read_folder if path.is_dir() else _READERS.get(path.suffix.lower())
    if read is None:
        raise SinkError(f"{path}: expected a folder or a file in {', '.join(_READERS)}.")
    try:
        info, paths, parts = read(path)
    except FileNotFoundError as error:
        raise SinkError(f"{error.filename}: no such file. A feature set needs it.") from error
    except OSError as error:
        raise SinkError(f"{path}: cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SinkError(f"{path}: not a feature set that edgefeat wrote: {error}") from error
    rows = sum(len(part) for part in parts)
    if rows != len(paths) or any(part.numbers.shape[1:] != (info.dim,) for part in parts):
        shapes = " + ".join(str(part.numbers.shape) for part in parts)
        raise SinkError(
            f"{path}: {len(paths)} names of vectors of {info.dim}, but arrays {shapes}. "
            "The files do not belong together: extract again."
        )
    return info, paths, parts


def _read_npz(path: Path) -> Contents:
    with np.load(path, allow_pickle=False) as archive:
        numbers = archive["features"]
        info = SetInfo(
            model=str(archive["model"]),
            fingerprint=str(archive["fingerprint"]),
            dim=numbers.shape[1],
            store=_store_of(numbers),
        )
        scales = archive["scales"] if info.store is Store.I8 else None
        return info, archive["paths"].tolist(), [Stored(numbers=numbers, scales=scales)]


def _read_npy(path: Path) -> Contents:
    info, paths = _read_sidecar(path)
    return info, paths, [Stored(numbers=np.load(path, mmap_mode="r", allow_pickle=False))]


def _read_csv(path: Path) -> Contents:
    info, paths = _read_sidecar(path)
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        rows = [np.array(cells[1:], np.float32) for cells in lines]
    numbers = np.stack(rows) if rows else np.empty((0, info.dim), np.float32)
    return info, paths, [Stored(numbers=numbers)]


def _read_json_lines(path: Path) -> Contents:
    paths: list[str] = []
    rows: list[Any] = []
    fingerprint = None
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            record = json.loads(line)
            if fingerprint not in (None, record["fingerprint"]):
                raise SinkError(
                    f"{path}: line {number}: fingerprint: the lines before have "
                    f"{fingerprint[:12]}, this one {record['fingerprint'][:12]}. Vectors of "
                    "different models or preprocessing cannot be compared: keep them in two files."
                )
            fingerprint = record["fingerprint"]
            paths.append(record["path"])
            rows.append(np.array(record["features"], np.float32))
    if fingerprint is None:
        raise SinkError(f"{path}: no rows, and so no fingerprint.")
    info = SetInfo(model="", fingerprint=fingerprint, dim=rows[0].size)
    return info, paths, [Stored(numbers=np.stack(rows))]


def _read_parquet(path: Path) -> Contents:
    from edgefeat.sets.parquet import read_parquet

    facts, paths, stored = read_parquet(path)
    return codec.read(SetInfo, facts), paths, [stored]


def _read_folder(path: Path) -> Contents:
    """Read the shards that the manifest counts; all but the vectors are held to their hash.

    Vectors are mapped, not read, and held to their length: `--resume` reads and checks them all.
    """
    manifest = read_manifest(path)
    paths: list[str] = []
    parts: list[Stored] = []
    for shard in manifest.shards:
        paths += json.loads(shard.paths.read(path))
        file = path / shard.features.name
        if file.stat().st_size != shard.features.size_bytes:
            raise SinkError(f"{file}: its length is not what the manifest says. {RESTORE}")
        numbers = np.load(file, mmap_mode="r", allow_pickle=False)
        scales = None
        if shard.scales is not None:
            scales = np.load(io.BytesIO(shard.scales.read(path)), allow_pickle=False)
        parts.append(Stored(numbers=numbers, scales=scales))
    info = SetInfo(
        model=manifest.model,
        fingerprint=manifest.fingerprint,
        dim=manifest.dim,
        store=manifest.store,
    )
    return info, paths, parts


def _read_sidecar(path: Path) -> tuple[SetInfo, list[str]]:
    facts = json.loads(sidecar_path(path).read_bytes())
    return codec.read(SetInfo, facts), list(facts["paths"])


def _store_of(numbers: np.ndarray[Any, Any]) -> Store:
    for store in Store:
        if numbers.dtype == store.dtype:
            return store
    raise ValueError(f"features: expected {', '.join(Store)}, got {numbers.dtype}")


_READERS: dict[str, Callable[[Path], Contents]] = {
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
