"""What a saved model's first layers tell of its pixels: whether they were made for 0 to 255.

Only what stands before the first weights is asked, and by its numbers, not by the names of its
layers. It is run on a black, a nearly black and a white picture. Where it is one shift and one
scale, these tell which value it brings to zero and how much it brings to one: with
`Rescaling(1 / 255)` 0 and 255, with statistics of pictures that were scaled to 0..1 something like
0.485 and 0.229. So a layer that scales is no proof of 0 to 255: only its size is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

__all__ = ["FirstLayers", "first_layers"]

_UNIT_AT_MOST: Final = 3.0
"""Pixels of 0..1 or -1..1 have a mean and a deviation below this; those of 0..255 rarely have."""
_WHITE: Final = 255.0
_STRAIGHT: Final = 1e-3  # how far three points may lie off a line, relative to its rise


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLayers:
    """The shift and scale that a model applies to its input before its first weights.

    Attributes:
        zero: The input that becomes 0.
        unit: How much of the input becomes 1.
        low: What an input of 0 becomes.
        high: What an input of 255 becomes.
    """

    zero: float
    unit: float
    low: float
    high: float

    @property
    def speak_of_bytes(self) -> bool:
        """Whether the numbers are those of pixels 0 to 255, and of no smaller range."""
        large = self.unit >= _UNIT_AT_MOST or self.zero >= _UNIT_AT_MOST
        return large and -self.unit <= self.zero <= _WHITE + self.unit

    @property
    def do_nothing(self) -> bool:
        """Whether the input reaches the first weights as it is."""
        return self.zero == 0 and self.unit == 1


def first_layers(model: keras.Model) -> FirstLayers | None:
    """Return what happens to a picture before the model's first weights.

    Args:
        model: A flat functional model of one picture input.

    Returns:
        The layers' shift and scale at the place where they are largest; None where they are no
        shift and scale, or where the first weights read several tensors.
    """
    import keras

    ends = _before_weights(model)
    if len(ends) != 1:
        return None
    front = keras.Model(model.inputs[0], ends[0])
    picture = model.inputs[0]
    shape = [side or 1 for side in picture.shape]
    black, almost, white = (
        np.asarray(front(np.full(shape, value, picture.dtype), training=False), np.float64)
        for value in (0.0, 1.0, _WHITE)
    )
    return _straight(black, almost - black, white)


def _straight(
    low: NDArray[np.float64], slope: NDArray[np.float64], high: NDArray[np.float64]
) -> FirstLayers | None:
    """Return the line through three points, of the number whose line is the flattest."""
    rises = slope != 0  # the border of a padded picture stays as it is
    if not rises.any():
        return None
    low, slope, high = low[rises], slope[rises], high[rises]
    off = np.abs(low + _WHITE * slope - high)
    if (off > _STRAIGHT * np.abs(_WHITE * slope)).any():
        return None
    units = 1 / np.abs(slope)
    zeros = -low / slope
    at = int(np.argmax(np.maximum(units, zeros)))
    return FirstLayers(
        zero=_round(zeros[at]), unit=_round(units[at]), low=_round(low[at]), high=_round(high[at])
    )


def _round(value: float) -> float:
    """Return a number with the digits that float32 arithmetic gives it."""
    return float(f"{value:.5g}") + 0.0  # no -0


def _before_weights(model: keras.Model) -> list[Any]:
    """Return the tensors that layers with weights read and that no weights have touched."""
    pure: dict[int, bool] = {}  # whether no weights lie between the input and a tensor
    found: dict[int, Any] = {}
    waiting = list(model.outputs)
    while waiting:
        tensor = waiting[-1]
        read = _read(tensor)
        unknown = [one for one in read if id(one) not in pure]
        if unknown:
            waiting += unknown
            continue
        waiting.pop()
        above = all(pure[id(one)] for one in read)
        pure[id(tensor)] = above and not _learned(tensor)
        if not pure[id(tensor)]:
            found |= {id(one): one for one in read if pure[id(one)]}
    if not found:  # a model without weights
        found = {id(one): one for one in model.outputs}
    return list(found.values())


def _read(tensor: Any) -> list[Any]:
    """Return the tensors that a tensor is made from."""
    operation, node, _ = tensor._keras_history
    return list(operation._inbound_nodes[node].input_tensors)


def _learned(tensor: Any) -> bool:
    """Return whether a tensor comes from weights, other than statistics of the input."""
    operation = tensor._keras_history.operation
    return bool(getattr(operation, "weights", ())) and type(operation).__name__ != "Normalization"
