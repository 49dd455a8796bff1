"""Cuts a network for columns at layers, and pools tokens to one vector."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgefeat.model.spec import OutputKind, OutputSpec
from edgefeat_export.columns import head
from edgefeat_export.columns.column import Shape
from edgefeat_export.columns.flat import columns_of
from edgefeat_export.cut.head import Candidate
from edgefeat_export.cut.headless import (
    Headless,
    Pooling,
    Tap,
    output_name,
    tensor_of,
    tensors_by_layer,
)
from edgefeat_export.errors import BackboneError

__all__ = ["call", "cut"]

_POOLINGS = (Pooling.AVG, Pooling.MAX, Pooling.CLS)


def cut(model: keras.Model, taps: Sequence[Tap]) -> tuple[Headless, Candidate | None]:
    """Cut a flat model at the taps.

    Args:
        model: One input a column.
        taps: The first becomes `features`; each other output takes the name of its layer. One that
            names no layer means the end of the network without its head.

    Returns:
        The model with its outputs, and the head that was found; None if every tap names a layer.

    Raises:
        BackboneError: No such layer, no head, or a layer that gives no numbers.
    """
    found = head.find_head(model) if any(tap.layer is None for tap in taps) else None
    known = tensors_by_layer(model)
    layers = [found.layer if tap.layer is None and found else str(tap.layer) for tap in taps]
    shapes = _real_shapes(model, [tensor_of(layer, known, model.name) for layer in layers])
    taken = [column.name for column in columns_of(model)]
    tensors: list[Any] = []
    specs: list[OutputSpec] = []
    for tap, layer, shape in zip(taps, layers, shapes, strict=True):
        tensor = known[layer]
        pooling = _pooling(tensor, shape, tap, layer)
        if pooling is not None:
            tensor, shape = _pooled(tensor, pooling), (shape[0], shape[-1])
        name = output_name(layer, [*(spec.name for spec in specs)], besides=taken)
        tensors.append(tensor)
        specs.append(_spec(name, shape, layer, pooling))
    return Headless(
        model=keras.Model(model.inputs, tensors, name=model.name), outputs=tuple(specs)
    ), found


def call(model: keras.Model, arrays: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    """Return what Keras gives for columns.

    Args:
        model: One input a column.
        arrays: One array a column, in order: strings as objects, (N, size) or as Keras has them.
    """
    tensors = []
    for column, array in zip(columns_of(model), arrays, strict=True):
        given = np.asarray(array).reshape(-1, *column.shape)
        if column.dtype == "string":
            words = np.array([str(word).encode() for word in given.ravel()], dtype=object)
            tensors.append(tf.reshape(tf.constant(words, tf.string), given.shape))
        else:
            tensors.append(tf.constant(given.astype(column.dtype)))
    outputs = model(tensors if len(tensors) > 1 else tensors[0], training=False)
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


def _real_shapes(model: keras.Model, tensors: Sequence[Any]) -> list[Shape]:
    """Return the shapes that tensors really have, which Keras's graph does not always declare."""
    probe = keras.Model(model.inputs, list(tensors))
    arrays = [
        np.full((2, column.size), "a" if column.dtype == "string" else 0, object)
        for column in columns_of(model)
    ]
    try:
        return [(None, *array.shape[1:]) for array in call(probe, arrays)]
    except (ValueError, tf.errors.OpError):  # zeros and "a" are none of its values
        return [tuple(tensor.shape) for tensor in tensors]


def _pooled(tokens: Any, pooling: Pooling) -> Any:
    """Pool tokens (N, T, D); those under the mask do not count, as in Keras's `max` they would."""
    if pooling is Pooling.AVG:
        return keras.layers.GlobalAveragePooling1D()(tokens)
    if pooling is Pooling.CLS:
        return tokens[:, 0]
    mask = getattr(tokens, "_keras_mask", None)
    if mask is None:
        return keras.layers.GlobalMaxPooling1D()(tokens)
    there = keras.ops.expand_dims(mask, -1)
    return keras.ops.max(keras.ops.where(there, tokens, -np.inf), axis=1)


def _pooling(tensor: Any, shape: Shape, tap: Tap, layer: str) -> Pooling | None:
    """Return the pooling that will be done; None where there is nothing to pool."""
    where = f"layer {layer!r}"
    if not str(tensor.dtype).startswith("float"):
        kind = "texts" if tensor.dtype == "string" else "indices"
        raise BackboneError(
            f"it gives {kind}, which are no features: their distances mean nothing",
            where=where,
            remedy="Cut behind an Embedding or an encoding of them.",
        )
    if len(shape) == 2:
        if tap.pooling in (None, Pooling.NONE):
            return None
        raise BackboneError(
            f"its output is a vector of {shape[1]} already, got pooling {tap.pooling}",
            where=where,
            remedy="Leave the pooling out.",
        )
    pooling = tap.pooling or Pooling.AVG
    if len(shape) != 3 or pooling not in _POOLINGS:
        raise BackboneError(
            f"expected a vector, or tokens to pool by {' or '.join(_POOLINGS)}, got shape"
            f" {shape[1:]} and pooling {pooling}",
            where=where,
            remedy="Cut at another layer, or choose another {option}.",
            option="pooling",
        )
    return pooling


def _spec(name: str, shape: Shape, layer: str, pooling: Pooling | None) -> OutputSpec:
    if None in shape[1:]:
        raise BackboneError(
            f"its length is open: {shape[1:]}",
            where=f"layer {layer!r}",
            remedy="Set output_sequence_length of the TextVectorization, or cut behind a pooling.",
        )
    return OutputSpec(
        name=name,
        kind=OutputKind.VECTOR,
        shape=(prod(side or 0 for side in shape[1:]),),
        source_layer=layer,
        pooling=pooling.value if pooling else None,
    )
