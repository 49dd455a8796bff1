"""What every row of a set has in common: the model, its outputs, and how numbers are kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.sets.encoding import Store

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.record import FeatureRecord

__all__ = ["OutputInfo", "PixelsFrom", "SetInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputInfo:
    """One output of the model that a set keeps.

    Args:
        name: Name of the output in the model file.
        shape: The shape of one row: `(D,)`, or `(H, W, C)` for a map.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers one row has."""
        return prod(self.shape)


class PixelsFrom(StrEnum):
    """How the pixels that features are of were got."""

    FILES_IN_FULL = "files, decoded in full"
    FILES_REDUCED = "files, large JPEGs decoded at a reduced scale"
    ARRAYS = "arrays"

    @classmethod
    def of(cls, extractor: FeatureExtractor, files: bool) -> PixelsFrom:
        """Say how an extractor gets them from files, or from arrays."""
        if not files:
            return cls.ARRAYS
        return cls.FILES_REDUCED if extractor.reduces_jpegs else cls.FILES_IN_FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInfo:
    """What every row of a set has in common.

    Args:
        model: The model's name.
        fingerprint: The model's; vectors of two fingerprints must not be compared.
        outputs: What is kept of each picture. Several stand side by side in `features`.
        store: How numbers are kept.
        timed: Whether rows say when their frame was taken, as a stream's do.
        pixels: How pixels were got; None where nobody noted it, as in JSON lines. A photo of some
            megapixels gives slightly other vectors as a file that was decoded at a reduced scale
            and as an array.
    """

    model: str
    fingerprint: str
    outputs: tuple[OutputInfo, ...]
    store: Store = Store.F32
    timed: bool = False
    pixels: PixelsFrom | None = None

    def __post_init__(self) -> None:
        names = [output.name for output in self.outputs]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"outputs: expected one or more, each once, got {names}")

    @classmethod
    def of(
        cls,
        extractor: FeatureExtractor,
        store: Store = Store.F32,
        *,
        timed: bool = False,
        from_files: bool | None = None,
    ) -> SetInfo:
        """Describe what an extractor makes.

        Args:
            extractor: What makes the features.
            store: How numbers are kept.
            timed: Whether rows say when their frame was taken.
            from_files: Whether pictures are encoded ones (files, bytes) or arrays (frames); None
                if nobody knows.
        """
        shapes = {output.name: tuple(output.shape) for output in extractor.spec.outputs}
        return cls(
            model=extractor.spec.name,
            fingerprint=extractor.fingerprint,
            outputs=tuple(OutputInfo(name=one, shape=shapes[one]) for one in extractor.outputs),
            store=store,
            timed=timed,
            pixels=None if from_files is None else PixelsFrom.of(extractor, from_files),
        )

    @property
    def dim(self) -> int:
        """How many numbers a row has, of all outputs together."""
        return sum(output.size for output in self.outputs)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a row's features: a single output's own, or `(D,)` of several."""
        return self.outputs[0].shape if len(self.outputs) == 1 else (self.dim,)

    def split(self, features: Features) -> list[Features]:
        """Return the outputs of some rows, in order, each flat.

        Args:
            features: float32 `(..., D)`, all outputs side by side.
        """
        ends = list(accumulate(output.size for output in self.outputs))
        return np.split(features, ends[:-1], axis=-1)

    def flat(self, record: FeatureRecord) -> Features:
        """Return a record's features flat, float32 `(D,)`, if they belong into the set.

        Raises:
            SinkError: The record is of another model.
            ValueError: The features have another shape.
        """
        if record.fingerprint != self.fingerprint:
            raise SinkError(
                f"fingerprint: the set has {self.fingerprint[:12]}, the record "
                f"{record.fingerprint[:12]}",
                remedy="Vectors of different models or preprocessing cannot be compared: write "
                "them to two sets.",
            )
        if record.features.shape != self.shape:
            raise ValueError(f"features: expected shape {self.shape}, got {record.features.shape}")
        return record.features.reshape(-1)
