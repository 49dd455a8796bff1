"""Rewrites a quantized graph for speed and proves that not one bit of its features changed."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.cleanup import drop_dead
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.writing import write
from edgefeat_export.quant.executor import open_session
from edgefeat_export.quant.stem import fold_stem
from edgefeat_export.quant.widen import widen_depthwise

__all__ = ["faster"]

_SEED = 0


def faster(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the quantized model in the form the integer kernels like best.

    Raises:
        ConversionError: A rewrite changed a feature.
    """
    graph = Graph(model)
    widened = widen_depthwise(graph)
    folded = fold_stem(graph)
    if not widened and not folded:
        return model
    drop_dead(graph)
    rewritten = write(graph)
    _require_equal(model, rewritten)
    return rewritten


def _require_equal(plain: onnx.ModelProto, rewritten: onnx.ModelProto) -> None:
    (info,) = plain.graph.input
    sides = [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]
    picture = np.random.default_rng(_SEED).integers(0, 256, (1, *sides), np.uint8)
    expected, got = (_features(model, info.name, picture) for model in (plain, rewritten))
    for output, a, b in zip(plain.graph.output, expected, got, strict=True):
        if not np.array_equal(a, b):
            raise ConversionError(
                f"expected output {output.name!r} to keep every bit in the rewrite for speed, got a "
                f"difference of {np.abs(a - b).max()}; report the model, and quantize it without"
            )


def _features(
    model: onnx.ModelProto, name: str, picture: NDArray[np.uint8]
) -> list[NDArray[np.float32]]:
    session = open_session(model)
    return list(session.run(None, {name: picture}))
