"""A Keras model as a head: inputs `features` and columns, one output.

Its layers are written as those of any network for columns (`edgefeat_export.columns`), and its
graph is put behind the model's. Then rows made by rule are compared beside the user's own: what is
unknown, what is missing, awkward values.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import compose, version_converter

from edgefeat.model.columns import NumberInput
from edgefeat.model.outputs import OutputKind, OutputSpec
from edgefeat.model.spec import PRIMARY_OUTPUT
from edgefeat.rows.reader import RowReader
from edgefeat_export.attaching import ruled
from edgefeat_export.attaching.answering import (
    LABEL,
    PROBABILITIES,
    VALUE,
    ComparedRows,
    DescribedColumn,
    Tensors,
)
from edgefeat_export.attaching.ending import (
    RAW_OUTPUT,
    HeadEnding,
    answer_of,
    answering,
    ending_of,
)
from edgefeat_export.attaching.graphs import require_free_names
from edgefeat_export.attaching.refusing import refusal
from edgefeat_export.attaching.tail import PREFIX
from edgefeat_export.columns import assembly, describing, opening, operators, refusals
from edgefeat_export.columns.drawing import OPSET
from edgefeat_export.columns.reference import GraphRun, TableReference
from edgefeat_export.columns.ruled_rows import ordinary_rows
from edgefeat_export.columns.verify import finite_rows
from edgefeat_export.cut.headless import Headless
from edgefeat_export.errors import ExportError, VerificationError

__all__ = ["NetworkHead"]

_FEATURES = "photo_features"  # the input's name inside, where `features` is an output
_CHOICE = 64  # rows made by rule, from which those of the self-test are taken


class NetworkHead:
    """A Keras model on features and columns; see `answering.FittedHead`.

    Args:
        model: The model, or its `.keras` or `.h5` file.
        dim: How many features the backbone gives.
        classes: Names of the classes; None numbers them from 0.

    Raises:
        BackboneError: The model cannot be loaded, or a layer cannot be written exactly.
        ConversionError: It takes no features, or ends in numbers of no known meaning.
        VerificationError: Its graph differs from it on rows made by rule.
    """

    reference = "Keras"
    photo: str | None = None

    def __init__(
        self, model: keras.Model | str | os.PathLike[str], dim: int, classes: Sequence[str] | None
    ) -> None:
        opened = _opened(model)
        network = opened.model
        _require_features(network, dim)
        refusals.require_exact(network, opened.sizes)
        self._ending = ending_of(network)
        self.last = network.outputs[0]._keras_history.operation.name
        self.answer = answer_of(network, self._ending, classes)
        raw = OutputSpec(
            name=RAW_OUTPUT[self._ending],
            kind=OutputKind.VECTOR,
            shape=(int(network.outputs[0].shape[-1]),),
            source_layer=self.last,
        )
        self._reference = TableReference(headless=Headless(model=network, outputs=(raw,)))
        drawn = assembly.to_graph(network, [raw])
        operators.require_sound(drawn.model, where=network.name)
        self._all = drawn.columns
        self._own = [one for one in drawn.columns if one.name != _FEATURES]
        takes_nan = ruled.check_ruled(
            GraphRun(drawn.model, drawn.columns),
            self._reference,
            self._all,
            features=_FEATURES,
            most=self.answer.probability_max,
        )
        self._described = tuple(
            describing.describe(one, takes_nan=one.name in takes_nan) for one in self._own
        )
        self._graph = answering(drawn.model, self._ending, self.answer)
        self.columns = tuple(one.name for one in self._own)
        self.texts = tuple(one.name for one in self._own if one.dtype == "string")

    def tensors(self, frame: Any) -> Tensors:
        """Return the columns of a frame as a device makes them of rows.

        Raises:
            ExportError: A column is missing, or a value is none that it takes.
        """
        if not self._own:
            return {}
        for name in self.columns:
            if name not in frame:
                raise ExportError(
                    f"no column {name!r}; there is {', '.join(map(repr, frame.columns))}",
                    option="rows",
                )
        rows = frame[list(self.columns)].to_dict("records")
        checked = RowReader(self._described).several(rows)
        if checked.errors:
            row, error = min(checked.errors.items())
            raise ExportError(str(error.at(row)), option="rows")
        return dict(checked.feed)

    def described(self, tensors: Tensors) -> tuple[DescribedColumn, ...]:
        """Return what the file says of the columns; spans of numbers come from these."""
        return tuple(
            replace(one, range=_span(tensors[one.name])) if isinstance(one, NumberInput) else one
            for one in self._described
        )

    def alone(self) -> onnx.ModelProto:
        """Return the head: features and columns in, answers out."""
        model = onnx.ModelProto()
        model.CopyFrom(self._graph)
        for node in model.graph.node:
            node.input[:] = [PRIMARY_OUTPUT if one == _FEATURES else one for one in node.input]
        for one in model.graph.input:
            one.name = PRIMARY_OUTPUT if one.name == _FEATURES else one.name
        return model

    def behind(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """Return a model with the head behind its features.

        Raises:
            ConversionError: A column has the name of something in the model.
        """
        require_free_names(model.graph, self.columns)
        backbone = version_converter.convert_version(model, OPSET)
        del backbone.metadata_props[:]
        head = compose.add_prefix(
            self._graph, PREFIX, rename_inputs=False, rename_outputs=False, inplace=False
        )
        for one in (backbone, head):
            del one.opset_import[:]
            one.opset_import.extend(self._graph.opset_import)
            one.ir_version = self._graph.ir_version
        (features,) = (one for one in backbone.graph.output if one.name == PRIMARY_OUTPUT)
        ends = [*self._graph.graph.input, *self._graph.graph.output]
        given = {PREFIX + one.name: one.name for one in ends}
        for value in (*head.graph.input, *head.graph.output):  # onnx 1.17 renames these too
            value.name = given.get(value.name, value.name)
        for node in head.graph.node:
            node.input[:] = [given.get(name, name) for name in node.input]
            node.output[:] = [given.get(name, name) for name in node.output]
        # Not by `outputs=...`, for which onnx 1.17 infers shapes and knows no domain but its own.
        merged = compose.merge_models(backbone, head, io_map=[(PRIMARY_OUTPUT, _FEATURES)])
        del merged.graph.output[:]
        merged.graph.output.extend([features, *head.graph.output])
        return merged

    def wanted(self, rows: ComparedRows) -> Tensors:
        """Return what Keras answers for the model's features."""
        tensors = {_FEATURES: rows.features, **rows.tensors}
        (raw,) = self._reference.features([tensors[one.name] for one in self._all])
        if self._ending is HeadEnding.NUMBER:
            return {VALUE: raw.astype(np.float64)}
        chances = raw.astype(np.float64)
        if self._ending is HeadEnding.TWO_CLASSES:
            chances = np.concatenate([1 - chances, chances], axis=1)
        return {LABEL: chances.argmax(axis=1), PROBABILITIES: chances}

    def check_alone(self, rows: ComparedRows, got: Tensors) -> None:
        """Do nothing: rows made by rule were compared when the head was made."""

    def ruled_rows(self, tensors: Tensors, count: int) -> list[dict[str, Any]]:
        """Return rows made by rule for which Keras gives numbers.

        Raises:
            VerificationError: There is no such row.
        """
        found = ordinary_rows(self._own, _CHOICE)
        rows = ruled.beside_features(self._all, found, _FEATURES)
        usable = np.flatnonzero(finite_rows(self._reference, rows))[:count]
        if not len(usable):
            raise VerificationError(
                "Keras itself gives numbers that are not finite for every row made by rule",
                where="the head",
                remedy="Check the weights: one row whose loss is NaN makes them all NaN.",
            )
        pairs = list(zip(self._own, found, strict=True))
        return [{one.name: _as_json(array[row]) for one, array in pairs} for row in usable]

    def ruled_frame(self, rows: list[dict[str, Any]], photo: str, path: str) -> Any:
        """Return such rows as a frame.

        Args:
            rows: The rows, without photos.
            photo: The name of the column of photos.
            path: The photo that stands beside each.
        """
        import pandas as pd

        return pd.DataFrame([{photo: path, **row} for row in rows])


