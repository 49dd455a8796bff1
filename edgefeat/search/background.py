"""How alike the pictures of a set are anyway: cosines of rows drawn by chance.

A threshold for near-duplicates says something only where other pictures stay below it. On a
conveyor belt, or among portraits, every picture is near to every other one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgefeat.measures.percentiles import stated
from edgefeat.search.products import Vectors
from edgefeat.search.rows import Rows

__all__ = ["Background", "measure_background"]

_MOST_ROWS = 512  # 130,816 pairs
_SEED = 0
_QUANTILE = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Cosines of pairs of rows that were drawn by chance.

    Attributes:
        pairs: How many pairs there are.
        median: Half of the pairs are below this cosine; None without a pair.
        p999: 99.9 % of the pairs are below this cosine; None where the pairs are too few to say.
    """

    pairs: int
    median: float | None
    p999: float | None


def measure_background(rows: Rows) -> Background:
    """Return how alike rows are that were drawn by chance; equal sets give equal figures.

    Raises:
        SinkError: A number is not finite.
    """
    count = len(rows)
    drawn = np.arange(count)
    if count > _MOST_ROWS:
        drawn = np.sort(np.random.default_rng(_SEED).choice(count, _MOST_ROWS, replace=False))
    if len(drawn) < 2:
        return Background(pairs=0, median=None, p999=None)
    block = rows.picked(drawn)
    cosines = Vectors(block.decode(), rows).nearly(block)
    pairs = np.sort(cosines[np.triu_indices(len(drawn), 1)]).astype(np.float64)
    p999 = stated(pairs, _QUANTILE)  # type: ignore[arg-type] # an array will do
    return Background(pairs=len(pairs), median=float(np.median(pairs)), p999=p999)
