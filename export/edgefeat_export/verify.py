"""Decides whether a file may exist: its features, through the runtime, against Keras's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgefeat import FeatureExtractor, cosine_similarity
from edgefeat.spec import Parity
from edgefeat_export.errors import VerificationError
from edgefeat_export.reference import KerasReference

__all__ = ["GATES", "Gates", "measure", "require"]

Features = NDArray[np.float32]
# Fewer images than this say nothing about the worst one in a hundred, or about ten neighbours.
_P1_NEEDS, _NEIGHBOURS_NEED = 100, 20
_ALIVE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What a precision must reach. `relative_l2_max` bounds the worst image, cosines the spread."""

    relative_l2_max: float
    cosine_mean: float
    cosine_min: float


GATES: Final[Mapping[str, Gates]] = MappingProxyType(
    {
        "fp32": Gates(relative_l2_max=1e-5, cosine_mean=0.999999, cosine_min=0.999999),
        "fp16": Gates(relative_l2_max=2e-2, cosine_mean=0.9999, cosine_min=0.999),
        "int8": Gates(relative_l2_max=0.6, cosine_mean=0.95, cosine_min=0.85),
    }
)


def measure(path: Path, reference: KerasReference, images: NDArray[np.uint8]) -> Parity:
    """Compare a stamped file with Keras on real pictures, through the installed runtime.

    Args:
        path: The model file.
        reference: The Keras model it was made from.
        images: uint8 `(N, height, width, channels)` at the graph's input.

    Raises:
        VerificationError: Features that are not alive: constant, tiny or not finite.
    """
    expected = reference.features(images)
    with FeatureExtractor(path) as extractor:
        spec = extractor.spec
        got = [extractor.outputs_prepared(image[np.newaxis]) for image in images]
    names = [output.name for output in spec.outputs]
    stacked = [np.concatenate([outputs[name] for outputs in got]) for name in names]
    for name, ours, keras in zip(names, stacked, expected, strict=True):
        _require_alive(path, name, keras)
        if not np.isfinite(ours).all():
            raise VerificationError(
                f"{path.name}: output {name!r} holds numbers that are not finite."
            )
    relative = [_relative_l2(a, b) for a, b in zip(stacked, expected, strict=True)]
    return _parity(stacked[0], expected[0], np.max(relative, axis=0))


def require(parity: Parity, gates: Gates, what: str) -> None:
    """Refuse a file that misses its gates.

    Raises:
        VerificationError: Names every gate that was missed, with the figures.
    """
    reasons = []
    if not parity.relative_l2_max <= gates.relative_l2_max:
        reasons.append(
            f"relative L2 {parity.relative_l2_max:.2e} on the worst image, "
            f"allowed {gates.relative_l2_max:.0e}"
        )
    if not parity.cosine_mean >= gates.cosine_mean:
        reasons.append(f"mean cosine {parity.cosine_mean:.5f}, needed {gates.cosine_mean}")
    if not parity.cosine_min >= gates.cosine_min:
        reasons.append(f"lowest cosine {parity.cosine_min:.5f}, needed {gates.cosine_min}")
    if reasons:
        raise VerificationError(
            f"{what}: its features are not Keras's on {parity.images} images: "
            f"{'; '.join(reasons)}. No file was written."
        )


def _parity(ours: Features, keras: Features, relative: NDArray[np.float64]) -> Parity:
    ours, keras = ours.reshape(len(ours), -1), keras.reshape(len(keras), -1)
    cosines = np.array([float(cosine_similarity(a, b)) for a, b in zip(ours, keras, strict=True)])
    many = len(ours)
    return Parity(
        images=many,
        relative_l2_mean=float(relative.mean()),
        relative_l2_max=float(relative.max()),
        cosine_mean=float(cosines.mean()),
        cosine_p1=float(np.percentile(cosines, 1)) if many >= _P1_NEEDS else None,
        cosine_min=float(cosines.min()),
        neighbour_overlap_10=_overlap(ours, keras, 10) if many >= _NEIGHBOURS_NEED else None,
    )


def _relative_l2(ours: Features, keras: Features) -> NDArray[np.float64]:
    ours, keras = ours.reshape(len(ours), -1), keras.reshape(len(keras), -1)
    difference = np.linalg.norm(ours.astype(np.float64) - keras, axis=1)
    result: NDArray[np.float64] = difference / np.linalg.norm(keras.astype(np.float64), axis=1)
    return result


def _overlap(ours: Features, keras: Features, count: int) -> float:
    """Return the mean share of the nearest neighbours, by cosine, that both sets agree on."""
    shares = []
    neighbours = [_nearest(ours, count), _nearest(keras, count)]
    for left, right in zip(*neighbours, strict=True):
        shares.append(len(set(left.tolist()) & set(right.tolist())) / count)
    return float(np.mean(shares))


def _nearest(features: Features, count: int) -> NDArray[np.intp]:
    similarity = cosine_similarity(features, features)
    np.fill_diagonal(similarity, -2.0)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :count]


def _require_alive(path: Path, name: str, features: Features) -> None:
    """Near-zero or constant features would agree with anything."""
    flat = features.reshape(len(features), -1).astype(np.float64)
    if not np.isfinite(flat).all():
        raise VerificationError(f"{path.name}: Keras's own {name!r} holds numbers not finite.")
    size = float(np.sqrt(np.mean(flat**2)))
    spread = float(flat.std(axis=0).max()) if len(flat) > 1 else size
    if size < _ALIVE or spread < _ALIVE * size:
        raise VerificationError(
            f"{path.name}: output {name!r} is dead: root mean square {size:.1e}, spread "
            f"{spread:.1e} over the images. Check the weights, the input range and the layer of the cut."
        )
