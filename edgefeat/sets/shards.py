"""A folder of shards that survives a kill at any moment.

    OUT/manifest.json               what belongs to the set; written last, after every shard
    OUT/shard-00000.npy             vectors (n, D), or maps (n, H, W, C)
    OUT/shard-00000.scales.npy      float32 (n,), where numbers are int8
    OUT/shard-00000.output-0.npy    in the place of shard-00000.npy, where several outputs are kept:
                                    one file for each, in the manifest's order
    OUT/shard-00000.paths.json      what the rows are called
    OUT/shard-00000.frames.json     when a stream's frames were taken
    OUT/shard-00001.tail.jsonl      a stream's rows since the last shard, one JSON line each
    OUT/errors.jsonl                the pictures that gave no features, and why

A shard covers a fixed number of pictures, so that a run that was killed and resumed cuts where one
that never stopped does, and the two folders are equal byte for byte. Pictures that were in no shard
yet are done again. A stream's frames cannot be had again: they are in the tail at once.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.errors import OptionError, SinkError
from edgefeat.sets.encoding import Store, StoreLoss, encode
from edgefeat.sets.folder import SetFolder, tail_name
from edgefeat.sets.frames import COLUMNS, frame_facts
from edgefeat.sets.info import SetInfo
from edgefeat.sets.json_lines import JsonLinesStreamSink, read_lines
from edgefeat.sets.manifest import ArrayFiles, FileRecord, ShardRecord
from edgefeat.sets.names import encode_name
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.sink import SinkBase, SinkSummary

__all__ = ["ShardSink", "default_shard_sources"]

_SHARD_BYTES = 16 * 2**20
_MAX_SOURCES = 1024


def default_shard_sources(info: SetInfo, batch: int) -> int:
    """Return how many pictures a shard covers: at most 1024 or 16 MiB, in whole batches."""
    fitting = min(_MAX_SOURCES, max(1, _SHARD_BYTES // (4 * info.dim)))
    return max(1, fitting // batch) * batch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One record that is in no shard yet.

    Attributes:
        path: Name of the picture.
        features: Flat features, float32.
        frame: When the frame was taken, for a stream; None for a picture.
    """

    path: str
    features: Features
    frame: Mapping[str, Any] | None


