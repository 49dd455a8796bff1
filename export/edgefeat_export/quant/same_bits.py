"""Tells whether every CPU gives the same bits for a graph's first output, from the graph itself.

ONNX Runtime says what it makes of the graph: the one that it has optimised is read from its output
back to its input. Whole-number kernels, operators that only move numbers, and single operations
such as a product have one result everywhere. Sums of floats and curved functions have not: their
kernels differ in the last bits, and the next rounding to bytes may then go another way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edgefeat.engine import cpu

__all__ = ["float_operators"]

_WHOLE: Final = frozenset(
    {
        "MatMulInteger",
        "ConvInteger",
        "QGemm",
        "QLinearAdd",
        "QLinearAveragePool",
        "QLinearConcat",
        "QLinearConv",
        "QLinearGlobalAveragePool",
        "QLinearMatMul",
        "QLinearMul",
    }
)
"""Kernels that add whole numbers and round once."""
_MOVES: Final = frozenset(
    {
        *("Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "MaxPool"),
        *("NhwcMaxPool", "Pad", "ReorderInput", "ReorderOutput", "Reshape", "Shape", "Slice"),
        *("SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
    }
)
_SINGLE: Final = frozenset(
    {
        *("Abs", "Add", "Cast", "Ceil", "Clip", "DequantizeLinear", "Div", "Floor", "Max", "Min"),
        *("Mul", "Neg", "QuantizeLinear", "Relu", "Sub", "Where"),
    }
)
"""One operation a number, which IEEE 754 settles to the last bit."""
_EXACT_BELOW: Final = 2**24  # float32 holds every whole number below
_LARGEST_BYTE: Final = 255
_FAR_FROM_HALF: Final = 1e-3  # levels: more than kernels differ by, so that all round alike


def float_operators(model: onnx.ModelProto) -> tuple[str, ...]:
    """Return the kinds of float operators behind the first output whose last bits a CPU decides.

    Args:
        model: A graph with uint8 input.

    Returns:
        Names of operators, sorted; empty if the output's bits are the same on every CPU.
    """
    optimised = _optimised(model)
    summed = _whole_sums(optimised)
    constants = {one.name: one for one in optimised.graph.initializer}
    decided: dict[str, frozenset[str]] = {}
    for node in optimised.graph.node:
        above = frozenset[str]().union(*(decided.get(name, frozenset()) for name in node.input))
        if not _is_exact(node, summed, constants):
            above |= {node.op_type}
        decided |= dict.fromkeys(node.output, above)
    return tuple(sorted(decided.get(optimised.graph.output[0].name, ())))


def _is_exact(
    node: onnx.NodeProto, summed: Iterable[str], constants: Mapping[str, onnx.TensorProto]
) -> bool:
    if node.op_type in _WHOLE | _MOVES | _SINGLE:
        return True
    if node.op_type == "ReduceSum":
        return node.output[0] in summed
    if node.op_type == "MatMulIntegerToFloat":  # a bias would be added by some CPUs in one step
        return not any(node.input[6:])
    if node.op_type == "QLinearSigmoid":
        return _rounds_clearly(node, constants)
    return False


def _rounds_clearly(node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> bool:
    """Tell whether all 256 results of a table lie far from the middle between two levels."""
    values = [constants.get(name) for name in node.input[1:5]]
    scale, zero, unit, _ = (
        np.nan if value is None else float(numpy_helper.to_array(value)) for value in values
    )
    levels = 1 / (1 + np.exp(-(np.arange(_LARGEST_BYTE + 1) - zero) * scale)) / unit
    return bool((np.abs(levels % 1 - 0.5) > _FAR_FROM_HALF).all())


def _optimised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph that ONNX Runtime runs here."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        options = cpu.session_options(exact_int8=True)
        options.optimized_model_filepath = str(path)
        cpu.open_session(model.SerializeToString(), options)
        return onnx.load(path)


def _whole_sums(optimised: onnx.ModelProto) -> frozenset[str]:
    """Return the outputs of sums of bytes that float32 holds exactly in any order."""
    makers = {name: node for node in optimised.graph.node for name in node.output}
    sums = {
        node.output[0]: makers[node.input[0]].input[0]
        for node in optimised.graph.node
        if node.op_type == "ReduceSum"
        and node.input[0] in makers
        and makers[node.input[0]].op_type == "Cast"
    }
    if not sums:
        return frozenset()
    seen = _values(optimised, {*sums, *sums.values()})
    return frozenset(
        total
        for total, source in sums.items()
        if seen[source].dtype == np.uint8
        and seen[source].size // seen[total].size * _LARGEST_BYTE < _EXACT_BELOW
    )


def _values(optimised: onnx.ModelProto, names: Iterable[str]) -> dict[str, NDArray[np.generic]]:
    """Run the graph on a black picture; return what some of its tensors are."""
    watched = onnx.ModelProto()
    watched.CopyFrom(optimised)
    (info,) = watched.graph.input
    sides = [side.dim_value or 1 for side in info.type.tensor_type.shape.dim]
    del watched.graph.output[:]
    ordered = sorted(names)
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ordered)
    session = cpu.open_session(
        watched.SerializeToString(), cpu.session_options(optimise=False, exact_int8=True)
    )
    arrays = session.run(ordered, {info.name: np.zeros(sides, np.uint8)})
    return dict(zip(ordered, arrays, strict=True))
