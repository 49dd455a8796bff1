"""The inputs of a graph that take hashes of a column's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edgefeat.model.columns import HashInput

__all__ = ["hashed_inputs"]


def hashed_inputs(
    hashes: Sequence[HashInput] | None, values: NDArray[Any]
) -> dict[str, NDArray[np.int64]]:
    """Return these inputs by name: int64 `(N, size)`.

    Args:
        hashes: What the model says of them; None where nothing is hashed.
        values: The column as the graph takes it: float32, float64, int64 or object `(N, size)`.
    """
    if not hashes:
        return {}
    from edgefeat.hashing.values import hashes_of  # few models hash

    keys = {one.name: None if one.key is None else bytes.fromhex(one.key) for one in hashes}
    return {name: hashes_of(values, key) for name, key in keys.items()}
