"""Rewrites a quantized graph for speed and sameness, and proves that its features stayed."""

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
from edgefeat_export.quant.pooled import pool_levels
from edgefeat_export.quant.stem import fold_stem
from edgefeat_export.quant.widen import widen_depthwise

__all__ = ["faster"]

_SEED, _PICTURES = 0, 2
_TIES = 0.02  # a wrong rewrite gives unrelated features: about 1


def faster(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the quantized model in the form the integer kernels like best.

    Raises:
        ConversionError: A rewrite changed a feature.
    """
    graph = Graph(model)
    narrow = fold_narrow(graph)
    widened = widen_depthwise(graph)
    folded = fold_stem(graph)
    pooled = pool_levels(graph)  # last: it reads levels past what the others put behind them
    if not (narrow or widened or folded or pooled):
        return model
    drop_dead(graph)
    rewritten = write(graph)
    _require_same(model, rewritten)
    return rewritten


def _require_same(plain: onnx.ModelProto, rewritten: onnx.ModelProto) -> None:
    """Bits may differ where two kernels break a rounding tie differently, and nowhere else."""
    (info,) = plain.graph.input
    sides = [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]
    pictures = np.random.default_rng(_SEED).integers(0, 256, (_PICTURES, *sides), np.uint8)
    expected, got = (_features(model, info.name, pictures) for model in (plain, rewritten))
    for output, a, b in zip(plain.graph.output, expected, got, strict=True):
        difference = float(np.linalg.norm(a - b) / max(float(np.linalg.norm(a)), 1e-12))
        if not difference <= _TIES:
            raise ConversionError(
                f"expected output {output.name!r} to stay the same in the rewrite for speed, got a "
                f"relative difference of {difference:.1e}; report the model: a rewrite is wrong"
            )


def _features(
    model: onnx.ModelProto, name: str, pictures: NDArray[np.uint8]
) -> list[NDArray[np.float32]]:
    session = open_session(model)
    return list(session.run(None, {name: pictures}))
