"""Measures a file's features, as the installed runtime computes them, against a reference's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgefeat import FeatureExtractor
from edgefeat.arrays import Features
from edgefeat.measures import agreement
from edgefeat.model.spec import Parity
from edgefeat_export.errors import VerificationError
from edgefeat_export.proof.reference import Reference

__all__ = ["figures", "measure", "require_alive"]

# A feature is alive if it varies over the pictures by more than this share of the features' size.
_ALIVE_SPREAD: Final = 1e-6
# Features smaller than this, root mean square, are dead: float32 has lost them on the way.
_ALIVE_SIZE: Final = 1e-9
_LIVE_SHARE_MIN: Final = 0.05


def measure(
    path: Path, reference: Reference, images: NDArray[np.uint8], *, file: str
) -> dict[str, Parity]:
    """Compare every output of a stamped file with a reference, through the installed runtime.

    Args:
        path: The model file.
        reference: What the file was made from: the Keras network, or the float file.
        images: uint8 `(N, height, width, channels)` at the graph's input.
        file: What messages call the file, whose name may be a temporary one.

    Returns:
        The figures of each output by its name, the primary output first.

    Raises:
        VerificationError: Features of another shape, or not alive: constant, tiny or not finite.
    """
    expected = reference.features(images)
    with FeatureExtractor(path, outputs="all") as extractor:
        names = [output.name for output in extractor.spec.outputs]
        got = [extractor.outputs_prepared(image[np.newaxis]) for image in images]
    parities = {}
    for name, wanted in zip(names, expected, strict=True):
        ours = np.concatenate([outputs[name] for outputs in got])
        where = f"{file}: output {name!r}"
        if ours.shape != wanted.shape:
            raise VerificationError(
                f"expected shape {wanted.shape[1:]}, as {reference.name} has it, got"
                f" {ours.shape[1:]}",
                where=where,
                remedy="Check that the file was made from this network.",
            )
        live_share = require_alive(where, name, wanted, reference.name)
        if not np.isfinite(ours).all():
            raise VerificationError(
                f"it holds numbers that are not finite, where those of {reference.name} are",
                where=where,
                remedy="Report this: it is a fault of the exporter.",
                reasons=[{"output": name, "gate": "finite", "needed": 1.0, "got": 0.0}],
            )
        parities[name] = figures(ours, wanted, live_share)
    return parities


def figures(
    ours: Features, reference: Features, live_share: float, *, rows: int | None = None
) -> Parity:
    """Return how near features come to a reference's.

    Args:
        ours: The features that were computed, float32 `(N, ...)`.
        reference: The right ones, float32 `(N, ...)`.
        live_share: The share of the features that vary.
        rows: How many rows of a table were compared; None where it was pictures.
    """
    found = agreement.compare(_flat(reference), _flat(ours))
    p1, overlap = found.cosine_p1, found.neighbour_overlap_10
    return Parity(
        images=found.pictures if rows is None else 0,
        rows=rows,
        relative_l2_mean=_four_digits(found.relative_l2_mean),
        relative_l2_max=_four_digits(found.relative_l2_max),
        cosine_mean=round(found.cosine_mean, 8),
        cosine_p1=None if p1 is None else round(p1, 8),
        cosine_min=round(found.cosine_min, 8),
        neighbour_overlap_10=None if overlap is None else round(overlap, 4),
        extra={"live_share": round(live_share, 4)},
    )


def _four_digits(value: float) -> float:
    """Return a figure with the digits that mean something: more would be noise."""
    return float(f"{value:.3e}")


def _flat(features: Features) -> Features:
    return features.reshape(len(features), -1)


def require_alive(
    where: str, output: str, features: Features, whose: str, *, what: str = "pictures"
) -> float:
    """Refuse near-zero or constant features, which agree with anything; return the live share.

    Args:
        where: Place to name in the error.
        output: Name of the output.
        features: The right features, float32 `(N, ...)`.
        whose: What messages call the reference.
        what: What the features are of.

    Raises:
        VerificationError: They are not finite, tiny, or constant.
    """
    flat = _flat(features).astype(np.float64)
    if not np.isfinite(flat).all():
        raise VerificationError(
            f"{whose} itself gives numbers that are not finite",
            where=where,
            remedy="Check the weights and the input range.",
        )
    size = float(np.sqrt(np.mean(flat**2)))
    spread = flat.std(axis=0) if len(flat) > 1 else np.abs(flat[0])
    live = float((spread > _ALIVE_SPREAD * size).mean())
    if size < _ALIVE_SIZE or live < _LIVE_SHARE_MIN:
        raise VerificationError(
            f"it is dead: root mean square {size:.1e}, and {live:.0%} of its {flat.shape[1]}"
            f" features vary over {len(flat)} {what}",
            where=where,
            remedy="Check the weights, the input range and the layer of the cut.",
            reasons=[
                {"output": output, "gate": "live_share", "needed": _LIVE_SHARE_MIN, "got": live}
            ],
        )
    return live
