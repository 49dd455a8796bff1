"""Parquet, for pandas, Polars and DuckDB: the one file that knows pyarrow.

Columns: `path` (string), a stream's facts (see `frames.COLUMNS`), and `features` (a list of D
numbers, fixed size) or, where several outputs are kept, `output_NAME` for each; with numbers of a
byte also `scale` or `scale_NAME` (float32). A map's list is flat. What the rows have in common,
shapes too, stands in the schema's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefeat.errors import DependencyError, SinkError
from edgefeat.model import codec
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Stored
from edgefeat.sets.frames import COLUMNS, NEWER, Frames, frame_facts
from edgefeat.sets.info import SetInfo
from edgefeat.sets.names import decode_name, encode_name
from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.whole_file import WholeFileSink

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["METADATA_KEY", "ParquetSink", "column_names", "pyarrow_for", "read_parquet"]

METADATA_KEY = b"edgefeat"
_GROUP_ROWS, _GROUP_BYTES = 1024, 16 * 2**20


class ParquetSink(WholeFileSink):
    """Writes a row group at a time, so that memory stays bounded. See `WholeFileSink`.

    Raises:
        DependencyError: pyarrow is missing.
        SinkError: The folder is missing or cannot be written to.
    """

    def __init__(self, path: Path, info: SetInfo, *, overwrite: bool = False) -> None:
        self._arrow, parquet = pyarrow_for(path)
        super().__init__(path, info, overwrite=overwrite)
        self._group: list[tuple[str, dict[str, Any], Sequence[Stored]]] = []
        self._group_rows = max(1, min(_GROUP_ROWS, _GROUP_BYTES // (4 * info.dim)))
        self._schema = self._make_schema()
        self._writer = parquet.ParquetWriter(self._spool.file, self._schema)

    def close(self) -> None:
        """Give up whatever was not committed; closing twice is fine."""
        with suppress(OSError):  # the disk may be full, but this file is given up anyway
            if self._writer.is_open and not self._spool.file.closed:
                self._writer.close()
        super().close()

    def _put(self, record: FeatureRecord, rows: Sequence[Stored]) -> None:
        facts = frame_facts(record) if self._info.timed else {}
        self._group.append((encode_name(record.path), facts, rows))
        if len(self._group) == self._group_rows:
            self._write_group()

    def _finish(self) -> None:
        if self._group:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        arrow, info = self._arrow, self._info
        columns = [arrow.array([path for path, _, _ in self._group], arrow.string())]
        for name in COLUMNS if info.timed else ():
            values = [facts[name] for _, facts, _ in self._group]
            columns.append(arrow.array(values, self._schema.field(name).type))
        for i, output in enumerate(info.outputs):
            stored = Stored.joined([rows[i] for _, _, rows in self._group])
            flat = arrow.array(stored.numbers.reshape(-1))
            columns.append(arrow.FixedSizeListArray.from_arrays(flat, output.size))
            if stored.scales is not None:
                columns.append(arrow.array(stored.scales))
        self._writer.write_table(arrow.Table.from_arrays(columns, schema=self._schema))
        self._group.clear()

    def _make_schema(self) -> Any:
        arrow, info = self._arrow, self._info
        fields = [arrow.field("path", arrow.string())]
        for name, dtype in COLUMNS.items() if info.timed else ():
            text = dtype == np.dtype("O")
            kind = arrow.string() if text else arrow.from_numpy_dtype(dtype)
            fields.append(arrow.field(name, kind))
        number = arrow.from_numpy_dtype(info.store.dtype)
        for output in info.outputs:
            numbers, scale = column_names(output.name, info)
            fields.append(arrow.field(numbers, arrow.list_(number, output.size)))
            if info.store.has_scales:
                fields.append(arrow.field(scale, arrow.float32()))
        return arrow.schema(fields, {METADATA_KEY: json.dumps(codec.write(info)).encode()})


def read_parquet(path: Path) -> SetContents:
    """Read a Parquet set.

    Raises:
        DependencyError: pyarrow is missing.
        SinkError, KeyError, TypeError, ValueError: edgefeat did not write the file.
    """
    arrow, parquet = pyarrow_for(path)
    try:
        table = parquet.read_table(path)
    except arrow.ArrowException as error:
        raise SinkError(f"not a Parquet file: {error}") from error
    facts = (table.schema.metadata or {}).get(METADATA_KEY)
    if facts is None:
        raise SinkError(
            "a Parquet file, but not one of edgefeat's: its metadata names no model",
            remedy="Write it with `edgefeat extract`.",
        )
    info = codec.read(SetInfo, json.loads(facts))
    columns = []
    for output in info.outputs:
        numbers, scale = column_names(output.name, info)
        flat = table.column(numbers).combine_chunks().flatten().to_numpy(zero_copy_only=False)
        scales = table.column(scale).to_numpy() if info.store.has_scales else None
        columns.append([Stored(numbers=flat.reshape(len(table), output.size), scales=scales)])
    there = [name for name in COLUMNS if name not in NEWER or name in table.column_names]
    frame_columns = {name: table.column(name).to_pylist() for name in there if info.timed}
    return SetContents(
        info=info,
        paths=[decode_name(name) for name in table.column("path").to_pylist()],
        frames=Frames.of_columns(frame_columns) if info.timed else None,
        columns=columns,
    )


def column_names(output: str, info: SetInfo) -> tuple[str, str]:
    """Return the names of an output's columns of numbers and of scales."""
    if len(info.outputs) == 1:
        return "features", "scale"
    return f"output_{output}", f"scale_{output}"


def pyarrow_for(where: object = None) -> tuple[ModuleType, ModuleType]:
    """Return `pyarrow` and `pyarrow.parquet`.

    Args:
        where: The file or place that needs it, for the message.

    Raises:
        DependencyError: It is missing.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DependencyError(
            "Parquet needs pyarrow",
            where=where,
            remedy="Install it with `pip install 'edgefeat[parquet]'`.",
        ) from error
    return pyarrow, pyarrow.parquet
