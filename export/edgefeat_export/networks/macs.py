"""How much arithmetic a network is: multiply-accumulates for one picture."""

from __future__ import annotations

from math import prod
from typing import Any

import keras

__all__ = ["count_macs"]


def count_macs(model: keras.Model) -> int:
    """Return how many multiply-accumulates the convolutions and dense layers take, as papers count.

    Normalisation, activations, pooling and additions are left out; together they are at most a few
    hundredths of the sum.
    """
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer: Any) -> int:
    if hasattr(layer, "layers"):
        return count_macs(layer)
    if not isinstance(
        layer,
        keras.layers.Conv2D
        | keras.layers.DepthwiseConv2D
        | keras.layers.SeparableConv2D
        | keras.layers.Dense,
    ):
        return 0
    # Every weight of a kernel is used once for each place of the output.
    places = prod(layer.output.shape[1:-1])
    kernels = [weight for weight in layer.weights if "kernel" in weight.name]
    return int(places * sum(prod(kernel.shape) for kernel in kernels))
