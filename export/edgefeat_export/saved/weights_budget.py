"""Bounds the weights that an architecture asks for by those that its file holds.

One line of JSON can ask for a layer of a billion filters. Keras would fill them with random numbers
before it looks at the file, so the sizes are added up as the layers are built.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import keras

from edgefeat_export.errors import BackboneError

__all__ = ["at_most"]

_FREE: Final = 64 << 20  # bytes beyond what the file holds, for weights that files leave out
_WEIGHT_BYTES: Final = 4


@contextmanager
def at_most(stored_bytes: int, path: Path) -> Iterator[None]:
    """Refuse, while the block builds a model, weights of more bytes than its file has.

    Args:
        stored_bytes: How many bytes of numbers the file holds.
        path: The model file, for messages.

    Raises:
        BackboneError: A layer asks for more.
    """
    left = 2 * stored_bytes + _FREE  # weights may be stored in half precision
    plain = keras.Layer.add_weight

    def add_weight(layer: Any, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        sides = (shape,) if isinstance(shape, int) else tuple(shape or ())
        if all(isinstance(side, int) for side in sides):
            left -= math.prod(sides) * _WEIGHT_BYTES
        if left < 0:
            raise BackboneError(
                f"layer {layer.name!r} asks for weights of shape {sides}, more than the file holds"
                f" ({stored_bytes / 1e6:,.1f} MB)",
                where=path,
                remedy="Save the model again, with its weights.",
            )
        return plain(layer, shape, *args, **kwargs)

    keras.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.Layer.add_weight = plain
