"""How near the quantized features come to the float ones, without labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat import cosine_similarity
from edgefeat_export.quant.executor import open_session

__all__ = ["Fidelity", "compare", "features_of"]

Features = NDArray[np.float32]
_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Cosines between float and quantized features, and what nearest-neighbour search keeps.

    Attributes:
        pictures: How many were compared; none of them calibrated.
        cosine_mean: Mean over them.
        cosine_p1: The first percentile; with fewer than 100 pictures the lowest.
        cosine_min: The lowest.
        relative_l2_mean: Mean of |difference| / |float features|.
        relative_l2_max: The worst.
        neighbour_overlap_10: Share of ten nearest neighbours kept; None below 20 pictures.
    """

    pictures: int
    cosine_mean: float
    cosine_p1: float
    cosine_min: float
    relative_l2_mean: float
    relative_l2_max: float
    neighbour_overlap_10: float | None


def features_of(model: onnx.ModelProto, images: NDArray[np.uint8]) -> Features:
    """Return the first output for each picture: float32 `(N, D)`."""
    session = open_session(model)
    name, output = model.graph.input[0].name, model.graph.output[0].name
    rows = [session.run([output], {name: image[np.newaxis]})[0].ravel() for image in images]
    return np.stack(rows)


def compare(wanted: Features, got: Features) -> Fidelity:
    """Compare two feature sets of the same pictures: `(N, D)` each."""
    product = np.einsum("nd,nd->n", wanted, got, dtype=np.float64)
    lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(got, axis=1)
    cosines = product / np.maximum(lengths, 1e-30)
    difference = np.linalg.norm(wanted - got, axis=1) / np.linalg.norm(wanted, axis=1)
    many = len(wanted) >= 2 * _NEIGHBOURS
    return Fidelity(
        pictures=len(wanted),
        cosine_mean=float(cosines.mean()),
        cosine_p1=float(np.percentile(cosines, 1)) if len(cosines) >= 100 else float(cosines.min()),
        cosine_min=float(cosines.min()),
        relative_l2_mean=float(difference.mean()),
        relative_l2_max=float(difference.max()),
        neighbour_overlap_10=_overlap(wanted, got) if many else None,
    )


def _overlap(wanted: Features, got: Features) -> float:
    pairs = zip(_nearest(wanted), _nearest(got), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / _NEIGHBOURS for a, b in pairs]))


def _nearest(features: Features) -> NDArray[np.intp]:
    similarity = cosine_similarity(features, features)
    np.fill_diagonal(similarity, -2.0)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :_NEIGHBOURS]
