"""A set in Parquet files of one place: what `edgefeat extract --plan` wrote, or Ray or Spark.

Names are read; vectors are read when they are wanted. Rows with an error have no vector and are no
rows of the set: they are counted.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.model import codec
from edgefeat.places.place import FilePlace
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Store, Stored
from edgefeat.sets.info import SetInfo
from edgefeat.sets.names import decode_name
from edgefeat.sets.parquet import METADATA_KEY, column_names
from edgefeat.sets.part_rows import GroupRows, PartFile

__all__ = ["part_names", "read_parts"]

_SPARK_KEY = b"org.apache.spark.sql.parquet.row.metadata"
_PLAN = "plan.json"


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
    for name in names:
        file = PartFile(partial(place.open, name), f"{place.name}/{name}")
        found = _info_of(file)
        if info is None:
            info, columns = found, [[] for _ in found.outputs]
        elif (found.fingerprint, found.outputs, found.store) != (
            info.fingerprint,
            info.outputs,
            info.store,
        ):
            raise SinkError(
                f"fingerprint: {names[0]} has {info.fingerprint[:12]}, this file "
                f"{found.fingerprint[:12]}",
                where=file.where,
                remedy="Vectors of different models cannot be compared: keep them in two places.",
            )
        rows, failed = _usable(file)
        failures += failed
        texts = file.texts("path")
        paths += [decode_name(cast("str", texts[row])) for row in rows]
        for column, output in zip(columns, found.outputs, strict=True):
            column.append(_stored(file, found, output.name, output.size, rows))
    if failures:
        warnings.warn(
            f"{place.name}: {failures} pictures have an error and no vector; they are left out.",
            stacklevel=4,
        )
    return SetContents(info=cast("SetInfo", info), paths=paths, frames=None, columns=columns)


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
    if info.store is Store.I8:
        scales = GroupRows(file, scale, None, np.dtype(np.float32), rows)[:]
    return Stored(numbers=cast("Any", read), scales=scales)
