"""Where predictions go: CSV, JSON lines or Parquet, whole at the end; or JSON lines on stdout."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from edgefeat.atomic import Spool, explained
from edgefeat.errors import OptionError, SinkError
from edgefeat.prediction import Prediction
from edgefeat.sets.names import encode_name

__all__ = ["ENDINGS", "CsvWriter", "JsonWriter", "ParquetWriter", "Writer", "facts_of", "opened"]

ENDINGS = (".csv", ".jsonl", ".parquet")
_ROWS_AT_ONCE = 4096


class Writer(Protocol):
    """Takes predictions in order; a context manager."""

    def write(self, path: str, prediction: Prediction) -> None:
        """Take one."""

    def commit(self) -> None:
        """Put the finished file in its place."""

    def close(self) -> None:
        """Give up what was not committed; closing twice is fine."""


def facts_of(path: str, prediction: Prediction) -> dict[str, Any]:
    """Return a prediction's line, without its features."""
    found: dict[str, Any] = {"path": encode_name(path)}
    if prediction.label is not None:
        found["label"] = prediction.label
    if prediction.probabilities is not None:
        found["probabilities"] = dict(prediction.probabilities)
    if prediction.value is not None:
        found["value"] = prediction.value
    return found


class JsonWriter:
    """A JSON object a line, given to a function as bytes."""

    def __init__(self, put: Callable[[bytes], object]) -> None:
        self._put = put

    def write(self, path: str, prediction: Prediction) -> None:
        """Write one line."""
        line = json.dumps(facts_of(path, prediction))
        self._put(line.encode() + b"\n")

    def commit(self) -> None:
        """Do nothing: every line is out."""

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


class _FileWriter:
    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path, self._overwrite = path, overwrite
        if path.exists() and not overwrite:
            raise SinkError(
                "is there already",
                where=path,
                option="overwrite",
                remedy="Name another file, or pass {option} to replace it.",
            )
        with explained(path):
            self._spool = Spool(path)

    def _put(self, data: bytes) -> None:
        with explained(self._path):
            self._spool.file.write(data)

    def commit(self) -> None:
        """Put the finished file in its place."""
        with explained(self._path):
            self._spool.publish(replace=self._overwrite)

    def close(self) -> None:
        """Give up what was not committed; closing twice is fine."""
        self._spool.discard()


class JsonFileWriter(_FileWriter):
    """JSON lines in a file."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        super().__init__(path, overwrite=overwrite)
        self._lines = JsonWriter(self._put)

    def write(self, path: str, prediction: Prediction) -> None:
        """Write one line."""
        self._lines.write(path, prediction)


class CsvWriter(_FileWriter):
    """A header, and a line for each: path, label, the probability of each class, value."""

    _begun = False

    def write(self, path: str, prediction: Prediction) -> None:
        """Write one line."""
        flat = _flat(facts_of(path, prediction))
        if not self._begun:
            self._put(_csv_line(list(flat)))
            self._begun = True
        self._put(_csv_line(list(flat.values())))


class ParquetWriter(_FileWriter):
    """The same columns, in groups of rows."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        from edgefeat.sets.parquet import pyarrow_for

        self._arrow, self._parquet = pyarrow_for(path)
        super().__init__(path, overwrite=overwrite)
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None

    def write(self, path: str, prediction: Prediction) -> None:
        """Take one."""
        self._rows.append(_flat(facts_of(path, prediction)))
        if len(self._rows) == _ROWS_AT_ONCE:
            self._flush()

    def commit(self) -> None:
        """Put the finished file in its place."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
        super().commit()

    def _flush(self) -> None:
        if not self._rows:
            if self._writer is None:
                table = self._arrow.table({"path": self._arrow.array([], self._arrow.string())})
                self._parquet.write_table(table, self._spool.file)
            return
        table = self._arrow.Table.from_pylist(self._rows)
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._spool.file, table.schema)
        self._writer.write_table(table.cast(self._writer.schema))
        self._rows = []


def opened(output: str, *, overwrite: bool) -> Writer:
    """Open a file for predictions, by its ending.

    Raises:
        OptionError: The ending is none of ours.
        SinkError: It is there already, or cannot be written.
        DependencyError: Parquet needs pyarrow.
    """
    path = Path(output)
    kinds: dict[str, Callable[..., Writer]] = {
        ".csv": CsvWriter,
        ".jsonl": JsonFileWriter,
        ".parquet": ParquetWriter,
    }
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise OptionError(
            f"expected a file that ends in {', '.join(ENDINGS)}, got {output!r}", option="output"
        )
    return kind(path, overwrite=overwrite)


def _flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a line's facts with a column for each class, named p_CLASS."""
    chances = facts.pop("probabilities", {})
    value = {"value": facts.pop("value")} if "value" in facts else {}
    return facts | {f"p_{name}": chance for name, chance in chances.items()} | value


def _csv_line(cells: Sequence[Any]) -> bytes:
    return ",".join(map(_cell, cells)).encode() + b"\n"


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    if any(odd in text for odd in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
