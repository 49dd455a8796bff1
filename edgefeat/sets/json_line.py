"""The one JSON Lines form: what a record looks like as a line, and how a line is read.

    {"path": "a.jpg", "index": 0, "model": "...", "fingerprint": "...", "features": [0.1, 0.2]}

A stream's lines say after `index` when the frame was taken. Where several outputs are kept, a line
has `outputs`, an object of arrays by name, in the place of `features`. An array is a list of
numbers (lists of lists for a map), or an object with its bytes in base64. `json_schema.py` has
every key.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.sets.encoding import Store, Stored, StoreLoss, encode
from edgefeat.sets.frames import COLUMNS, NEWER, TEXTS, frame_facts
from edgefeat.sets.info import OutputInfo, SetInfo
from edgefeat.sets.names import decode_name, encode_name
from edgefeat.sets.record import FeatureRecord

__all__ = ["Line", "encode_line", "parse_line"]

_USUAL_OUTPUT = "features"
ANSWERS = ("label", "probabilities", "value")
"""What the head of a model says; only lines keep it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that was read.

    Attributes:
        path: What the row is called.
        info: What the line says of the set that it belongs to.
        frame: When the frame was taken, by `frames.COLUMNS`; None for a picture.
        rows: For each output one row as it is kept.
    """

    path: str
    info: SetInfo
    frame: Mapping[str, Any] | None
    rows: tuple[Stored, ...]


def encode_line(
    record: FeatureRecord, info: SetInfo, *, packed: bool = False
) -> tuple[bytes, StoreLoss | None]:
    """Return a record's line, with its newline, and what storing cost it.

    Args:
        record: What to write.
        info: What the lines have in common.
        packed: Whether float32 numbers are written in base64 too.

    Raises:
        SinkError: The record is of another model, or its numbers do not fit `info.store`.
        ValueError: It lacks an output, or one has another shape.
    """
    loss: StoreLoss | None = None
    arrays: dict[str, Any] = {}
    for output, features in zip(info.outputs, info.split(info.flat(record)), strict=True):
        stored = encode(features[np.newaxis], info.store)
        loss = loss if stored.loss is None else stored.loss.worst(loss)
        arrays[output.name] = _written(stored, output.shape, info.store, packed=packed)
    line: dict[str, Any] = {"path": encode_name(record.path), "index": record.index}
    if info.timed:
        line |= frame_facts(record)
    line |= {
        name: dict(answer) if name == "probabilities" else answer
        for name in ANSWERS
        if (answer := getattr(record, name)) is not None
    }
    line |= {"model": info.model, "fingerprint": info.fingerprint}
    if len(arrays) > 1:
        line["outputs"] = arrays
    else:
        ((name, line["features"]),) = arrays.items()
        if name != _USUAL_OUTPUT:
            line["output"] = name
    return json.dumps(line, allow_nan=False).encode() + b"\n", loss


def parse_line(text: bytes) -> Line:
    """Read a line.

    Raises:
        KeyError, TypeError, ValueError: It is not one of ours.
    """
    line = json.loads(text)
    if not isinstance(line, dict):
        raise TypeError("expected an object")
    arrays = line.get("outputs") or {line.get("output", _USUAL_OUTPUT): line["features"]}
    outputs, rows, stores = [], [], set()
    for name, value in arrays.items():
        shape, store, stored = _read(name, value)
        outputs.append(OutputInfo(name=name, shape=shape))
        rows.append(stored)
        stores.add(store)
    if len(stores) > 1:
        raise ValueError(f"outputs: expected one form of numbers, got {', '.join(sorted(stores))}")
    timed = "wall_time" in line
    info = SetInfo(
        model=line["model"],
        fingerprint=line["fingerprint"],
        outputs=tuple(outputs),
        store=stores.pop(),
        timed=timed,
    )
    frame = _frame(line) if timed else None
    return Line(path=decode_name(line["path"]), info=info, frame=frame, rows=tuple(rows))


def _frame(line: Mapping[str, Any]) -> dict[str, Any]:
    lacking = {name: "" if name in TEXTS else None for name in NEWER if name not in line}
    return {name: lacking[name] if name in lacking else line[name] for name in COLUMNS}


def _written(stored: Stored, shape: Sequence[int], store: Store, *, packed: bool) -> Any:
    """Return one row as numbers, or in base64, also where JSON has no word for a number."""
    if store is Store.F32 and not packed and np.isfinite(stored.numbers).all():
        return _nested(stored.numbers.reshape(shape))
    written: dict[str, Any] = {
        "store": str(store),
        "shape": list(shape),
        "base64": base64.b64encode(stored.numbers.tobytes()).decode(),
    }
    if stored.scales is not None:
        written["scale"] = float(str(stored.scales[0]))
    return written


def _nested(numbers: Features) -> list[Any]:
    """Return the shortest decimals that read back as the same float32."""
    if numbers.ndim == 1:
        return [float(str(number)) for number in numbers]
    return [_nested(part) for part in numbers]


def _read(name: str, value: Any) -> tuple[tuple[int, ...], Store, Stored]:
    """Return shape, form and row of one array of a line."""
    if isinstance(value, list):
        numbers = np.array(value, np.float32)
        return numbers.shape, Store.F32, Stored(numbers=numbers.reshape(1, -1))
    if not isinstance(value, dict):
        raise TypeError(f"{name}: expected a list of numbers or an object")
    store, shape = Store(value["store"]), tuple(value["shape"])
    data: NDArray[Any] = np.frombuffer(
        base64.b64decode(value["base64"], validate=True), store.dtype
    )
    if data.size != prod(shape):
        raise ValueError(f"{name}: expected numbers for shape {shape}, got {data.size}")
    scales = np.array([value["scale"]], np.float32) if store.has_scales else None
    return shape, store, Stored(numbers=data.reshape(1, -1), scales=scales)
