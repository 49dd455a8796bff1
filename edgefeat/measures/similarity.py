"""Compares feature vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["cosine_similarity", "euclidean_distance", "l2_normalise"]

Float = TypeVar("Float", np.float32, np.float64)


def cosine_similarity(a: ArrayLike, b: ArrayLike) -> NDArray[np.float32]:
    """Return the cosine of the angle between feature vectors, -1 to 1.

    Args:
        a: `(D,)` or `(N, D)`.
        b: `(D,)` or `(M, D)`.

    Returns:
        float32: a number for two vectors, `(N,)` or `(M,)` for one against many, `(N, M)` for many
        against many. A zero vector has cosine 0 with everything.

    Raises:
        ValueError: The last axes differ, or there are more than two axes.
    """
    left, right = _pair(a, b)
    cosines = l2_normalise(left) @ l2_normalise(right).T
    return np.clip(cosines, -1.0, 1.0).astype(np.float32)


def euclidean_distance(a: ArrayLike, b: ArrayLike) -> NDArray[np.float32]:
    """Return the length of the difference of feature vectors, 0 and up.

    Args:
        a: `(D,)` or `(N, D)`.
        b: `(D,)` or `(M, D)`.

    Returns:
        float32, shaped as by `cosine_similarity`. Distances below about 1e-7 of the vectors'
        length are noise.

    Raises:
        ValueError: The last axes differ, or there are more than two axes.
    """
    left, right = _pair(a, b)
    squares = np.add.outer((left**2).sum(axis=-1), (right**2).sum(axis=-1)) - 2 * (left @ right.T)
    distances: NDArray[np.float32] = np.sqrt(np.maximum(squares, 0)).astype(np.float32)
    return distances


def l2_normalise(features: NDArray[Float]) -> NDArray[Float]:
    """Return vectors scaled to length 1; a vector of zeros stays so.

    Args:
        features: float32 or float64 `(..., D)`; not changed.
    """
    norms = np.linalg.norm(features, axis=-1, keepdims=True)
    norms[norms == 0] = 1
    scaled: NDArray[Float] = (features / norms).astype(features.dtype, copy=False)
    return scaled


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    for name, array in (("a", left), ("b", right)):
        if array.ndim not in (1, 2):
            raise ValueError(f"{name}: expected shape (D,) or (N, D), got {array.shape}")
    if left.shape[-1] != right.shape[-1]:
        raise ValueError(
            f"expected vectors of one length, got {left.shape[-1]} and {right.shape[-1]}"
        )
    return left, right
