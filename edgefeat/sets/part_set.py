"""A set in Parquet files of one place: what `edgefeat extract --plan` wrote, or Ray or Spark.

Names are read; vectors are read when they are wanted. Rows with an error have no vector and are no
rows of the set: they are counted.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.many.in_order import map_in_order
from edgefeat.model import codec
from edgefeat.places.place import FilePlace
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Stored
from edgefeat.sets.info import SetInfo
from edgefeat.sets.names import decode_name
from edgefeat.sets.parquet import METADATA_KEY, column_names
from edgefeat.sets.part_rows import GroupRows, PartFile

__all__ = ["part_names", "read_parts"]

_SPARK_KEY = b"org.apache.spark.sql.parquet.row.metadata"
_PLAN = "plan.json"
_READS = 8  # parts opened at once: far away, opening one is mostly waiting


def part_names(place: FilePlace) -> list[str]:
    """Return the names of a place's Parquet files, in order."""
    return [name for name in place.names() if name.endswith(".parquet") and name[0] not in "._"]


def read_parts(place: FilePlace) -> SetContents:
    """Read the set that the Parquet files of a place make.

    Raises:
        DependencyError: pyarrow is missing.
        SinkError: There is none, one is foreign or damaged, or fingerprints are mixed.
    """
    names = part_names(place)
    if not names:
        planned = place.read(_PLAN) is not None
        raise SinkError(
            "a plan of which no part is done" if planned else "holds no set",
            where=place.name,
            remedy="Do its parts with `edgefeat extract --plan PLACE --part missing`."
            if planned
            else "Name what `edgefeat extract` or `edgefeat stream` wrote.",
        )
    _note_missing(place, names)
    paths: list[str] = []
    info: SetInfo | None = None
    columns: list[list[Stored]] = []
    failures = 0
    with closing(map_in_order(partial(_read_part, place), names, workers=_READS, ahead=2)) as parts:
        for name, part in zip(names, parts, strict=True):
            if info is None:
                info, columns = part.info, [[] for _ in part.info.outputs]
            _check_same_model(part.info, info, f"{place.name}/{name}", names[0])
            failures += part.failures
            paths += part.paths
            for column, stored in zip(columns, part.columns, strict=True):
                column.append(stored)
    if failures:
        warnings.warn(
            f"{place.name}: {failures} pictures have an error and no vector; they are left out.",
            stacklevel=4,
        )
    return SetContents(info=cast("SetInfo", info), paths=paths, frames=None, columns=columns)


class _Part(NamedTuple):
    """What is read of a part at once.

    Attributes:
        info: What its rows have in common.
        paths: The names of the rows that have a vector.
        columns: For each output the stored numbers, read where they are looked at.
        failures: How many rows have none.
    """

    info: SetInfo
    paths: list[str]
    columns: list[Stored]
    failures: int


def _read_part(place: FilePlace, name: str) -> _Part:
    """Read a part's names and scales, with one opening; vectors wait."""
    file = PartFile(partial(place.open, name), f"{place.name}/{name}")
    with file.held():
        info = _info_of(file)
        rows, failures = _usable(file)
        texts = file.texts("path")
        columns = [_stored(file, info, output.name, output.size, rows) for output in info.outputs]
    paths = [decode_name(cast("str", texts[row])) for row in rows]
    return _Part(info=info, paths=paths, columns=columns, failures=failures)


def _check_same_model(found: SetInfo, first: SetInfo, where: str, first_name: str) -> None:
    if (found.fingerprint, found.outputs, found.store) != (
        first.fingerprint,
        first.outputs,
        first.store,
    ):
        raise SinkError(
            f"fingerprint: {first_name} has {first.fingerprint[:12]}, this file "
            f"{found.fingerprint[:12]}",
            where=where,
            remedy="Vectors of different models cannot be compared: keep them in two places.",
        )


def _note_missing(place: FilePlace, names: Sequence[str]) -> None:
    content = place.read(_PLAN)
    if content is None:
        return
    plan = json.loads(content)
    parts = -(-int(plan["pictures"]) // int(plan["part_size"]))
    if len(names) < parts:
        warnings.warn(
            f"{place.name}: {parts - len(names)} of {parts} parts are not done; this is the rest.",
            stacklevel=5,
        )


def _info_of(file: PartFile) -> SetInfo:
    """Return what the rows of a file have in common, as edgefeat, Ray or Spark wrote it down."""
    facts = file.schema.metadata or {}
    text = facts.get(METADATA_KEY)
    if text is None and _SPARK_KEY in facts:
        for field in json.loads(facts[_SPARK_KEY])["fields"]:
            text = text or field.get("metadata", {}).get(METADATA_KEY.decode())
    if text is None:
        raise SinkError(
            "a Parquet file, but not one of edgefeat's: its metadata names no model",
            where=file.where,
            remedy="Write it with `edgefeat extract`.",
        )
    try:
        return codec.read(SetInfo, json.loads(text))
    except ValueError as error:
        raise SinkError(f"its metadata is not edgefeat's: {error}", where=file.where) from error


def _usable(file: PartFile) -> tuple[Any, int]:
    """Return the rows that have a vector, and how many have none."""
    count = sum(file.group_rows)
    if "error" not in file.schema.names:
        return np.arange(count), 0
    whole = np.array([text is None for text in file.texts("error")], bool)
    return np.flatnonzero(whole), int(count - whole.sum())


def _stored(file: PartFile, info: SetInfo, output: str, size: int, rows: Any) -> Stored:
    numbers, scale = column_names(output, info)
    read = GroupRows(file, numbers, size, info.store.dtype, rows)
    scales = None
    if info.store.has_scales:
        scales = GroupRows(file, scale, None, np.dtype(np.float32), rows)[:]
    return Stored(numbers=cast("Any", read), scales=scales)
