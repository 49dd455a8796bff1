"""What the features of a file for columns are compared with: those of Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from edgefeat.model.hashed_inputs import hashed_inputs
from edgefeat_export.columns.column import KerasColumn
from edgefeat_export.columns.cut import call
from edgefeat_export.columns.ruled_rows import Arrays
from edgefeat_export.cut.headless import Headless
from edgefeat_export.cut.reduction import Reduction

__all__ = ["GraphRun", "TableReference"]

_CHUNK: Final = 256  # rows that Keras and the graph get at once
Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReference:
    """A headless Keras model of columns.

    Attributes:
        headless: The model and its outputs.
        reduction: What happens to the primary output afterwards, computed in float64 by NumPy.
    """

    headless: Headless
    reduction: Reduction = field(default_factory=Reduction)

    @property
    def name(self) -> str:
        """What messages call it."""
        return "Keras"

    def features(self, arrays: Arrays) -> list[Features]:
        """Return the right features of rows.

        Args:
            arrays: One array a column.

        Returns:
            Each output in order, float32 (N, D).
        """
        parts = [self._run(chunk) for chunk in _chunks(arrays)]
        first, *others = (np.concatenate(outputs) for outputs in zip(*parts, strict=True))
        return [self.reduction.apply(first), *others]

    def _run(self, arrays: Arrays) -> list[Features]:
        outputs = call(self.headless.model, arrays)
        specs = self.headless.outputs
        return [
            np.asarray(output, np.float32).reshape(-1, *spec.shape)
            for output, spec in zip(outputs, specs, strict=True)
        ]


class GraphRun:
    """A graph in ONNX Runtime, fed with arrays as they are: NaN and other awkward values too.

    Args:
        model: The graph; its inputs are columns.
        columns: These columns.
    """

    def __init__(self, model: onnx.ModelProto, columns: Sequence[KerasColumn]) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._columns = columns

    def features(self, arrays: Arrays, outputs: Sequence[str]) -> list[Features]:
        """Return outputs of the graph for rows, by their names: float32 (N, D)."""
        parts: list[Any] = [
            self._session.run(list(outputs), self._feed(chunk)) for chunk in _chunks(arrays)
        ]
        return [np.concatenate(found) for found in zip(*parts, strict=True)]

    def _feed(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        feed: dict[str, NDArray[Any]] = {}
        for column, array in zip(self._columns, arrays, strict=True):
            feed |= {column.name: array, **hashed_inputs(column.hashes, array)}
        return feed


def _chunks(arrays: Arrays) -> list[Arrays]:
    count = len(arrays[0])
    return [
        [array[start : start + _CHUNK] for array in arrays] for start in range(0, count, _CHUNK)
    ]
