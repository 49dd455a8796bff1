"""Numbers before the network proper: Discretization, Normalization, Rescaling, CategoryEncoding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgefeat_export.columns.column import Operand
from edgefeat_export.columns.drawing import Drawing
from edgefeat_export.columns.encoding import encode
from edgefeat_export.columns.refusing import inexact

__all__ = ["as_type", "write_bins", "write_categories", "write_normalization", "write_rescaling"]

_SMALLEST_DEVIATION = np.float32(1e-7)  # Keras's epsilon
_SMALLEST_NORMAL = np.finfo(np.float32).smallest_normal


def write_bins(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a Discretization: the number of edges that are not above the value.

    It asks `not (x < edge)` and not `x >= edge`, so that NaN falls into the last bin, as TensorFlow
    has it.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: The numbers.

    Raises:
        BackboneError: It has no edges.
    """
    (x,) = inputs
    if not layer.bin_boundaries:
        raise inexact(
            layer, "it has no edges of bins", "Call `adapt` on it before the model is saved."
        )
    edges = np.asarray([float(edge) for edge in layer.bin_boundaries], np.float32)
    if x.column is not None:
        x.column.edges += [float(edge) for edge in edges]
    value = as_type(drawing, x, "float32")
    edges[np.abs(edges) < _SMALLEST_NORMAL] = 0
    if not edges.all():  # TensorFlow takes numbers below the normal ones for 0
        tiny = drawing.add("Abs", value.name)
        tiny = drawing.add("Less", tiny, drawing.constant(_SMALLEST_NORMAL))
        zero = drawing.constant(np.float32(0))
        value = replace(value, name=drawing.add("Where", tiny, zero, value.name))
    wide = drawing.add("Unsqueeze", value.name, drawing.integers(-1))
    passed = drawing.add("Not", drawing.add("Less", wide, drawing.constant(edges)))
    counted = drawing.add(
        "ReduceSum", drawing.cast(passed, "int64"), drawing.integers(-1), keepdims=0
    )
    index = Operand(name=counted, dtype="int64", shape=x.shape)
    if layer.output_mode == "int":
        return index
    return encode(drawing, layer, index, mode=layer.output_mode, depth=len(edges) + 1)


def write_normalization(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a Normalization with the very steps of Keras: a folded one differs in the last bit.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: The numbers.

    Raises:
        BackboneError: It has no mean.
    """
    (x,) = inputs
    if layer.mean is None:
        raise inexact(layer, "it has no mean", "Call `adapt` on it before the model is saved.")
    mean = np.asarray(layer.mean, np.float32)
    variance = np.asarray(layer.variance, np.float32)
    deviation = np.maximum(np.sqrt(variance), _SMALLEST_DEVIATION)
    if x.column is not None and not layer.invert:
        pairs = np.broadcast_arrays(mean.ravel(), deviation.ravel())
        x.column.centres += [(float(m), float(s)) for m, s in zip(*pairs, strict=True)]
    value = as_type(drawing, x, "float32")
    m, s = drawing.constant(mean), drawing.constant(deviation)
    if layer.invert:
        name = drawing.add("Add", m, drawing.add("Mul", value.name, s))
    else:
        name = drawing.add("Div", drawing.add("Sub", value.name, m), s)
    return Operand(name=name, dtype="float32", shape=x.shape)


def write_rescaling(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a Rescaling.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: The numbers.
    """
    (x,) = inputs
    value = as_type(drawing, x, "float32")
    scale = drawing.constant(np.asarray(layer.scale, np.float32))
    offset = drawing.constant(np.asarray(layer.offset, np.float32))
    name = drawing.add("Add", drawing.add("Mul", value.name, scale), offset)
    return Operand(name=name, dtype="float32", shape=x.shape)


def write_categories(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a CategoryEncoding.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: Indices; a second one says what each index counts.
    """
    x, *weights = inputs
    if x.column is not None:
        x.column.words += [n for n in range(layer.num_tokens) if n not in x.column.words]
        x.column.bounded = True
    indices = as_type(drawing, x, "int64")
    if x.column is not None and layer.output_mode != "one_hot":
        negative = drawing.add("Less", indices.name, drawing.whole(0))
        name = drawing.without(negative, indices.name, x.column.size)
        indices = replace(indices, name=name)
    return encode(
        drawing,
        layer,
        indices,
        mode=layer.output_mode,
        depth=layer.num_tokens,
        weights=as_type(drawing, weights[0], "float32") if weights else None,
    )


def as_type(drawing: Drawing, x: Operand, dtype: str) -> Operand:
    """Return a tensor as a type; unchanged if it is of that type.

    Args:
        drawing: The graph.
        x: The tensor.
        dtype: The type; see `ELEMENTS`.
    """
    if x.dtype == dtype:
        return x
    return Operand(name=drawing.cast(x.name, dtype), dtype=dtype, shape=x.shape)
