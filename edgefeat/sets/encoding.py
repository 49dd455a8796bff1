"""Feature vectors in fewer bytes: float16, or one byte a number with a scale, and what that costs.

A byte is a whole number, `feature = code * scale`: int8 with `scale = max(abs(features)) / 127`, or
uint8 with `scale = max(features) / 255` for features that are never negative. A cosine of two
vectors needs no scales (they cancel), a distance does; `decode` applies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.errors import SinkError
from edgefeat.measures import agreement
from edgefeat.options.output import Store

__all__ = ["Store", "StoreLoss", "Stored", "encode", "measure"]

# Past this share of a vector's length, what is kept is another vector: int8 loses 0.14 at the very
# worst (1280 numbers), float16 only where numbers leave its range.
_MAX_RELATIVE_L2 = 0.2
_KEEP_FLOAT32 = "Keep float32 numbers with {option}."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLoss:
    """The worst of what storing did to vectors, against the float32 ones they came from.

    Attributes:
        cosine_min: The lowest cosine.
        relative_l2_max: The largest |difference| / |float32 vector|, L2 norms.
    """

    cosine_min: float
    relative_l2_max: float

    def worst(self, other: StoreLoss | None) -> StoreLoss:
        """Return the worse of both, figure by figure."""
        if other is None:
            return self
        return StoreLoss(
            cosine_min=min(self.cosine_min, other.cosine_min),
            relative_l2_max=max(self.relative_l2_max, other.relative_l2_max),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Vectors as they are kept.

    Attributes:
        numbers: `(N, D)`, float32, float16, int8 or uint8; a map's row is flat too.
        scales: float32 `(N,)` for int8 and uint8, else None.
        loss: What `encode` measured; None where nothing was lost or nobody looked.
        sha256: The hash of the files that hold them; None where there are no such files.
    """

    numbers: NDArray[Any]
    scales: NDArray[np.float32] | None = None
    loss: StoreLoss | None = None
    sha256: str | None = None

    def __len__(self) -> int:
        return int(self.numbers.shape[0])

    def decode(self, start: int = 0, stop: int | None = None) -> Features:
        """Return some of the vectors as float32 `(N, D)`."""
        numbers = np.asarray(self.numbers[start:stop], np.float32)
        if self.scales is None:
            return numbers
        decoded: Features = numbers * self.scales[start:stop, np.newaxis]
        return decoded

    @classmethod
    def joined(cls, parts: Sequence[Stored]) -> Stored:
        """Put vectors of one form, at least one part, after each other."""
        scales = [part.scales for part in parts if part.scales is not None]
        return cls(
            numbers=np.concatenate([part.numbers for part in parts]),
            scales=np.concatenate(scales) if scales else None,
        )

    def take(self, rows: Any) -> Stored:
        """Return some of the vectors, by a slice or an array of positions."""
        scales = None if self.scales is None else self.scales[rows]
        return Stored(numbers=self.numbers[rows], scales=scales)


def encode(features: Features, store: Store) -> Stored:
    """Return vectors in the form that is kept.

    Args:
        features: float32 `(N, D)`.
        store: The form.

    Raises:
        SinkError: Numbers that the form cannot hold.
    """
    if store is Store.F32:
        return Stored(numbers=np.ascontiguousarray(features, "<f4"))
    if not np.isfinite(features).all():
        raise SinkError(
            f"a feature is not a finite number; {store} cannot hold it",
            remedy=_KEEP_FLOAT32,
            option="store=f32",
        )
    if store is Store.F16:
        with np.errstate(over="ignore", under="ignore"):
            stored = Stored(numbers=features.astype("<f2"))
    else:
        stored = _in_bytes(features, store)
    if not len(stored):
        return stored
    loss = measure(features, stored)
    if not loss.relative_l2_max <= _MAX_RELATIVE_L2:
        raise SinkError(
            f"{store} would lose {loss.relative_l2_max:.0%} of a vector; the largest number is "
            f"{np.abs(features).max():.3g}",
            remedy=_KEEP_FLOAT32,
            option="store=f32",
        )
    return replace(stored, loss=loss)


def _in_bytes(features: Features, store: Store) -> Stored:
    most = 127 if store is Store.I8 else 255
    least = -most if store is Store.I8 else 0
    if least == 0 and (lowest := features.min(initial=0)) < 0:
        raise SinkError(
            f"a feature is {lowest:.3g}; {store} holds no negative number",
            remedy="Keep int8 with {option}.",
            option="store=i8",
        )
    peaks = np.abs(features).max(axis=1, initial=0)
    scales = (peaks / np.float32(most)).astype(np.float32)
    scales[scales == 0] = 1
    codes = np.clip(np.rint(features / scales[:, np.newaxis]), least, most)
    return Stored(numbers=codes.astype(store.dtype), scales=scales)


def measure(features: Features, stored: Stored) -> StoreLoss:
    """Compare kept vectors, at least one, with the float32 ones they came from."""
    kept = stored.decode()
    return StoreLoss(
        cosine_min=float(agreement.paired_cosines(features, kept).min()),
        relative_l2_max=float(agreement.relative_l2(features, kept).max()),
    )
