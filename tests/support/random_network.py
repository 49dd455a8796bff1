"""Backbones with random weights whose activations stay near order 1 at every depth.

Comparing features relatively is only fair where the network does not magnify rounding. With Keras's
own initial kernels EfficientNetB5 is chaotic; with batch statistics taken from a few pictures
ResNet152 turns float32's last digit into the fourth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from edgefeat_export.networks.catalogue import Backbone
from edgefeat_export.networks.lite import efficientnet_lite0
from edgefeat_export.networks.normalisation import IDENTITY, Normalisation


def random_network(
    backbone: Backbone, size_hw: tuple[int, int]
) -> tuple[keras.Model, Normalisation]:
    """A pooled network as Keras builds it, scaling layers included, and what its input needs."""
    keras.utils.set_random_seed(1)
    shape = (*size_hw, 3)
    if backbone.keras_name is None:
        base = efficientnet_lite0(include_top=False, input_shape=shape)
    else:
        constructor = getattr(keras.applications, backbone.keras_name)
        base = constructor(include_top=False, weights=None, input_shape=shape)
    rng = np.random.default_rng(13)
    for layer in _leaves(base):
        _randomise(layer, rng)
    pooled = keras.layers.GlobalAveragePooling2D()(base.outputs[0])
    model = keras.Model(base.inputs[0], pooled, name=backbone.name)
    scaling = (keras.layers.Rescaling, keras.layers.Normalization)
    inside = any(isinstance(layer, scaling) for layer in _leaves(base))
    return model, IDENTITY if inside else backbone.normalisation


def _randomise(layer: Any, rng: np.random.Generator) -> None:
    """Kernels of gain 1 (LeCun et al. 1998); scales, shifts and statistics all but neutral."""
    for variable in layer.weights:
        if "kernel" in variable.name:
            one_each = variable.shape[-1] == 1 or "depthwise" in variable.name
            fan_in = np.prod(variable.shape[:2] if one_each else variable.shape[:-1])
            variable.assign(rng.normal(0, np.sqrt(1 / fan_in), variable.shape))
    if isinstance(layer, keras.layers.BatchNormalization | keras.layers.LayerNormalization):
        channels = layer.beta.shape
        layer.beta.assign(rng.normal(0, 0.2, channels))
        if layer.scale:
            layer.gamma.assign(rng.uniform(0.7, 1.3, channels))
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.moving_mean.assign(rng.normal(0, 0.2, channels))
        layer.moving_variance.assign(rng.uniform(0.5, 1.5, channels))
    elif getattr(layer, "bias", None) is not None:
        layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    elif type(layer).__name__ == "LayerScale":  # 1e-6 at first: nothing of the block would show
        layer.gamma.assign(rng.uniform(0.2, 0.5, layer.gamma.shape))


def _leaves(model: keras.Model) -> Iterator[Any]:
    for layer in model.layers:
        yield from _leaves(layer) if isinstance(layer, keras.Model) else [layer]
