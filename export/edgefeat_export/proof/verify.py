"""Measures a file's features, as the installed runtime computes them, against Keras's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgefeat import FeatureExtractor, cosine_similarity
from edgefeat.model.spec import Parity
from edgefeat_export.errors import VerificationError
from edgefeat_export.proof.reference import KerasReference

__all__ = ["measure"]

Features = NDArray[np.float32]
# Fewer images than this say nothing about the worst one in a hundred, or about ten neighbours.
_P1_NEEDS, _NEIGHBOURS_NEED = 100, 20
_ALIVE: Final = 1e-6
_LIVE_SHARE_MIN: Final = 0.05


def measure(path: Path, reference: KerasReference, images: NDArray[np.uint8]) -> dict[str, Parity]:
    """Compare every output of a stamped file with Keras on pictures, through the installed runtime.

    Args:
        path: The model file.
        reference: The Keras model it was made from.
        images: uint8 `(N, height, width, channels)` at the graph's input.

    Raises:
        VerificationError: Features that are not alive: constant, tiny or not finite.
    """
    expected = reference.features(images)
    with FeatureExtractor(path, outputs="all") as extractor:
        names = [output.name for output in extractor.spec.outputs]
        got = [extractor.outputs_prepared(image[np.newaxis]) for image in images]
    parities = {}
    for name, keras in zip(names, expected, strict=True):
        ours = np.concatenate([outputs[name] for outputs in got])
        if ours.shape != keras.shape:
            raise VerificationError(
                f"{path.name}: output {name!r} has shape {ours.shape[1:]}, Keras's"
                f" {keras.shape[1:]}. Check that the file was made from this network."
            )
        live = _require_alive(path, name, keras)
        if not np.isfinite(ours).all():
            raise VerificationError(
                f"{path.name}: output {name!r} holds numbers that are not finite.",
                reasons=[{"output": name, "gate": "finite", "needed": 1.0, "got": 0.0}],
            )
        parities[name] = _parity(_flat(ours), _flat(keras), live)
    return parities


def _parity(ours: Features, keras: Features, live_share: float) -> Parity:
    cosines = _cosines(ours, keras)
    relative = _relative_l2(ours, keras)
    many = len(ours)
    return Parity(
        images=many,
        relative_l2_mean=_rounded(relative.mean()),
        relative_l2_max=_rounded(relative.max()),
        cosine_mean=round(float(cosines.mean()), 8),
        cosine_p1=round(float(np.percentile(cosines, 1)), 8) if many >= _P1_NEEDS else None,
        cosine_min=round(float(cosines.min()), 8),
        neighbour_overlap_10=(
            round(_overlap(ours, keras, 10), 4) if many >= _NEIGHBOURS_NEED else None
        ),
        extra={"live_share": round(live_share, 4)},
    )


def _rounded(value: float) -> float:
    """Four digits: more would be noise."""
    return float(f"{value:.3e}")


def _flat(features: Features) -> Features:
    return features.reshape(len(features), -1)


def _cosines(ours: Features, keras: Features) -> NDArray[np.float64]:
    """The cosine of each pair of rows; 1 where both are zero, as for a blank picture."""
    a, b = ours.astype(np.float64), keras.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    both_zero = ~(a.any(axis=1) | b.any(axis=1))
    dots = np.where(both_zero, 1.0, np.einsum("nd,nd->n", a, b))
    result: NDArray[np.float64] = np.minimum(1.0, dots / np.where(lengths > 0, lengths, 1.0))
    return result


def _relative_l2(ours: Features, keras: Features) -> NDArray[np.float64]:
    """|ours - keras| / |keras| of each row; a difference from zero features is infinite."""
    difference = np.linalg.norm(ours.astype(np.float64) - keras, axis=1)
    norms = np.linalg.norm(keras.astype(np.float64), axis=1)
    away_from_zero = np.where(difference > 0, np.inf, 0.0)
    result: NDArray[np.float64] = np.where(
        norms > 0, difference / np.where(norms > 0, norms, 1.0), away_from_zero
    )
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


def _require_alive(path: Path, name: str, features: Features) -> float:
    """Refuse near-zero or constant features, which agree with anything; return the live share."""
    flat = _flat(features).astype(np.float64)
    if not np.isfinite(flat).all():
        raise VerificationError(f"{path.name}: Keras's own {name!r} holds numbers not finite.")
    size = float(np.sqrt(np.mean(flat**2)))
    spread = flat.std(axis=0) if len(flat) > 1 else np.abs(flat[0])
    live = float((spread > _ALIVE * size).mean())
    if size < _ALIVE or live < _LIVE_SHARE_MIN:
        raise VerificationError(
            f"{path.name}: output {name!r} is dead: root mean square {size:.1e}, and {live:.0%} of"
            f" its {flat.shape[1]} features vary over {len(flat)} images. Check the weights, the"
            " input range and the layer of the cut.",
            reasons=[
                {"output": name, "gate": "live_share", "needed": _LIVE_SHARE_MIN, "got": live}
            ],
        )
    return live
