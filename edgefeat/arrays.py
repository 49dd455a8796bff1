"""Names for the arrays that rooms hand to each other.

They are for type checkers. Import them under `TYPE_CHECKING`, so that no start pays for them.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Features", "Pixels", "SizeHw"]

Pixels: TypeAlias = NDArray[np.uint8]
"""One picture, uint8 `(height, width, channels)`, BGR unless said otherwise; stacked, several."""

Features: TypeAlias = NDArray[np.float32]
"""One vector, float32 `(D,)`, or one map, `(H, W, C)`; stacked, several: `(N, D)`."""

SizeHw: TypeAlias = tuple[int, int]
"""Height and width in pixels, always in this order."""
