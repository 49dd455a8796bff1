"""Runs single operators of the float network, with results that do not depend on the CPU.

Convolutions are sums on a grid (`exact`). Other arithmetic is done in float64 (`arithmetic`). What
only moves or selects numbers is left to ONNX Runtime. So is any operator that is not known here:
its results may differ between CPUs in the last bit of float32, of which half precision mostly
leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgefeat.engine.cpu import InferenceSession
from edgefeat_export.arrays import Array
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.node import Node
from edgefeat_export.graph.writing import node_proto
from edgefeat_export.quant import exact
from edgefeat_export.quant.arithmetic import arithmetic_of
from edgefeat_export.quant.executor import open_session
from edgefeat_export.quant.windows import Windows

__all__ = ["Operator", "held", "is_plain_convolution"]

Compute = Callable[[Sequence[Array]], Array]
_HALF_MAX: Final = 6e4  # float16 ends at 65,504
_INPUT_BITS: Final = 20  # a convolution's input; its weights get what is left of 53


class Operator:
    """One operator with its constants, to be fed with arrays.

    Args:
        graph: The graph that the operator is part of.
        node: The operator.
    """

    def __init__(self, graph: Graph, node: Node) -> None:
        values = {name: graph.value(name) if name else None for name in node.inputs}
        self.inputs = [name for name, value in values.items() if name and value is None]
        self._elsewhere: Compute = _OnnxRuntime(graph, node, self.inputs)
        arithmetic = arithmetic_of(node)
        self._here: Compute | None = None
        if is_plain_convolution(graph, node):
            self._here = _Convolution(graph, node)
        elif arithmetic is not None:
            self._here = _Arithmetic(arithmetic, node.inputs, values)

    def run(self, arrays: Sequence[Array]) -> Array:
        """Return the first output.

        Args:
            arrays: Inputs in the order of `inputs`, of any type.
        """
        if self._here is None or any(array.dtype.kind != "f" for array in arrays):
            return self._elsewhere(arrays)
        return self._here(arrays)


def held(x: Array) -> Array:
    """Return numbers of the float network as they are kept: float16 if they fit, else float32."""
    if x.dtype.kind != "f":
        return x
    narrow = x.astype(np.float32, copy=False)
    fits = narrow.min(initial=0) > -_HALF_MAX and narrow.max(initial=0) < _HALF_MAX
    return narrow.astype(np.float16) if fits else narrow


def is_plain_convolution(graph: Graph, node: Node) -> bool:
    """Say whether it has two dimensions, constant weights and explicit padding."""
    if node.op != "Conv" or node.attrs.get("auto_pad", "NOTSET") not in ("NOTSET", b"NOTSET"):
        return False
    constants = [graph.value(name) for name in node.inputs[1:] if name]
    return constants[0] is not None and constants[0].ndim == 4 and constants[-1] is not None


def _wide(array: Array) -> NDArray[np.float64]:
    return array.astype(np.float64, copy=False)


class _Convolution:
    def __init__(self, graph: Graph, node: Node) -> None:
        self._windows = Windows.of(graph, node)
        weight = self._windows.grouped(graph.constants[node.inputs[1]], 0)
        bits = exact.spare_bits(weight.shape[2]) - _INPUT_BITS
        self._weight = exact.on_grid(weight, bits, axis=2)
        bias = graph.value(node.inputs[2]) if len(node.inputs) > 2 else None
        self._bias = 0.0 if bias is None else bias.astype(np.float64).reshape(-1, 1, 1)

    def __call__(self, arrays: Sequence[Array]) -> Array:
        (x,) = arrays
        sums = self._windows.sums(self._weight, exact.on_grid(x, _INPUT_BITS))
        sums += self._bias
        return sums


class _Arithmetic:
    """An operator of `arithmetic.py` with its constants."""

    def __init__(
        self,
        compute: Callable[..., Array],
        names: Sequence[str],
        values: Mapping[str, Array | None],
    ) -> None:
        self._compute, self._names = compute, names
        self._values = {name: None if v is None else _wide(v) for name, v in values.items()}
        self._variable = [name for name, value in values.items() if name and value is None]

    def __call__(self, arrays: Sequence[Array]) -> Array:
        fed = dict(zip(self._variable, map(_wide, arrays), strict=True))
        return self._compute(*(fed.get(name, self._values[name]) for name in self._names))


class _OnnxRuntime:
    """One operator run by ONNX Runtime in float32."""

    def __init__(self, graph: Graph, node: Node, inputs: Sequence[str]) -> None:
        self._graph, self._node, self._inputs = graph, node, inputs
        self._session: InferenceSession | None = None  # opened when the input types are known

    def __call__(self, arrays: Sequence[Array]) -> Array:
        feeds = {
            name: array.astype(np.float32) if array.dtype.kind == "f" else array
            for name, array in zip(self._inputs, arrays, strict=True)
        }
        if self._session is None:
            self._session = open_session(self._model(feeds))
        result: Array = self._session.run(None, feeds)[0]
        return result

    def _model(self, feeds: Mapping[str, Array]) -> onnx.ModelProto:
        header, node = self._graph.header, self._node
        proto = onnx.ModelProto(ir_version=header.ir_version)
        proto.opset_import.extend(header.opset_import)
        proto.graph.name = "operator"
        proto.graph.node.append(node_proto(node))
        for name in dict.fromkeys(node.inputs):
            value = self._graph.value(name) if name else None
            if value is not None:
                proto.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        for name, array in feeds.items():
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            proto.graph.input.append(helper.make_tensor_value_info(name, kind, None))
        for name in node.outputs:
            proto.graph.output.append(onnx.ValueInfoProto(name=name))
        return proto
