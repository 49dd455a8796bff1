"""Writes the files of one shard: arrays, names, stamps, and a stream's times."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.errors import SinkError
from edgefeat.sets.encoding import Stored, StoreLoss, encode
from edgefeat.sets.folder import SetFolder
from edgefeat.sets.frames import COLUMNS
from edgefeat.sets.info import SetInfo
from edgefeat.sets.manifest import ArrayFiles, FileRecord, ShardRecord
from edgefeat.sets.names import encode_name
from edgefeat.sets.stamps import FileStamp, write_stamps
from edgefeat.sets.stock import Place, Stock

__all__ = ["Row", "write_shard"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One row that is to be in a shard: new features, or a row that is there already.

    Args:
        path: What it is called.
        features: New features, flat, float32; None for a row that is there.
        place: Where the row is there; None for new features.
        stamp: What the picture's file was.
        frame: When a stream's frame was taken, by `frames.COLUMNS`.
        damage: What the decoder said of a damaged picture that it decoded all the same.
        touched: Whether the stamp is not the one that the row has in its shard.
    """

    path: str
    features: Features | None = None
    place: Place | None = None
    stamp: FileStamp | None = None
    frame: Mapping[str, Any] | None = None
    damage: str | None = None
    touched: bool = False


def write_shard(
    folder: SetFolder, number: int, info: SetInfo, stock: Stock, rows: Sequence[Row], failures: int
) -> ShardRecord:
    """Put a shard's files in place, and return the record that makes them count.

    Args:
        folder: Open and locked.
        number: The shard's place in the set.
        info: What the rows have in common.
        stock: Where rows are that are there already.
        rows: What the shard holds.
        failures: Pictures that it covers and that gave no features.

    Raises:
        SinkError: Numbers do not fit the form that they are kept in, or the disk is full.
    """
    stem = f"shard-{number:05}"
    names = json.dumps([encode_name(row.path) for row in rows], indent=0) + "\n"
    parts, loss = _parts(folder, info, stock, rows)
    arrays = []
    for i, (output, part) in enumerate(zip(info.outputs, parts, strict=True)):
        name = stem if len(parts) == 1 else f"{stem}.output-{i}"
        numbers = _put_array(folder, name, ".npy", part.numbers.reshape(-1, *output.shape))
        scales = None
        if part.scales is not None:
            scales = _put_array(folder, name, ".scales.npy", part.scales)
        arrays.append(ArrayFiles(numbers=numbers, scales=scales))
    frames = stamps = None
    if info.timed:
        columns = {name: [(row.frame or {})[name] for row in rows] for name in COLUMNS}
        frames = folder.put(stem, ".frames.json", (json.dumps(columns) + "\n").encode())
    elif any(row.stamp is not None for row in rows):
        stamps = folder.put(stem, ".files.json", write_stamps([row.stamp for row in rows]))
    return ShardRecord(
        rows=len(rows),
        sources=len(rows) + failures,
        paths=folder.put(stem, ".paths.json", names.encode()),
        arrays=tuple(arrays),
        frames=frames,
        stamps=stamps,
        loss=loss,
    )


def _parts(
    folder: SetFolder, info: SetInfo, stock: Stock, rows: Sequence[Row]
) -> tuple[list[Stored], StoreLoss | None]:
    """Return the rows of each output as they are kept, and the worst that it cost."""
    fresh = [row.features for row in rows if row.features is not None]
    flat = np.array(fresh, np.float32).reshape(-1, info.dim)
    try:
        encoded = [encode(part, info.store) for part in info.split(flat)]
    except SinkError as error:
        error.within(folder.path)
        raise
    losses = [part.loss for part in encoded]
    joined: list[list[Stored]] = [[] for _ in info.outputs]
    start = used = 0
    for row in rows:
        if row.place is None:
            used += 1
            continue
        _append(joined, encoded, slice(start, used))
        start = used
        kept, record = stock.stored(row.place)
        losses.append(record.loss)
        for parts, one in zip(joined, kept, strict=True):
            parts.append(one)
    _append(joined, encoded, slice(start, used))
    worst: StoreLoss | None = None
    for loss in losses:
        worst = worst if loss is None else loss.worst(worst)
    return [
        Stored.joined(parts) if parts else one for parts, one in zip(joined, encoded, strict=True)
    ], worst


def _append(joined: list[list[Stored]], encoded: Sequence[Stored], rows: slice) -> None:
    if rows.stop > rows.start:
        for parts, one in zip(joined, encoded, strict=True):
            parts.append(one.take(rows))


def _put_array(folder: SetFolder, stem: str, ending: str, array: NDArray[Any]) -> FileRecord:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return folder.put(stem, ending, file.getvalue())
