"""A head as a graph: the nodes, constants and outputs that go behind the output `features`.

    features ─ Mul, Clip, Round, Cast ─► whole numbers ─ MatMul, Add ─► scores, as whole numbers
      ─ TopK ─► label;  ─ Mul, Softmax, Cast ─► probabilities

Only operators that every opset from 13 on has in one form are used, all of ONNX's own domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.model.nodes import constant, data_type, node, output
from edgefeat.model.outputs import OutputKind
from edgefeat.model.protobuf import field
from edgefeat.model.spec import PRIMARY_OUTPUT
from edgefeat.teaching.head import (
    DISTANCE,
    LABEL,
    PROBABILITIES,
    VALUE,
    Classifier,
    Head,
    OneClass,
    Regressor,
)
from edgefeat.teaching.integers import Grid, Rounded

__all__ = ["LEAST_OPSET", "PREFIX", "GraphParts", "head_alone", "parts_of"]

PREFIX = "edgefeat.head/"
"""What the names of a head's nodes and inner tensors begin with."""
LEAST_OPSET = 13
_IR_VERSION, _OPSET_ALONE = 8, 17
_NODE, _NAME, _CONSTANT, _INPUT, _OUTPUT = 1, 2, 5, 11, 12  # fields of GraphProto


class GraphParts:
    """Parts of a graph, as they are added one after the other.

    Attributes:
        names: Names of the outputs, in order.
    """

    def __init__(self) -> None:
        self._fields: list[bytes] = []
        self.names: list[str] = []

    @property
    def fields(self) -> bytes:
        """All parts as fields of a GraphProto."""
        return b"".join(self._fields)

    def add(
        self,
        operation: str,
        inputs: Sequence[str],
        to: str,
        *,
        outputs: Sequence[str] | None = None,
        attributes: dict[str, int | Sequence[int]] | None = None,
    ) -> str:
        """Add a node; return the name of what it makes.

        Args:
            operation: The operator.
            inputs: Names of tensors.
            to: The name of the node and, without the prefix, of what it makes.
            outputs: Names of what it makes, where it is more than one tensor or has a name of its
                own.
            attributes: See `edgefeat.model.nodes.node`.
        """
        made = list(outputs) if outputs is not None else [PREFIX + to]
        part = node(operation, inputs, made, name=PREFIX + to, attributes=attributes)
        self._fields.append(field(_NODE, part))
        return made[0]

    def constant(self, name: str, value: NDArray[Any] | float, dtype: str = "float64") -> str:
        """Add a constant; return its name.

        Args:
            name: The name, without the prefix.
            value: The numbers, any type.
            dtype: The type that they are kept in.
        """
        array = np.asarray(value).astype(dtype)
        self._fields.append(field(_CONSTANT, constant(PREFIX + name, array)))
        return PREFIX + name

    def output(self, name: str, dtype: str, *shape: int, batch: str) -> None:
        """Declare an output; see `edgefeat.model.nodes.output`."""
        self.names.append(name)
        self._fields.append(field(_OUTPUT, output(name, dtype, *shape, batch=batch)))

    def input(self, name: str, dtype: str, *shape: int, batch: str) -> None:
        """Declare an input; see `edgefeat.model.nodes.output`."""
        self._fields.append(field(_INPUT, output(name, dtype, *shape, batch=batch)))


def parts_of(head: Head, *, batch: str) -> GraphParts:
    """Return a head as parts of a graph that has an output `features`, float32 `(N, D)`.

    Args:
        head: The head.
        batch: The name of the batch axis.
    """
    parts = GraphParts()
    whole = _whole(parts, head.grid)
    if isinstance(head, Classifier):
        _classify(parts, head, whole)
    elif isinstance(head, Regressor):
        _predict(parts, head, whole)
    else:
        _measure(parts, head, whole)
    for one in head.outputs():
        dtype = "int64" if one.kind is OutputKind.LABEL else "float32"
        parts.output(one.name, dtype, *one.shape, batch=batch)
    return parts


def head_alone(head: Head, dim: int) -> bytes:
    """Return a whole model that takes `features`, float32 `(N, D)`, and has the head's outputs.

    Args:
        head: The head.
        dim: D.
    """
    parts = parts_of(head, batch="N")
    parts.input(PRIMARY_OUTPUT, "float32", dim, batch="N")
    graph = parts.fields + field(_NAME, "head")
    return field(1, _IR_VERSION) + field(8, field(1, "") + field(2, _OPSET_ALONE)) + field(7, graph)


