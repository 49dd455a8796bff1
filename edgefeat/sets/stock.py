"""Vectors that earlier runs left in a folder, found by the names of their pictures.

Every file is held to its hash. What is damaged is left out: its pictures are done again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.sets.encoding import Stored
from edgefeat.sets.folder import SPARE_TAIL, SetFolder, tail_name
from edgefeat.sets.info import SetInfo
from edgefeat.sets.manifest import ArrayFiles, FileRecord, Manifest, ShardRecord
from edgefeat.sets.names import decode_name
from edgefeat.sets.record import Failure
from edgefeat.sets.stamps import FileStamp, Stamps, read_stamps
from edgefeat.sets.tail import LooseRow, read_tail

__all__ = ["Place", "ShardThere", "Stock"]

_ROW_BITS = 32
_MOST_OPEN = 16  # shards whose arrays are mapped
Place = int
"""A row of a shard: the shard's number in the stock, and the row's in the shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardThere:
    """A shard that is there.

    Args:
        record: What the manifest says of it.
        names: What its rows are called; empty where that file is damaged.
        stamps: What their files were.
        fault: What is damaged; None if all is whole.
    """

    record: ShardRecord
    names: Sequence[str]
    stamps: Stamps
    fault: SinkError | None


class Stock:
    """What a folder holds when a run begins.

    Args:
        folder: Open and locked.
        info: What the rows have in common.

    Attributes:
        shards: Shards of the set in order, then the spare ones.
        set_shards: How many of them are the set's.
        failures: For each shard of the set, the pictures that it gave no features for.
        failures_by_name: All these failures by the name of the picture.
        damages: What decoders said of damaged pictures, by name.
        ledger_fault: What is damaged of the ledger; None if it is whole.
        loose: Rows that are in no shard yet, in order.
        spare_loose: Rows that a sync had made when it was cut short.
    """

    def __init__(self, folder: SetFolder, info: SetInfo) -> None:
        manifest = folder.manifest
        self._folder, self._info = folder.path, info
        records = (*manifest.shards, *manifest.spare)
        self.set_shards = len(manifest.shards)
        self.shards = [_look_at(record, folder.path) for record in records]
        self._read_ledger(folder)
        self.loose, self.spare_loose = self._read_tails(manifest)
        self._loose_by_name = {row.path: row for row in (*self.loose, *self.spare_loose)}
        self._open: dict[int, list[Stored]] = {}
        self._places: dict[str, Place] = {}
        self._spare_places: dict[str, Place] = {}
        for number, shard in enumerate(self.shards):
            places = self._places if number < self.set_shards else self._spare_places
            if shard.fault is None:
                for row, name in enumerate(shard.names):
                    places[name] = self.place(number, row)

    def names(self) -> Iterator[str]:
        """Yield the names of the set: of its rows, and of the pictures that failed."""
        for number, shard in enumerate(self.shards[: self.set_shards]):
            yield from shard.names
            yield from (failure.path for failure in self.failures[number])
        yield from (row.path for row in self.loose)

    @staticmethod
    def place(number: int, row: int) -> Place:
        """Return the place of a row of a shard."""
        return (number << _ROW_BITS) | row

    def of_the_set(self, name: str) -> Place | None:
        """Return where the set has a picture."""
        return self._places.get(name)

    def spare(self, name: str) -> Place | None:
        """Return where a sync that was cut short has put a picture."""
        return self._spare_places.get(name)

    def loose_row(self, name: str) -> LooseRow | None:
        """Return a picture's row that is in no shard yet."""
        return self._loose_by_name.get(name)

    def stamp(self, place: Place) -> FileStamp | None:
        """Return what a row's file was."""
        number, row = divmod(place, 1 << _ROW_BITS)
        return self.shards[number].stamps[row]

    def whole_shard(self, places: Sequence[Place]) -> ShardRecord | None:
        """Return the shard whose rows these are, all of them, in order; None if there is none."""
        if not places or min(places) < 0:
            return None
        first = places[0]
        record = self.shards[first >> _ROW_BITS].record
        return record if list(places) == list(range(first, first + record.rows)) else None

    def stored(self, place: Place) -> tuple[list[Stored], ShardRecord]:
        """Return a row of each output as it is kept, and the shard that it is from."""
        number, row = divmod(place, 1 << _ROW_BITS)
        if number not in self._open:
            if len(self._open) == _MOST_OPEN:
                self._open.pop(next(iter(self._open)))
            self._open[number] = self._load(self.shards[number].record)
        rows = slice(row, row + 1)
        return [part.take(rows) for part in self._open[number]], self.shards[number].record

    def _load(self, record: ShardRecord) -> list[Stored]:
        return [
            _array(self._folder, files, output.size)
            for output, files in zip(self._info.outputs, record.arrays, strict=True)
        ]

    def _read_ledger(self, folder: SetFolder) -> None:
        self.failures: list[list[Failure]] = [[] for _ in range(self.set_shards)]
        self.failures_by_name: dict[str, Failure] = {}
        self.damages: dict[str, str] = {}
        self.ledger_fault: SinkError | None = None
        try:
            lines = [json.loads(line) for line in folder.ledger().splitlines()]
        except SinkError as error:
            self.ledger_fault = error
            return
        damaged = [line for line in lines if "damaged" in line]
        self.damages = {decode_name(line["path"]): line["damaged"] for line in damaged}
        failed = iter(
            Failure(path=decode_name(line["path"]), reason=line["reason"])
            for line in lines
            if "reason" in line
        )
        for shard, failures in zip(self.shards, self.failures, strict=False):
            count = shard.record.sources - shard.record.rows
            failures += [failure for _, failure in zip(range(count), failed, strict=False)]
        self.failures_by_name = {one.path: one for several in self.failures for one in several}

    def _read_tails(self, manifest: Manifest) -> tuple[list[LooseRow], list[LooseRow]]:
        if manifest.timed:  # a stream goes on with its tail by itself
            return [], []
        loose = self._folder / tail_name(len(manifest.shards))
        spare = self._folder / SPARE_TAIL
        rows = []
        for path, multiple_of in ((loose, manifest.batch), (spare, 1)):
            try:
                rows.append(read_tail(path, self._info, multiple_of=multiple_of))
            except (KeyError, TypeError, ValueError) as error:
                raise SinkError(
                    f"not rows that edgefeat wrote: {error}",
                    where=path,
                    remedy="Remove it: its pictures are then done again.",
                ) from error
        return rows[0], rows[1]


def _look_at(record: ShardRecord, folder: Path) -> ShardThere:
    names: list[str] = []
    stamps = Stamps.missing(0)
    fault = None
    for file in record.files:
        try:
            content = file.read(folder)
        except SinkError as error:
            fault = error
            continue
        if file == record.paths:
            names = [decode_name(name) for name in json.loads(content)]
        elif file == record.stamps:
            stamps = read_stamps(content)
    if not len(stamps):
        stamps = Stamps.missing(record.rows)
    return ShardThere(record=record, names=names, stamps=stamps, fault=fault)


def _array(folder: Path, files: ArrayFiles, size: int) -> Stored:
    numbers = np.load(folder / files.numbers.name, mmap_mode="r", allow_pickle=False)
    scales = None if files.scales is None else _load_small(folder, files.scales)
    return Stored(numbers=numbers.reshape(len(numbers), size), scales=scales)


def _load_small(folder: Path, file: FileRecord) -> np.ndarray:
    loaded: np.ndarray = np.load(io.BytesIO(file.read(folder)), allow_pickle=False)
    return loaded
