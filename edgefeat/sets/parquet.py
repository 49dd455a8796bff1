"""Parquet, for pandas, Polars and DuckDB: the one file that knows pyarrow.

Columns: `path` (string), `features` (a list of D numbers, fixed size), and `scale` (float32) where
the numbers are int8. What the rows have in common stands in the schema's metadata.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.sets.base import Features, SetInfo
from edgefeat.sets.encoding import Store, Stored, encode
from edgefeat.sets.text import FileSink

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["METADATA_KEY", "ParquetSink", "read_parquet"]

METADATA_KEY = b"edgefeat"
_ROW_GROUP = 1024


class ParquetSink(FileSink):
    """Writes a row group at a time, so that memory stays bounded."""

    def __init__(self, path: Path, info: SetInfo) -> None:
        self._arrow, parquet = _pyarrow(path)
        super().__init__(path, info)
        self._rows: list[Features] = []
        self._schema = self._make_schema()
        self._writer = parquet.ParquetWriter(self._spool, self._schema)

    def close(self) -> None:
        """Remove the spool unless it was committed."""
        with suppress(OSError):  # as in FileSink.close
            if self._writer.is_open and not self._spool.closed:
                self._writer.close()
        super().close()

    def _put(self, name: str, features: Features) -> None:
        if len(self._rows) == _ROW_GROUP:  # the name of this row is not in the list yet
            self._write_group()
        self._rows.append(features)

    def _finish(self) -> None:
        if self._rows:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        arrow, dim = self._arrow, self._info.dim
        names = self._names[-len(self._rows) :]
        stored = encode(np.stack(self._rows), self._info.store, where=str(self._path))
        if stored.fidelity is not None:
            self.fidelity = stored.fidelity.worst(self.fidelity)
        columns = [
            arrow.array([_as_text(name) for name in names], arrow.string()),
            arrow.FixedSizeListArray.from_arrays(arrow.array(stored.numbers.reshape(-1)), dim),
        ]
        if stored.scales is not None:
            columns.append(arrow.array(stored.scales))
        self._writer.write_table(arrow.Table.from_arrays(columns, schema=self._schema))
        self._rows.clear()

    def _make_schema(self) -> Any:
        arrow = self._arrow
        number = arrow.from_numpy_dtype(self._info.store.dtype)
        fields = [
            arrow.field("path", arrow.string()),
            arrow.field("features", arrow.list_(number, self._info.dim)),
        ]
        if self._info.store is Store.I8:
            fields.append(arrow.field("scale", arrow.float32()))
        return arrow.schema(fields, {METADATA_KEY: json.dumps(asdict(self._info)).encode()})


def read_parquet(path: Path) -> tuple[object, list[str], Stored]:
    """Return a Parquet set's facts, names and vectors.

    Raises:
        SinkError: pyarrow is missing, or edgefeat did not write the file.
    """
    arrow, parquet = _pyarrow(path)
    try:
        table = parquet.read_table(path)
        facts = json.loads(table.schema.metadata[METADATA_KEY])
        column = table.column("features").combine_chunks()
    except (arrow.ArrowException, KeyError, TypeError, ValueError) as error:
        raise SinkError(f"{path}: not a Parquet file that edgefeat wrote: {error}.") from error
    dim = column.type.list_size
    values = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
    scales = table.column("scale").to_numpy() if "scale" in table.column_names else None
    return facts, table.column("path").to_pylist(), Stored(numbers=values, scales=scales)


def _as_text(name: str) -> str:
    """Parquet text is UTF-8: a file name that is not is written with \\xNN escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _pyarrow(path: Path) -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise SinkError(
            f"{path}: Parquet needs pyarrow. Install it with `pip install 'edgefeat[parquet]'`."
        ) from error
    return pyarrow, pyarrow.parquet
