"""The tail alone, and the tail behind the model: two graphs of the same nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgefeat.model.columns import UNSEEN_OUTPUT
from edgefeat.model.spec import PRIMARY_OUTPUT
from edgefeat_export.attaching.answering import (
    LABEL,
    PROBABILITIES,
    VALUE,
    answer_names,
)
from edgefeat_export.attaching.refusing import refusal
from edgefeat_export.attaching.tail import ML
from edgefeat_export.attaching.taking_apart import Taken, TakenColumn

__all__ = ["add_unseen", "alone", "behind", "require_free_names"]

_ML_VERSION, _OPSET, _IR_VERSION = 3, 17, 8
_TAKEN_NAMES = (PRIMARY_OUTPUT, LABEL, PROBABILITIES, VALUE, UNSEEN_OUTPUT)


def add_unseen(taken: Taken) -> bool:
    """Add the output that counts words which no encoder knows; return whether there are any."""
    words = [one.words for one in taken.columns.values() if one.words is not None]
    if not words:
        return False
    tail = taken.tail
    with tail.step("unseen"):
        rows = words[0].row
        if len(words) > 1:
            rows = tail.add("Concat", [one.row for one in words], attributes={"axis": 1})
        unknown = tail.add("Equal", [rows, tail.constant(np.array([[0]]), np.int64)])
        tail.add("Cast", [unknown], attributes={"to": TensorProto.INT64}, to=UNSEEN_OUTPUT)
    return True


def alone(taken: Taken, dim: int) -> onnx.ModelProto:
    """Return the tail as a model: features and columns in, every step and the answers out.

    Args:
        taken: The pipeline.
        dim: How many numbers the features have.
    """
    inputs = [helper.make_tensor_value_info(PRIMARY_OUTPUT, TensorProto.FLOAT, ["N", dim])]
    inputs += [_input(column) for column in taken.columns.values()]
    outputs = [
        helper.make_tensor_value_info(matrix.name, TensorProto.DOUBLE, ["N", matrix.width])
        for matrix in _different(taken)
    ]
    outputs += _outputs(taken)
    nodes, constants = taken.tail.drawn([one.name for one in outputs])
    graph = helper.make_graph(nodes, "tail", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(ML, _ML_VERSION)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def behind(model: onnx.ModelProto, taken: Taken) -> onnx.ModelProto:
    """Return a model with the tail behind its features.

    Args:
        model: The model; not changed.
        taken: The pipeline.

    Raises:
        ConversionError: A column has the name of something in the model.
    """
    fused = onnx.ModelProto()
    fused.CopyFrom(model)
    del fused.metadata_props[:]
    graph = fused.graph
    require_free_names(graph, taken.columns)
    outputs = _outputs(taken)
    nodes, constants = taken.tail.drawn([one.name for one in outputs])
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    graph.input.extend(_input(column) for column in taken.columns.values())
    graph.output.extend(outputs)
    if all(one.domain != ML for one in fused.opset_import):
        fused.opset_import.append(helper.make_opsetid(ML, _ML_VERSION))
    return fused


def require_free_names(graph: onnx.GraphProto, columns: Iterable[str]) -> None:
    """Raise if a column has the name of something in a model's file.

    Args:
        graph: The model's graph.
        columns: Names of the columns.

    Raises:
        ConversionError: One has.
    """
    there = {one.name for one in (*graph.input, *graph.output)}
    for name in columns:
        if name in there or name in _TAKEN_NAMES:
            raise refusal(
                f"the column {name!r} has the name of an input or output of the file",
                where=None,
                remedy="Give it another name, and fit again.",
            )


def _different(taken: Taken) -> list[Any]:
    answers = {*answer_names(taken.answer), *taken.columns}
    later = [matrix for one in taken.later for matrix in (one.before, one.after)]
    found = {matrix.name: matrix for matrix in (*taken.tail.checkpoints.values(), *later)}
    return [matrix for name, matrix in found.items() if name not in answers]


def _input(column: TakenColumn) -> onnx.ValueInfoProto:
    kind = TensorProto.DOUBLE if column.words is None else TensorProto.STRING
    return helper.make_tensor_value_info(column.name, kind, ["N", 1])


def _outputs(taken: Taken) -> list[onnx.ValueInfoProto]:
    found = []
    count = len(taken.answer.classes or ())
    for name in answer_names(taken.answer):
        kind = TensorProto.INT64 if name == LABEL else TensorProto.FLOAT
        shape: list[Any] = ["N"] if name == LABEL else ["N", count or 1]
        found.append(helper.make_tensor_value_info(name, kind, shape))
    words = sum(one.words is not None for one in taken.columns.values())
    if words:
        found.append(helper.make_tensor_value_info(UNSEEN_OUTPUT, TensorProto.INT64, ["N", words]))
    return found