class ShardSink(SinkBase):
    """Takes records and failures in order, and commits them a shard at a time.

    Args:
        folder: Made if it is missing; locked while open.
        info: What the rows have in common.
        resume: Whether to go on with a set that is there.
        overwrite: Whether a set that is there goes. Without either one, a set is refused.
        live: Whether records cannot be made again, and so are brought to the disk at once.
        batch: Pictures per inference, which float models' last digits may depend on.
        shard_size: Pictures a shard covers; None takes the set's own or a default.

    Raises:
        OptionError: `shard_size` is not whole batches.
        SinkError: The folder holds something else, or a set of another fingerprint.
    """

    def __init__(
        self,
        folder: Path,
        info: SetInfo,
        *,
        resume: bool = False,
        overwrite: bool = False,
        live: bool = False,
        batch: int = 1,
        shard_size: int | None = None,
    ) -> None:
        if shard_size is not None and shard_size % batch:
            raise OptionError(
                f"expected a multiple of the batch of {batch} pictures, got {shard_size}",
                option="shard_size",
            )
        self._folder = SetFolder(
            folder,
            info,
            resume=resume,
            overwrite=overwrite,
            batch=batch,
            shard_sources=shard_size,
            default_sources=default_shard_sources(info, batch),
        )
        self._info, self._live = info, live
        self._tail: JsonLinesStreamSink | None = None
        self._rows: list[_Row] = []
        self._failures: list[Failure] = []
        if live:
            self._take_up_tail()
        self._resumed = self._folder.manifest.rows + len(self._rows)

    def pending(self, paths: Sequence[str]) -> list[str]:
        """Return the pictures still to be done, each once, in order.

        Raises:
            SinkError: The set is unfinished and was made from other pictures.
        """
        done = self._folder.done
        known = done.intersection(paths)
        if done and not known and not self._folder.manifest.complete:
            raise SinkError(
                f"unfinished, and not one of its {len(done)} pictures is among the sources given "
                f"now; it has, for example, {min(done)!r}",
                where=self._folder.path,
                remedy="Resume with the same sources, spelled alike, from the same working folder.",
            )
        return [path for path in dict.fromkeys(paths) if path not in known]

    def write(self, record: FeatureRecord) -> None:
        """Take one record."""
        try:
            features = self._info.flat(record)
            if self._live:
                self._open_tail().write(record)
        except SinkError as error:
            if error.where is None:
                error.within(self._folder.path)
            raise
        frame = frame_facts(record) if self._info.timed else None
        self._rows.append(_Row(path=record.path, features=features, frame=frame))
        self._flush_if_full()

    def fail(self, failure: Failure) -> None:
        """Take one failure; one that the ledger has already is not taken again."""
        if failure.path not in self._folder.done:
            self._failures.append(failure)
            self._flush_if_full()

    def commit(self) -> None:
        """Write the last, partial shard and mark the set complete."""
        if self._rows or self._failures:
            self._flush()
        self._folder.finish()

    def summary(self) -> SinkSummary:
        """Count what stands in the folder."""
        manifest = self._folder.manifest
        return SinkSummary(
            rows=manifest.rows + (len(self._rows) if self._live else 0),
            resumed=self._resumed,
            failures=manifest.failures,
            loss=manifest.loss,
        )

    def close(self) -> None:
        """Drop what is not on the disk yet and unlock the folder; closing twice is fine."""
        if not self._live:
            self._rows.clear()
        self._failures.clear()
        if self._tail is not None:
            self._tail.close()
        self._folder.close()

    def _flush_if_full(self) -> None:
        if len(self._rows) + len(self._failures) >= self._folder.manifest.shard_sources:
            self._flush()

    def _flush(self) -> None:
        number = len(self._folder.manifest.shards)
        stem, put = f"shard-{number:05}", self._folder.put
        paths = [row.path for row in self._rows]
        written = json.dumps([encode_name(path) for path in paths], indent=0) + "\n"
        arrays, loss = self._put_arrays(stem)
        frames = None
        if self._info.timed:
            columns = {name: [(row.frame or {})[name] for row in self._rows] for name in COLUMNS}
            frames = put(f"{stem}.frames.json", (json.dumps(columns) + "\n").encode())
        shard = ShardRecord(
            rows=len(paths),
            sources=len(paths) + len(self._failures),
            paths=put(f"{stem}.paths.json", written.encode()),
            arrays=arrays,
            frames=frames,
            loss=loss,
        )
        self._folder.add(shard, paths, self._failures)
        self._rows.clear()
        self._failures.clear()
        if self._tail is not None:
            self._tail.close()
            self._tail = None
        (self._folder.path / tail_name(number)).unlink(missing_ok=True)

    def _put_arrays(self, stem: str) -> tuple[tuple[ArrayFiles, ...], StoreLoss | None]:
        """Write the arrays of a shard; return their files and the worst loss."""
        files: list[ArrayFiles] = []
        worst: StoreLoss | None = None
        outputs = self._info.outputs
        flat = np.array([row.features for row in self._rows], np.float32)
        parts = self._info.split(flat.reshape(-1, self._info.dim))
        for i, (output, part) in enumerate(zip(outputs, parts, strict=True)):
            try:
                stored = encode(part, self._info.store)
            except SinkError as error:
                error.within(self._folder.path)
                raise
            worst = worst if stored.loss is None else stored.loss.worst(worst)
            name = stem if len(outputs) == 1 else f"{stem}.output-{i}"
            numbers = stored.numbers.reshape(-1, *output.shape)
            scales = None
            if stored.scales is not None:
                scales = self._put_npy(f"{name}.scales.npy", stored.scales)
            files.append(ArrayFiles(numbers=self._put_npy(f"{name}.npy", numbers), scales=scales))
        return tuple(files), worst

    def _put_npy(self, name: str, array: NDArray[Any]) -> FileRecord:
        file = io.BytesIO()
        np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
        return self._folder.put(name, file.getvalue())

    def _open_tail(self) -> JsonLinesStreamSink:
        if self._tail is None:
            path = self._folder.path / tail_name(len(self._folder.manifest.shards))
            exact = replace(self._info, store=Store.F32)  # a shard is encoded from exact numbers
            self._tail = JsonLinesStreamSink(path, exact, resume=True, packed=True)
        return self._tail

    def _take_up_tail(self) -> None:
        """Go on with the rows that a killed stream left after its last shard."""
        path = self._folder.path / tail_name(len(self._folder.manifest.shards))
        if not path.exists():
            return
        self._open_tail()  # which takes a cut line away
        for line in read_lines(path):
            features = np.concatenate([row.numbers[0] for row in line.rows])
            self._rows.append(_Row(path=line.path, features=features, frame=line.frame))
        self._flush_if_full()
