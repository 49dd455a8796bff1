"""Stores weights as float16: half the file, the same arithmetic.

Each weight gets a Cast to float32 behind it. ONNX Runtime folds the Cast away when it opens the
file. So inference is as fast as before, and needs no half-precision kernels, which CPUs rarely
have.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["with_half_weights"]

_FEWEST_NUMBERS: Final = 64  # a Cast node costs about as much as it saves on fewer
_LARGEST_FLOAT16: Final = float(np.finfo(np.float16).max)
_MOST_LOST: Final = 1e-3  # share of a tensor's length: rounding costs 3e-4, numbers below 6e-5 more


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its float32 weights stored as float16.

    Small constants stay as they are, and so do tensors that float16 cannot hold: with a number
    beyond its range, or with numbers so small that they would be lost.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    casts, stored = [], []
    for tensor in result.graph.initializer:
        half = _as_half(tensor)
        if half is None:
            stored.append(tensor)
            continue
        name = f"{tensor.name}_half"
        stored.append(numpy_helper.from_array(half, name))
        casts.append(
            helper.make_node(
                "Cast", [name], [tensor.name], name=f"{name}_cast", to=TensorProto.FLOAT
            )
        )
    nodes = [*casts, *result.graph.node]
    del result.graph.node[:], result.graph.initializer[:]
    result.graph.node.extend(nodes)
    result.graph.initializer.extend(stored)
    return result


def _as_half(tensor: onnx.TensorProto) -> NDArray[np.float16] | None:
    """Return the weights as float16, or None where the tensor stays as it is."""
    if tensor.data_type != TensorProto.FLOAT:
        return None
    array = numpy_helper.to_array(tensor)
    if array.size < _FEWEST_NUMBERS or not np.abs(array).max() <= _LARGEST_FLOAT16:
        return None
    half = array.astype(np.float16)
    wide = array.astype(np.float64)
    return half if np.linalg.norm(wide - half) <= _MOST_LOST * np.linalg.norm(wide) else None
