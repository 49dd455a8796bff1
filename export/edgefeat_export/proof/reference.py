"""What Keras itself says: the features every exported file is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.cut.headless import Headless
from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.networks.normalisation import Normalisation

__all__ = ["KerasReference"]

_CHUNK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasReference:
    """A headless Keras model fed from the same uint8 pixels as the exported graph.

    `reduction` is applied to the primary output in float64, without the graph's nodes.
    """

    headless: Headless
    normalisation: Normalisation
    reduction: Reduction = field(default_factory=Reduction)

    def features(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Run Keras on pictures at the graph's input.

        Args:
            images: uint8 `(N, height, width, channels)`, RGB or grey.

        Returns:
            Each output of the headless model, in order: float32 `(N, ...)`.
        """
        chunks = [
            self._run(images[start : start + _CHUNK]) for start in range(0, len(images), _CHUNK)
        ]
        first, *others = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
        return [self.reduction.apply(first), *others]

    def primary(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run Keras and return the primary output: float32 `(N, ...)`."""
        return self.features(images)[0]

    def _run(self, images: NDArray[np.uint8]) -> Sequence[NDArray[np.float32]]:
        outputs = self.headless.model(self.normalisation.apply(images), training=False)
        listed = outputs if isinstance(outputs, list | tuple) else [outputs]
        return [np.asarray(output) for output in listed]