def _whole(parts: GraphParts, grid: Grid) -> str:
    """Add what makes whole numbers of features; return their name: float64 `(N, D)`."""
    scale = parts.constant("scale", grid.scale, "float32")
    low = parts.constant("low", -grid.limit, "float32")
    high = parts.constant("high", grid.limit, "float32")
    scaled = parts.add("Mul", [PRIMARY_OUTPUT, scale], "scaled")
    cut = parts.add("Clip", [scaled, low, high], "cut")
    rounded = parts.add("Round", [cut], "rounded")
    return _cast(parts, rounded, "whole", "float64")


def _cast(parts: GraphParts, name: str, to: str, dtype: str, *, as_output: bool = False) -> str:
    outputs = [to] if as_output else None
    return parts.add("Cast", [name], to, outputs=outputs, attributes={"to": data_type(dtype)})


def _products(parts: GraphParts, rounded: Rounded, whole: str) -> str:
    """Add the sums of products; int32 in the file, float64 in memory."""
    stored = parts.constant("weights", rounded.weights, "int32")
    weights = _cast(parts, stored, "weights64", "float64")
    return parts.add("MatMul", [whole, weights], "products")


def _classify(parts: GraphParts, head: Classifier, whole: str) -> None:
    products = _products(parts, head.scores, whole)
    scores = parts.add("Add", [products, parts.constant("bias", head.scores.bias)], "scores")
    one = parts.constant("one", np.array([1]), "int64")
    best, position = PREFIX + "best", PREFIX + "position"
    parts.add("TopK", [scores, one], "top", outputs=[best, position], attributes={"axis": -1})
    if (threshold := head.whole_threshold) is not None:
        limit = parts.constant("threshold", threshold)
        below = parts.add("Less", [best, limit], "below")
        unknown = parts.constant("unknown", np.array(len(head.classes)), "int64")
        position = parts.add("Where", [below, unknown, position], "chosen")
    flat = parts.constant("flat", np.array([-1]), "int64")
    parts.add("Reshape", [position, flat], LABEL, outputs=[LABEL])
    sharpness = parts.constant("sharpness", head.whole_sharpness)
    sharp = parts.add("Mul", [parts.add("Sub", [scores, best], "behind"), sharpness], "sharp")
    shares = parts.add("Softmax", [sharp], "shares", attributes={"axis": -1})
    _cast(parts, shares, PROBABILITIES, "float32", as_output=True)


def _predict(parts: GraphParts, head: Regressor, whole: str) -> None:
    products = _products(parts, head.prediction, whole)
    total = parts.add("Add", [products, parts.constant("bias", head.prediction.bias)], "total")
    unit = parts.constant("unit", 1 / head.prediction.unit)
    _cast(parts, parts.add("Mul", [total, unit], "number"), VALUE, "float32", as_output=True)


def _measure(parts: GraphParts, head: OneClass, whole: str) -> None:
    z = parts.add("Sub", [whole, parts.constant("mean", head.mean)], "from_mean")
    products = _products(parts, head.forgiven, z)
    back = parts.constant("back", head.back)
    forgiven = parts.add("Round", [parts.add("Mul", [products, back], "shorter")], "forgiven")
    all_of_it, part_of_it = _square(parts, z, "all"), _square(parts, forgiven, "part")
    difference = parts.add("Sub", [all_of_it, part_of_it], "difference")
    zero = parts.constant("zero", 0.0)
    squares = parts.add("Max", [difference, zero], "squares")
    far = parts.add("Greater", [squares, parts.constant("threshold", head.whole_threshold)], "far")
    flat = parts.constant("flat", np.array([-1]), "int64")
    label = _cast(parts, far, "unlike", "int64")
    parts.add("Reshape", [label, flat], LABEL, outputs=[LABEL])
    root = parts.add("Sqrt", [squares], "root")
    unit = parts.constant("unit", 1 / head.grid.scale)
    _cast(parts, parts.add("Mul", [root, unit], "distance64"), DISTANCE, "float32", as_output=True)


def _square(parts: GraphParts, rows: str, name: str) -> str:
    """Add the sum of squares of each row: float64 `(N, 1)`."""
    squared = parts.add("Mul", [rows, rows], f"{name}_squared")
    axes = parts.constant(f"{name}_axes", np.array([1]), "int64")
    return parts.add("ReduceSum", [squared, axes], f"{name}_sum", attributes={"keepdims": 1})
