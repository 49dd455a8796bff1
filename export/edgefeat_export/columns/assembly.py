"""A headless network of columns becomes one graph: its own layers written, the rest merged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import keras
import onnx

from edgefeat.model.spec import OutputSpec
from edgefeat_export.columns import entrances, finish, numeric
from edgefeat_export.columns.column import ColumnKind, HashKind, KerasColumn, Operand
from edgefeat_export.columns.drawing import Drawing
from edgefeat_export.columns.flat import columns_of
from edgefeat_export.columns.hashing import hash_kinds
from edgefeat_export.columns.shapes import GetItem
from edgefeat_export.columns.stages import Stage, kind_of, stages_of
from edgefeat_export.columns.translators import REARRANGING, TRANSLATORS
from edgefeat_export.errors import BackboneError

_MOST_ROWS: Final = 400  # rows of an Embedding that rows made by rule go through
__all__ = ["UNSEEN", "ColumnGraph", "to_graph"]

UNSEEN = "unseen"
"""The output that counts, for each column of categories, the values without a place of their own:
int64 (N, number of such columns)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGraph:
    """A network of columns as a graph.

    Attributes:
        model: The graph.
        columns: Inputs in order, with what the layers told of them.
    """

    model: onnx.ModelProto
    columns: tuple[KerasColumn, ...]


def to_graph(model: keras.Model, outputs: Sequence[OutputSpec]) -> ColumnGraph:
    """Write a flat headless model as a graph of standard operators.

    Args:
        model: A model from columns to features.
        outputs: Name and shape of each output, in order.

    Raises:
        BackboneError: A layer cannot be written exactly.
        ConversionError: tf2onnx does not know an operator.
    """
    drawing, columns = Drawing(), columns_of(model)
    kinds = hash_kinds(model.layers)
    entrance = entrances.Entrance(drawing, columns, kinds)
    done = {
        id(tensor): entrance.of(column)
        for tensor, column in zip(model.inputs, columns, strict=True)
    }
    stages = stages_of(model)
    for number, stage in enumerate(stages):
        if stage.by_tf2onnx:
            needed = [tensor for later in stages[number + 1 :] for tensor in _read_by(later)]
            _write_numeric(drawing, stage, done, [*needed, *model.outputs])
        else:
            for call in stage.calls:
                done[id(call.outputs[0])] = _written(drawing, call, done)
    for spec, tensor in zip(outputs, model.outputs, strict=True):
        found = _as_features(drawing, done[id(tensor)], spec)
        drawing.output(spec.name, found, "float32", ["batch", *spec.shape])
    _count_unseen(drawing, columns)
    graph = finish.finished(drawing.model(model.name))
    entrance.drop_unread(graph)
    return ColumnGraph(model=graph, columns=tuple(columns))


def _written(drawing: Drawing, call: Any, done: dict[int, Operand]) -> Operand:
    layer = call.operation
    if kind_of(call) == "GetItem":
        layer = GetItem(layer.name, call.arguments.args[1])
    inputs = [done[id(tensor)] for tensor in call.input_tensors]
    translate = TRANSLATORS[kind_of(call)]
    found = translate(drawing, layer, inputs)
    if kind_of(call) not in REARRANGING or any(one.dtype != found.dtype for one in inputs):
        return found
    hashes = {
        kind: translate(drawing, layer, [_hash_operand(one, kind) for one in inputs]).name
        for kind in inputs[0].hashes
        if all(kind in one.hashes for one in inputs)
    }
    return replace(found, hashes=hashes)


def _hash_operand(x: Operand, kind: HashKind) -> Operand:
    return Operand(name=x.hashes[kind], dtype="int64", shape=x.shape)


def _read_by(stage: Stage) -> list[Any]:
    return [tensor for call in stage.calls for tensor in call.input_tensors]


