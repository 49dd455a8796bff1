"""Takes the scaling layers off Keras's EfficientNet, so that its scaling is plain numbers too.

Keras builds EfficientNetB0 to B7 with the scaling inside, and has no option to leave it out. There
is a trap in it: the released weights store the standard deviation where Keras expects the variance.
An extra layer makes up for that, but only with `weights="imagenet"`
(github.com/tensorflow/tensorflow/issues/49930). The same file loaded by its path gets no such
layer, and gives wrong features without a word. So the numbers are read, and the layers are cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.networks.normalisation import TORCH, Normalisation

if TYPE_CHECKING:
    import keras

__all__ = ["without_input_layers"]

_FIRST_REAL_LAYER: Final = "stem_conv_pad"
_RELEASED_DEVIATION: Final = (0.229, 0.224, 0.225)


def without_input_layers(model: keras.Model) -> tuple[keras.Model, Normalisation]:
    """Return an EfficientNetB* cut behind its scaling layers, and what these did.

    Returns:
        The model from its first padding layer on, sharing all layers, and the scaling that its
        input now needs.
    """
    import keras

    normalisation = _numbers(_normalization_layer(model))
    stem = model.get_layer(_FIRST_REAL_LAYER)
    return keras.Model(stem.input, model.output, name=model.name), normalisation


def _normalization_layer(model: keras.Model) -> Any:
    import keras

    return next(x for x in model.layers if isinstance(x, keras.layers.Normalization))


def _numbers(layer: Any) -> Normalisation:
    mean, variance = (np.asarray(x, np.float64).ravel() for x in (layer.mean, layer.variance))
    if np.allclose(variance, _RELEASED_DEVIATION, rtol=0, atol=1e-6):
        return TORCH
    return Normalisation(mean=_three(mean * 255), std=_three(np.sqrt(variance) * 255))


def _three(values: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
