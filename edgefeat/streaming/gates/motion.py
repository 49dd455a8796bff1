"""The motion gate: passes pictures in which something changed, before any inference.

Means of blocks are compared: sensor noise averages out in a block, a thing that moves does not.
"""

from __future__ import annotations

from functools import partial
from math import prod

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Pixels
from edgefeat.streaming.gates.calm import Calm, Change
from edgefeat.streaming.gates.light import unlit_difference

__all__ = ["Blocks", "MotionGate", "blended", "block_means", "block_weights", "difference"]

_BLOCK_SIDE = 16
_LEAST_LOOKED_AT = 0.5  # share of a block; one that is masked more than this does not count

Blocks = NDArray[np.float32]


class MotionGate:
    """Compares pictures as the graph takes them with the scene as it has been.

    Args:
        threshold: By how many grey levels blocks must differ; None lets every picture pass.
        area: Share of the picture whose blocks must differ by as much; None: one block.
        leave: Share of the threshold below which the scene is calm again.
    """

    def __init__(self, threshold: float | None, *, area: float | None, leave: float) -> None:
        self._threshold, self._area, self._leave = threshold, area, leave
        self._calm = self._anew()
        self._shape: tuple[int, ...] | None = None
        self._counts: NDArray[np.float32] | None = None
        self._weights: tuple[NDArray[np.float32], Blocks] | None = None

    @property
    def distance(self) -> float | None:
        """Grey levels by which the last picture differed; None for the first."""
        return self._calm.distance

    def look(
        self, pixels: Pixels, moment_s: float, counts: NDArray[np.float32] | None = None
    ) -> Change | None:
        """Return why a picture passes; None if it does not.

        Args:
            pixels: The model's input, uint8 `(height, width, channels)`.
            moment_s: The frame's time in seconds.
            counts: float32 `(height, width)`, 1 for pixels that count and 0 for those that do not;
                None: all count. Another array is another mask.
        """
        if counts is not self._counts:
            self._counts = counts
            self._weights = None if counts is None else block_weights(counts, pixels)
        state = block_means(pixels, self._weights)
        if state.shape != self._shape:  # pictures of another size begin anew
            self._shape, self._calm = state.shape, self._anew()
        return self._calm.look(state, self._threshold, moment_s)

    def _anew(self) -> Calm[Blocks]:
        return Calm(partial(difference, area=self._area), blended, self._leave)


def difference(now: Blocks, before: Blocks, area: float | None) -> float:
    """Return by how many grey levels a share of the blocks differs at least.

    Args:
        now: float32 `(blocks, channels)`.
        before: float32 `(blocks, channels)`, an earlier picture's.
        area: The share; None: one block.
    """
    each = unlit_difference(now, before).max(axis=1)
    count = 1 if area is None else round(area * len(each))
    rank = min(max(1, count), len(each))
    return float(np.partition(each, -rank)[-rank])


def block_means(pixels: Pixels, weights: tuple[NDArray[np.float32], Blocks] | None) -> Blocks:
    """Return the means of blocks: float32 `(blocks, channels)`, at least one block.

    Args:
        pixels: The model's input, uint8 `(height, width, channels)`.
        weights: What `block_weights` returned for a mask; None: all pixels count.
    """
    exact: NDArray[np.float32] = pixels.astype(np.float32)
    if weights is None:
        return _shrunk(exact)
    each, counted = weights
    exact *= each
    means: Blocks = np.divide(_shrunk(exact), np.maximum(counted, 1e-6), dtype=np.float32)
    used = counted[:, 0] >= _LEAST_LOOKED_AT
    return means[used] if used.any() else np.zeros((1, means.shape[1]), np.float32)


def block_weights(
    counts: NDArray[np.float32], pixels: Pixels
) -> tuple[NDArray[np.float32], Blocks]:
    """Return the weight of each pixel, and the share of each block that counts.

    They are float32 `(height, width, channels)` and `(blocks, 1)`.

    Args:
        counts: float32 `(height, width)`, 1 for pixels that count and 0 for those that do not.
        pixels: A picture, uint8 `(height, width, channels)`.
    """
    each = np.ascontiguousarray(np.broadcast_to(counts[..., np.newaxis], pixels.shape))
    return each, _shrunk(counts[..., np.newaxis])


def _shrunk(pixels: NDArray[np.float32]) -> Blocks:
    height, width = pixels.shape[:2]
    size = (max(1, width // _BLOCK_SIDE), max(1, height // _BLOCK_SIDE))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small.reshape(-1, prod(pixels.shape[2:])).astype(np.float32, copy=False)


def blended(earlier: Blocks, later: Blocks, share: float) -> Blocks:
    """Return blocks moved towards later ones: float32 `(blocks, channels)`.

    Args:
        earlier: float32 `(blocks, channels)`.
        later: float32 `(blocks, channels)`.
        share: How far, between 0 and 1.
    """
    return earlier + np.float32(share) * (later - earlier)
