"""What the features of a file are compared with: those of Keras, or of a float file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edgefeat import FeatureExtractor
from edgefeat.arrays import Features, Pixels
from edgefeat_export import border
from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.networks import forgetful
from edgefeat_export.networks.normalisation import Normalisation

if TYPE_CHECKING:
    from edgefeat_export.cut.headless import Headless

__all__ = ["FileReference", "KerasReference", "Reference"]

_CHUNK = 16  # pictures that Keras gets at once


class Reference(Protocol):
    """Something that gives the right features of a picture."""

    @property
    def name(self) -> str:
        """What messages call it, such as "Keras"."""
        ...

    def features(self, images: Pixels) -> list[Features]:
        """Return the right features of pictures.

        Args:
            images: uint8 `(N, height, width, channels)` at the graph's input, RGB or grey.

        Returns:
            Each output in the file's order, the primary one first: float32 `(N, ...)`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasReference:
    """A headless Keras model, fed from the same uint8 pixels as the exported graph.

    Attributes:
        headless: The model and its outputs.
        normalisation: Turns uint8 pixels into the model's input.
        reduction: What happens to the primary output afterwards. It is computed in float64 by
            NumPy, not by the nodes of the graph.
    """

    headless: Headless
    normalisation: Normalisation
    reduction: Reduction = field(default_factory=Reduction)

    @property
    def name(self) -> str:
        """What messages call it."""
        return "Keras"

    def features(self, images: Pixels) -> list[Features]:
        """Run Keras on pictures; see `Reference.features`."""
        chunks = [
            self._run(images[start : start + _CHUNK]) for start in range(0, len(images), _CHUNK)
        ]
        first, *others = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
        return [self.reduction.apply(first), *others]

    def _run(self, images: Pixels) -> Sequence[Features]:
        model = self.headless.model
        remedy = "Cut in front of the layer that cannot be run, with `--layer`."
        with border.explained("Keras cannot run it", where=model.name, remedy=remedy):
            outputs = forgetful.run(model, self.normalisation.apply(images))
            return [np.asarray(output) for output in outputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReference:
    """A finished float file, as the installed runtime computes it.

    Attributes:
        path: The model file.
    """

    path: Path

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def features(self, images: Pixels) -> list[Features]:
        """Run the file on pictures; see `Reference.features`."""
        with FeatureExtractor(self.path, outputs="all") as extractor:
            rows = [extractor.outputs_prepared(image[np.newaxis]) for image in images]
            names = [output.name for output in extractor.spec.outputs]
        return [np.concatenate([row[name] for row in rows]) for name in names]
