"""Finds where the features of a network for columns end: its bottleneck, or its last hidden layer.

A network for pictures has a body and a perceptron on top, and all of that goes. Here the perceptron
is the network, so only its last layer goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Final

import keras

from edgefeat_export.cut.head import Candidate
from edgefeat_export.errors import BackboneError

__all__ = ["find_head"]

_AFTER_THE_LAST: Final = (
    keras.layers.Activation,
    keras.layers.Dropout,
    keras.layers.Identity,
    keras.layers.ReLU,
    keras.layers.Reshape,
    keras.layers.Softmax,
    keras.layers.Rescaling,
    keras.layers.Normalization,
)
_CHANGES_NOTHING: Final = (keras.layers.Dropout, keras.layers.GaussianNoise)


def find_head(model: keras.Model) -> Candidate:
    """Find the layer whose output is the features.

    - An autoencoder, whose output is as wide as its numbers in: its narrowest layer.
    - A network that ends in a Dense layer: what that layer reads.
    - Any other: its end.

    Args:
        model: Flat, with columns in and one output.

    Raises:
        BackboneError: The model has more than one output, or nothing but its input before the last
            layer.
    """
    if len(model.outputs) != 1:
        names = ", ".join(sorted({_layer(tensor).name for tensor in model.outputs}))
        raise BackboneError(
            f"expected one output, from which the head can be found, got {len(model.outputs)}:"
            f" {names}",
            where=model.name,
            remedy="Name the layer to cut at with {option}.",
            option="layers",
        )
    (end,) = model.outputs
    chain = list(_chain(end))
    last = next(
        (tensor for tensor in chain if not isinstance(_layer(tensor), _AFTER_THE_LAST)), end
    )
    if not isinstance(_layer(last), keras.layers.Dense):
        return Candidate(_layer(end).name, "it has no classification head, so nothing is cut off")
    narrow = _bottleneck(model, chain)
    if narrow is not None:
        return narrow
    (before,) = _inputs(last)
    while isinstance(_layer(before), _CHANGES_NOTHING):
        (before,) = _inputs(before)
    if isinstance(_layer(before), keras.layers.InputLayer):
        raise BackboneError(
            f"nothing comes before its one layer {_layer(last).name!r}, so there are no features",
            where=model.name,
            remedy="Name the layer to cut at with {option}.",
            option="layers",
        )
    return Candidate(_layer(before).name, f"what the last layer {_layer(last).name!r} reads")


def _bottleneck(model: keras.Model, chain: list[Any]) -> Candidate | None:
    """Return the narrowest vector of an autoencoder; None if the model is none."""
    numbers = [prod(t.shape[1:]) for t in model.inputs if str(t.dtype).startswith("float")]
    width = prod(side or 0 for side in chain[0].shape[1:])
    if width not in (*numbers, sum(numbers)) or width == 1:
        return None
    inner = [tensor for tensor in chain[1:] if len(tensor.shape) == 2 and tensor.shape[1]]
    least = min((tensor.shape[1] for tensor in inner), default=width)
    if least >= width:
        return None
    narrow = next(tensor for tensor in inner if tensor.shape[1] == least)
    return Candidate(
        _layer(narrow).name,
        f"the narrowest layer, {least} numbers wide, of an autoencoder of {width}",
    )


def _layer(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _inputs(tensor: Any) -> list[Any]:
    operation, node, _ = tensor._keras_history
    return list(operation._inbound_nodes[node].input_tensors)


def _chain(tensor: Any) -> Iterator[Any]:
    """Yield the tensor and those before it, up to the input or to where branches meet."""
    while True:
        yield tensor
        before = _inputs(tensor)
        if len(before) != 1:
            return
        (tensor,) = before