def _opened(model: keras.Model | str | os.PathLike[str]) -> opening.OpenedTable:
    """Return a model with flat layers and its features under another name.

    One in memory is saved and opened, as every other: what saving loses is found there.
    """
    names = {PRIMARY_OUTPUT: _FEATURES}
    if isinstance(model, str | os.PathLike):
        path = Path(model)
        return opening.open_table(path, name=path.stem, renamed=names)
    with tempfile.TemporaryDirectory(prefix="edgefeat-") as folder:
        path = Path(folder) / "head.keras"
        model.save(path)
        return opening.open_table(path, name=model.name, renamed=names)


def _require_features(network: keras.Model, dim: int) -> None:
    shapes = {str(one._keras_history.operation.name): tuple(one.shape) for one in network.inputs}
    if _FEATURES not in shapes:
        raise refusal(
            f"expected an input {PRIMARY_OUTPUT!r} of {dim} numbers, got "
            f"{', '.join(map(repr, shapes))}",
            where=network.name,
            remedy=f"Name it: keras.Input(({dim},), name={PRIMARY_OUTPUT!r}).",
        )
    if shapes[_FEATURES] != (None, dim):
        raise refusal(
            f"its input {PRIMARY_OUTPUT!r} takes {shapes[_FEATURES][1:]}, the model gives ({dim},)",
            where=network.name,
            remedy="Attach it to the model whose features it was fitted on.",
        )


def _span(tensor: NDArray[Any]) -> tuple[float, float] | None:
    if np.isnan(tensor).all():
        return None
    return float(np.nanmin(tensor)), float(np.nanmax(tensor))


def _as_json(values: NDArray[Any]) -> Any:
    found = values.tolist()
    return found[0] if len(found) == 1 else found
