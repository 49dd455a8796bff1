"""Cosines of vectors, singly and in sets."""

from __future__ import annotations

import numpy as np
import pytest

from edgefeat import cosine_similarity


def test_one_many_and_matrix() -> None:
    a, b = np.array([3.0, 0.0]), np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [0.0, 0.0]])
    assert cosine_similarity(a, a) == 1
    assert cosine_similarity(a, b).tolist() == [1, 0, -1, 0]
    assert cosine_similarity(b, a).tolist() == [1, 0, -1, 0]
    assert cosine_similarity(b, b).shape == (4, 4)


def test_small_vectors_keep_their_direction() -> None:
    tiny = np.array([1e-30, 2e-30], np.float32)
    assert cosine_similarity(tiny, tiny * 7) == pytest.approx(1, abs=1e-6)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="expected vectors of one length, got 3 and 2"):
        cosine_similarity([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match=r"a: expected shape \(D,\) or \(N, D\), got \(1, 1, 2\)"):
        cosine_similarity(np.ones((1, 1, 2)), [1, 2])
