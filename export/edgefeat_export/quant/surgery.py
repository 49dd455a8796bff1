"""Rewrites a quantized graph for the integer kernels, and checks that its features stayed.

The rewrites make it faster (`narrow`, `widen`, `stem`) or the same on every CPU (`pooled`).
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.drop_dead import drop_dead
from edgefeat_export.graph.writing import write
from edgefeat_export.quant.executor import open_session
from edgefeat_export.quant.narrow import fold_narrow
from edgefeat_export.quant.pooled import pool_bytes
from edgefeat_export.quant.stem import fold_stem
from edgefeat_export.quant.widen import widen_depthwise

__all__ = ["faster"]

_SEED, _PICTURES = 0, 2  # noise in which every kernel meets large and small numbers
_MOST_DIFFERENCE = 0.02  # relative; rounding ties give less, a wrong rewrite about 1


def faster(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the quantized model in the form that integer kernels compute fastest.

    Raises:
        ConversionError: A rewrite changed a feature.
    """
    graph = Graph(model)
    narrow = fold_narrow(graph)  # first: it wants eight channels, which `widen` would pad
    widened = widen_depthwise(graph)
    folded = fold_stem(graph)
    pooled = pool_bytes(graph)  # last: the bytes that it sums may have been reshaped by the others
    if not (narrow or widened or folded or pooled):
        return model
    drop_dead(graph)
    rewritten = write(graph)
    _require_same(model, rewritten)
    return rewritten


def _require_same(plain: onnx.ModelProto, rewritten: onnx.ModelProto) -> None:
    """Refuse a rewrite that changes features.

    A bit may differ where two kernels round a half differently.
    """
    (info,) = plain.graph.input
    sides = [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]
    pictures = np.random.default_rng(_SEED).integers(0, 256, (_PICTURES, *sides), np.uint8)
    expected, got = (_features(model, info.name, pictures) for model in (plain, rewritten))
    for output, a, b in zip(plain.graph.output, expected, got, strict=True):
        difference = float(np.linalg.norm(a - b) / max(float(np.linalg.norm(a)), 1e-12))
        if not difference <= _MOST_DIFFERENCE:
            raise ConversionError(
                "expected a rewrite for the integer kernels to change no feature, got a relative "
                f"difference of {difference:.1e}",
                where=f"graph {plain.graph.name!r}, output {output.name!r}",
                remedy="Report the model: a rewrite is wrong.",
            )


def _features(
    model: onnx.ModelProto, name: str, pictures: NDArray[np.uint8]
) -> list[NDArray[np.float32]]:
    session = open_session(model)
    return list(session.run(None, {name: pictures}))
