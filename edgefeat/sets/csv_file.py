"""CSV: a header and one line for each row, for spreadsheets and pandas.

Columns: `path`, a stream's facts (see `frames.COLUMNS`), and `f0000`, `f0001`, ... or, where
several outputs are kept, `output_NAME_0000`, ... for each. What the rows have in common stands
beside it, in FILE.json.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.model import codec
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Stored
from edgefeat.sets.frames import COLUMNS, NEWER, TEXTS, Frames, frame_facts
from edgefeat.sets.info import SetInfo
from edgefeat.sets.names import decode_name, encode_name
from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.whole_file import SidecarSink, sidecar_path

__all__ = ["CsvSink", "feature_columns", "read_csv", "read_sidecar"]


class CsvSink(SidecarSink):
    """Writes a line at a time."""

    def _put(self, record: FeatureRecord, rows: Sequence[Stored]) -> None:
        if not self._rows:
            facts = list(COLUMNS) if self._info.timed else []
            self._line(["path", *facts, *feature_columns(self._info)])
        cells: list[Any] = [encode_name(record.path)]
        if self._info.timed:
            cells += frame_facts(record).values()
        for row in rows:
            cells += map(str, row.numbers[0])  # the shortest decimals that read back as the same
        self._line(cells)

    def _line(self, cells: Sequence[Any]) -> None:
        self._spool.file.write(",".join(map(_cell, cells)).encode() + b"\n")


def feature_columns(info: SetInfo) -> list[str]:
    """Return the names of the columns that hold numbers of the outputs, in order."""
    if len(info.outputs) == 1:
        return [f"f{i:04}" for i in range(info.dim)]
    return [f"output_{one.name}_{i:04}" for one in info.outputs for i in range(one.size)]


def _cell(value: Any) -> str:
    """Return a cell as text; Python's own writer leaves a carriage return unquoted."""
    text = "" if value is None else str(value)
    if any(odd in text for odd in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def read_csv(path: Path) -> SetContents:
    """Read a CSV set.

    Raises:
        SinkError, KeyError, TypeError, ValueError: It is not one of ours.
    """
    info, _ = read_sidecar(path)
    facts = _facts_there(path) if info.timed else []
    header = ["path", *facts, *feature_columns(info)]
    paths: list[str] = []
    columns: dict[str, list[Any]] = {name: [] for name in facts}
    numbers = []
    for cells in _lines(path, header):
        paths.append(decode_name(cells[0]))
        for name, cell in zip(facts, cells[1:], strict=False):
            columns[name].append(cell if name in TEXTS else float(cell) if cell else None)
        numbers.append(np.array(cells[1 + len(facts) :], np.float32))
    table = np.stack(numbers) if numbers else np.empty((0, info.dim), np.float32)
    return SetContents(
        info=info,
        paths=paths,
        frames=Frames.of_columns(columns) if info.timed else None,
        columns=[[Stored(numbers=part)] for part in info.split(table)],
    )


def _facts_there(path: Path) -> list[str]:
    """Return the columns of a stream's facts that a file has; an older one lacks some."""
    with path.open(encoding="utf-8", newline="") as file:
        first = set(next(csv.reader(file), ()))
    return [name for name in COLUMNS if name not in NEWER or name in first]


def _lines(path: Path, header: Sequence[str]) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, cells in enumerate(csv.reader(file), start=1):
            if number == 1:
                if cells != header:
                    raise SinkError(
                        f"its columns are not those that {sidecar_path(path).name} describes",
                        remedy="The files do not belong together: extract again.",
                    )
            elif len(cells) != len(header):
                raise SinkError(
                    f"line {number}: expected {len(header)} cells, got {len(cells)}",
                    remedy="The file is cut or was changed: extract again.",
                )
            else:
                yield cells


def read_sidecar(path: Path) -> tuple[SetInfo, dict[str, Any]]:
    """Read the facts that stand beside a `.npy` or `.csv` set.

    Raises:
        SinkError, KeyError, TypeError, ValueError: They are missing, or not ours.
    """
    sidecar = sidecar_path(path)
    try:
        facts = json.loads(sidecar.read_bytes())
    except FileNotFoundError as error:
        raise SinkError(
            f"{sidecar.name}, which says whose features these are, is missing",
            remedy="Copy it along with the file, or extract again.",
        ) from error
    return codec.read(SetInfo, facts), facts
