"""Indices become rows of zeros and ones: one for each, one for all, counts, weighted counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgefeat_export.columns.column import Operand
from edgefeat_export.columns.drawing import Drawing
from edgefeat_export.columns.refusing import inexact

__all__ = ["encode"]


def encode(
    drawing: Drawing,
    layer: Any,
    indices: Operand,
    *,
    mode: str,
    depth: int,
    weights: Operand | None = None,
) -> Operand:
    """Encode indices as Keras's layers do; an index outside 0 to depth - 1 has only zeros.

    Args:
        drawing: The graph.
        layer: The layer, for messages.
        indices: int64, batch axis first.
        mode: `one_hot`, `multi_hot`, `count` or `tf_idf`, which counts too.
        depth: How many columns there are.
        weights: What each index counts, of the same shape; None counts 1.

    Returns:
        float32: `one_hot` adds an axis behind all, or takes the place of a last axis of 1. The
        others take the place of axis 1.

    Raises:
        BackboneError: Each row is a single index without an axis, which Keras's counting modes
            take for one sample of the whole batch.
    """
    axes = len(indices.shape)
    if mode == "one_hot":
        if axes > 1 and indices.shape[-1] == 1:
            name = drawing.add("Squeeze", indices.name, drawing.integers(-1))
            indices = Operand(name=name, dtype="int64", shape=indices.shape[:-1])
        return _hot(drawing, indices, depth)
    if axes == 1:
        raise inexact(
            layer,
            f"with output_mode={mode!r} Keras takes a batch of single values for one sample",
            "Give its input the shape (1,) in place of (), and train again.",
        )
    hot = _hot(drawing, indices, depth)
    shape = (indices.shape[0], *indices.shape[2:], depth)
    axis = drawing.integers(1)
    if mode == "multi_hot":
        name = drawing.add("ReduceMax", hot.name, axis, keepdims=0)
        return Operand(name=name, dtype="float32", shape=shape)
    counted = hot.name
    if weights is not None:
        counts = drawing.add("Unsqueeze", weights.name, drawing.integers(-1))
        counted = drawing.add("Mul", counted, counts)
    name = drawing.add("ReduceSum", counted, axis, keepdims=0)
    return Operand(name=name, dtype="float32", shape=shape)


def _hot(drawing: Drawing, indices: Operand, depth: int) -> Operand:
    """Compare each index with every column's: ONNX's own OneHot would wrap negative ones."""
    wide = drawing.add("Unsqueeze", indices.name, drawing.integers(-1))
    same = drawing.add("Equal", wide, drawing.constant(np.arange(depth, dtype=np.int64)))
    name = drawing.cast(same, "float32")
    return Operand(name=name, dtype="float32", shape=(*indices.shape, depth))
