"""A set as it is stored: names, facts, and for each output its numbers in one or more parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.sets.encoding import Stored
from edgefeat.sets.frames import Frames
from edgefeat.sets.info import SetInfo
from edgefeat.sets.record import FeatureRecord

__all__ = ["SetContents"]

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SetContents:
    """A set as it is stored.

    Attributes:
        info: What the rows have in common.
        paths: What each row is called.
        frames: When the frames were taken; None for pictures.
        columns: For each output of `info.outputs` its rows, in one or more parts. All outputs are
            cut into parts at the same rows.
    """

    info: SetInfo
    paths: Sequence[str]
    frames: Frames | None
    columns: Sequence[Sequence[Stored]]

    def __len__(self) -> int:
        return len(self.paths)

    def blocks(self, size: int) -> Iterator[Features]:
        """Yield the rows, all outputs side by side, at most `size` at a time: float32 `(n, D)`."""
        for parts in zip(*self.columns, strict=True):
            for start in range(0, len(parts[0]), size):
                decoded = [part.decode(start, start + size) for part in parts]
                yield decoded[0] if len(decoded) == 1 else np.concatenate(decoded, axis=1)

    def take(self, rows: Rows) -> SetContents:
        """Return some of the rows; those that follow each other are not copied."""
        follow = len(rows) > 0 and bool((np.diff(rows) == 1).all())
        pick = _cut if follow else _gather
        return replace(
            self,
            paths=[self.paths[row] for row in rows],
            frames=None if self.frames is None else self.frames.take(rows),
            columns=[pick(column, rows) for column in self.columns],
        )

    def records(self, size: int) -> Iterator[FeatureRecord]:
        """Yield every row; `size` at a time become float32."""
        info = self.info
        rows = (row for block in self.blocks(size) for row in block)
        for number, (path, flat) in enumerate(zip(self.paths, rows, strict=True)):
            facts = {"index": number} if self.frames is None else self.frames.facts(number)
            parts = zip(info.outputs, info.split(flat), strict=True)
            yield FeatureRecord(
                name=path,
                features=flat.reshape(info.shape),
                outputs={output.name: part.reshape(output.shape) for output, part in parts},
                fingerprint=info.fingerprint,
                **facts,
            )


def _cut(column: Sequence[Stored], rows: Rows) -> list[Stored]:
    """Return the parts of rows that follow each other."""
    first, last = int(rows[0]), int(rows[-1]) + 1
    parts, start = [], 0
    for part in column:
        begin, end = max(first - start, 0), min(last - start, len(part))
        if begin < end:
            parts.append(part.take(slice(begin, end)))
        start += len(part)
    return parts


def _gather(column: Sequence[Stored], rows: Rows) -> list[Stored]:
    """Return any rows in any order, as one part."""
    forms = {(part.numbers.dtype, part.scales is None) for part in column}
    parts = column if len(forms) == 1 else [Stored(numbers=part.decode()) for part in column]
    if not len(rows) or not parts:
        return []
    ends = np.cumsum([len(part) for part in parts])
    of_part = np.searchsorted(ends, rows, side="right")
    numbers = np.empty((len(rows), parts[0].numbers.shape[1]), parts[0].numbers.dtype)
    scales = None if parts[0].scales is None else np.empty(len(rows), np.float32)
    for i in np.unique(of_part):
        here = of_part == i
        found = parts[i].take(rows[here] - (ends[i] - len(parts[i])))
        numbers[here] = found.numbers
        if scales is not None:
            scales[here] = found.scales
    return [Stored(numbers=numbers, scales=scales)]
