"""Takes a change of the light out of the difference of two pictures.

Clouds, a lens that adapts and white balance multiply a whole colour channel; a thing that moves
changes a part. So each channel's gain is the median of its blocks' ratios, weighted by how bright
they were: up to half of the picture may change without moving it. A light that more than doubles or
halves is no change of the light alone: it was switched, or the lens is covered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["unlit_difference"]

_FULL = 255.0
_LEAST_GAIN, _MOST_GAIN = 0.5, 2.0
_CLIPPED = 245.0  # a block as bright as this may have been cut off by the sensor


def unlit_difference(now: NDArray[np.float32], before: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how many grey levels blocks differ, beside what a change of light explains.

    Args:
        now: float32 `(blocks, channels)`, means of blocks, 0 to 255.
        before: float32 `(blocks, channels)`, the same of an earlier picture.

    Returns:
        float32 `(blocks, channels)`, 0 or more.
    """
    gains = np.clip(_gains(now, before), _LEAST_GAIN, _MOST_GAIN)
    expected = np.minimum(before * gains, _FULL)
    difference = now - expected
    # What was cut off may come out brighter than expected, when the light falls.
    clipped = (before >= _CLIPPED) & (difference > 0)
    return np.abs(np.where(clipped, 0, difference))


def _gains(now: NDArray[np.float32], before: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each channel's weighted median of now / before: float32 `(channels,)`."""
    gains = np.empty(before.shape[1], np.float32)
    for channel, (after, weights) in enumerate(zip(now.T + 1, before.T + 1, strict=True)):
        ratios = after / weights
        order = ratios.argsort()
        heavy = weights[order].cumsum()
        gains[channel] = ratios[order[heavy.searchsorted(heavy[-1] / 2)]]
    return gains
