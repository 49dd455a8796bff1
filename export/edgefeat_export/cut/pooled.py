"""The layer that makes a vector of a map or of tokens, under a name that no other layer has."""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import ops

__all__ = ["GEM_POWER", "Pooled"]

GEM_POWER: Final = 3
"""The exponent that Radenović et al. (2018) settle on, and every retrieval system since."""
_GEM_FLOOR: Final = 1e-6  # the generalised mean is defined for positive activations


class Pooled(keras.layers.Layer):  # type: ignore[misc, unused-ignore]  # untyped base
    """Pools a map (N, H, W, C) or tokens (N, T, C) to (N, C).

    Keras numbers the names of its own layers from 1, whatever a loaded model has taken already.

    Args:
        kind: `avg`, `max`, `gem`, `cls` (the first token), or `none`: tokens as a map of one
            column.
        name: Name of the layer.
    """

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(name=name)
        self._kind = kind

    def call(self, x: Any) -> Any:
        """Return what the pooling makes of a map or of tokens."""
        places = tuple(range(1, len(x.shape) - 1))
        if self._kind == "cls":
            return x[:, 0]
        if self._kind == "none":
            return ops.expand_dims(x, 2) if len(places) == 1 else x
        if self._kind == "max":
            return ops.max(x, axis=places)
        if self._kind == "avg":
            return ops.mean(x, axis=places)
        positive = ops.maximum(x, _GEM_FLOOR)
        return ops.power(ops.mean(positive * positive * positive, axis=places), 1 / GEM_POWER)
