"""Names for arrays that several rooms of the exporter share; `edgefeat.arrays` has the others."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Floats"]

Array: TypeAlias = NDArray[Any]
"""Numbers of any type: weights and constants as a graph has them."""

Floats: TypeAlias = NDArray[np.float64]
"""Numbers that are summed or rounded, in float64."""