def _write_numeric(
    drawing: Drawing, stage: Stage, done: dict[int, Operand], needed: list[Any]
) -> None:
    """Hand the layers of one stage to tf2onnx, and take its graph in."""
    made = {id(tensor) for call in stage.calls for tensor in call.outputs}
    entering: dict[int, Any] = {}
    for call in stage.calls:
        for tensor in call.input_tensors:
            if id(tensor) not in made:
                _require_numbers(tensor, call)
                entering.setdefault(id(tensor), tensor)
    leaving = {id(tensor): tensor for tensor in needed if id(tensor) in made}
    known = [(tensor, done[key]) for key, tensor in entering.items()]
    proto, outputs = numeric.to_onnx(stage.calls, known, list(leaving.values()))
    _tell_columns(stage, known)
    inputs = [_as_keras_has_it(drawing, found, str(tensor.dtype)) for tensor, found in known]
    names = drawing.absorb(proto, inputs)
    for key, name, output in zip(leaving, names, outputs, strict=True):
        done[key] = replace(output, name=name)


def _tell_columns(stage: Stage, entering: list[tuple[Any, Operand]]) -> None:
    """Tell columns of whole numbers that an Embedding reads them: it has a row for each."""
    columns = {id(tensor): found.column for tensor, found in entering}
    for call in stage.calls:
        column = columns.get(id(call.input_tensors[0])) if call.input_tensors else None
        if column is None or not isinstance(call.operation, keras.layers.Embedding):
            continue
        rows = min(call.operation.input_dim, _MOST_ROWS)
        column.words += [row for row in range(rows) if row not in column.words]
        column.bounded = True
        column.rows = min(call.operation.input_dim, column.rows or call.operation.input_dim)


def _require_numbers(tensor: Any, call: Any) -> None:
    if tensor.dtype == "string":
        raise BackboneError(
            "strings reach a layer that is not for strings",
            where=f"{kind_of(call)} {call.operation.name!r}",
            remedy="Put a StringLookup or a TextVectorization in front of it.",
        )


def _as_keras_has_it(drawing: Drawing, tensor: Operand, dtype: str) -> str:
    """Return a tensor as the type that Keras's graph declares: lookups compute in int64 here.

    Whole numbers of a column that its type in Keras cannot hold, or for which an Embedding has no
    row, are wrong.
    """
    name, column = tensor.name, tensor.column
    if column is not None and column.kind is ColumnKind.INTEGER:
        low, high = column.limits
        if dtype != "int64" or column.rows is not None:
            low, high = (low, high) if column.rows is None else (0, column.rows - 1)
            below = drawing.add("Less", name, drawing.whole(low))
            above = drawing.add("Greater", name, drawing.whole(high))
            name = drawing.without(drawing.add("Or", below, above), name, column.size)
    if tensor.dtype == dtype:
        return name
    return drawing.cast(name, dtype)


def _as_features(drawing: Drawing, tensor: Operand, spec: OutputSpec) -> str:
    name = tensor.name if tensor.dtype == "float32" else drawing.cast(tensor.name, "float32")
    if tensor.shape[1:] != spec.shape:
        name = drawing.add("Reshape", name, drawing.integers(-1, *spec.shape))
    return drawing.spoilt(name)


def _count_unseen(drawing: Drawing, columns: list[KerasColumn]) -> None:
    """Add the output that counts unseen categories, if any column has a vocabulary."""
    counted = [column for column in columns if column.kind is ColumnKind.CATEGORY]
    if not any(column.unseen for column in counted):
        return
    each = []
    for column in counted:
        if not column.unseen:
            rows = drawing.add("Shape", column.name, start=0, end=1)
            shape = drawing.add("Concat", rows, drawing.integers(1), axis=0)
            each.append(drawing.add("ConstantOfShape", shape, value=_ZERO))
        elif len(column.unseen) == 1:
            each += column.unseen
        else:
            each.append(drawing.add("Max", *column.unseen))
    together = each[0] if len(each) == 1 else drawing.add("Concat", *each, axis=1)
    drawing.output(UNSEEN, together, "int64", ["batch", len(counted)])


_ZERO = onnx.helper.make_tensor("zero", onnx.TensorProto.INT64, [1], [0])
