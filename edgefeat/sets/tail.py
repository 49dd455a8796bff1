"""Rows of pictures that are in no shard yet, on the disk all the same: one JSON line each.

A shard covers a fixed number of pictures, which take a slow device long. So that a kill costs
seconds of work and not a whole shard, rows are written here from time to time, exactly (float32),
and removed once their shard is there. A line with a `reason` is a picture that gave no features.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefeat.arrays import Features
from edgefeat.atomic import explained
from edgefeat.model import codec
from edgefeat.options.output import Store
from edgefeat.sets.info import SetInfo
from edgefeat.sets.json_line import encode_line, parse_line
from edgefeat.sets.matching import check_same
from edgefeat.sets.names import decode_name
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.stamps import FileStamp

__all__ = ["LooseRow", "Tail", "cut_tail", "read_tail"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LooseRow:
    """One picture that is in no shard yet.

    Args:
        path: What it is called.
        features: Features of the picture, flat, float32; None if it gave none.
        stamp: What its file was when it was read.
        damage: What the decoder said of a damaged picture that it decoded all the same.
        frame: When a stream's frame was taken, by `frames.COLUMNS`.
        reason: Why it gave no features.
    """

    path: str
    features: Features | None = None
    stamp: FileStamp | None = None
    damage: str | None = None
    frame: Mapping[str, Any] | None = None
    reason: str | None = None


class Tail:
    """The file that holds them; made with the first row that is saved.

    Args:
        path: Where it is.
        info: What the rows have in common.
    """

    def __init__(self, path: Path, info: SetInfo) -> None:
        self.path = path
        self._exact = replace(info, store=Store.F32)  # a shard is encoded from exact numbers

    def save(self, rows: Sequence[LooseRow]) -> None:
        """Add rows, and bring them to the disk.

        Raises:
            SinkError: They cannot be written.
        """
        lines = b"".join(self._line(row) for row in rows)
        with explained(self.path), self.path.open("ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """Remove the file, if it is there."""
        self.path.unlink(missing_ok=True)

    def _line(self, row: LooseRow) -> bytes:
        if row.features is None:
            return Failure(path=row.path, reason=row.reason or "").to_json().encode()
        record = FeatureRecord(
            features=row.features.reshape(self._exact.shape),
            index=0,
            fingerprint=self._exact.fingerprint,
            name=row.path,
        )
        line = json.loads(encode_line(record, self._exact, packed=True)[0])
        facts = {"stamp": row.stamp, "damage": row.damage}
        known = {name: codec.write(fact) for name, fact in facts.items() if fact is not None}
        return json.dumps({**line, **known}).encode() + b"\n"


def read_tail(path: Path, info: SetInfo, *, multiple_of: int = 1) -> list[LooseRow]:
    """Read the rows of a tail; what a kill cut short is left out.

    Args:
        path: A tail of pictures, which may be missing.
        info: What the rows must have in common.
        multiple_of: Leave out the last rows where their number is no multiple of this: batches
            then begin where those of a run that was never killed do.

    Raises:
        SinkError: The rows are of another model.
        KeyError, TypeError, ValueError: It is not a tail.
    """
    if not path.exists():
        return []
    exact = replace(info, store=Store.F32)
    lines = path.read_bytes().split(b"\n")[:-1]  # without the last line, if it is cut
    rows = [_read_line(line, exact, path) for line in lines]
    return rows[: len(rows) // multiple_of * multiple_of]


def cut_tail(path: Path, rows: int) -> None:
    """Take away what stands after so many rows, so that more can be added.

    Raises:
        SinkError: The file cannot be changed.
    """
    if not path.exists():
        return
    with explained(path):
        lines = path.read_bytes().split(b"\n")[:rows]
        os.truncate(path, sum(len(line) + 1 for line in lines))


def _read_line(line: bytes, exact: SetInfo, path: Path) -> LooseRow:
    known = json.loads(line)
    if "reason" in known:
        return LooseRow(path=decode_name(known["path"]), reason=known["reason"])
    parsed = parse_line(line)
    check_same(parsed.info, exact, where=path)
    stamp = known.get("stamp")
    return LooseRow(
        path=parsed.path,
        features=np.concatenate([row.numbers[0] for row in parsed.rows]),
        stamp=None if stamp is None else codec.read(FileStamp, stamp),
        damage=known.get("damage"),
    )
