"""The last numbers of a kind, of which live numbers state percentiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgefeat.measures.percentiles import stated

__all__ = ["Recent"]


class Recent:
    """Keeps the last numbers; written by one thread, read by any.

    Args:
        places: How many are kept.

    Attributes:
        seen: How many there have been.
    """

    def __init__(self, places: int = 1024) -> None:
        self._numbers = np.zeros(places, np.float64)
        self.seen = 0

    def add(self, number: float) -> None:
        """Take a number in the place of the oldest."""
        self._numbers[self.seen % len(self._numbers)] = number
        self.seen += 1

    def percentile(self, quantile: float, *, digits: int) -> float | None:
        """Return a percentile of what is kept; None if it is too few to state it.

        Args:
            quantile: Which percentile, between 0 and 1.
            digits: How many decimals to round to.
        """
        value = stated(self.ascending().tolist(), quantile)
        return None if value is None else round(value, digits)

    def ascending(self) -> NDArray[np.float64]:
        """Return what is kept, sorted: float64 `(N,)`."""
        return np.sort(self._numbers[: min(self.seen, len(self._numbers))])
