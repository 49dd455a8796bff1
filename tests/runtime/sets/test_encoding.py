"""float16 and int8 vectors: what they cost, and that similarity on them is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgefeat import SinkError, cosine_similarity, euclidean_distance
from edgefeat.sets.encoding import Store, encode, measure

FINITE = st.floats(-60000, 60000, width=32)


def vectors(rows: int = 20, dim: int = 1280) -> np.ndarray:
    """Vectors as pooled ReLU6 features are: 0 to 6, some of them zero."""
    drawn = np.random.default_rng(8).exponential(0.4, (rows, dim)) - 0.1
    return drawn.clip(0, 6).astype(np.float32)


@pytest.mark.parametrize(
    ("store", "bytes_each", "cosine_min", "relative_l2"),
    [
        (Store.F32, 4, 1 - 1e-12, 0),
        (Store.F16, 2, 0.9999999, 5e-4),
        (Store.I8, 1, 0.9995, 0.03),
        (Store.U8, 1, 0.9998, 0.015),
    ],
    ids=["f32", "f16", "i8", "u8"],
)
def test_stored_vectors_stay_close(
    store: Store, bytes_each: int, cosine_min: float, relative_l2: float
) -> None:
    exact = vectors()
    stored = encode(exact, store)
    assert stored.numbers.itemsize == bytes_each
    loss = measure(exact, stored)
    assert loss.cosine_min >= cosine_min
    assert loss.relative_l2_max <= relative_l2
    assert stored.loss == (None if store is Store.F32 else loss)
    errors = np.linalg.norm(stored.decode() - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert loss.relative_l2_max == pytest.approx(errors.max(), rel=1e-5, abs=1e-12)


@settings(deadline=None, max_examples=200)
@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=FINITE))
@pytest.mark.parametrize("store", [Store.I8, Store.U8])
def test_a_byte_is_off_by_half_a_step_at_most(store: Store, exact: np.ndarray) -> None:
    if store is Store.U8:
        exact = np.abs(exact)
    peaks = np.abs(exact).max(axis=1)
    if ((peaks > 0) & (peaks < 1e-30)).any():  # steps below the smallest normal float32
        return
    stored = encode(exact, store)
    assert stored.scales is not None
    off = np.abs(stored.decode().astype(np.float64) - exact)
    assert (off <= stored.scales[:, np.newaxis] * 0.5 * (1 + 1e-5)).all()
    assert not stored.numbers[peaks == 0].any()


def test_similarity_on_stored_vectors_is_that_of_what_they_mean() -> None:
    """A matrix product of int8 codes that forgot scales or overflowed would show here."""
    exact = vectors() * np.logspace(-3, 3, 20, dtype=np.float32)[:, np.newaxis]
    stored = encode(exact, Store.I8)
    assert stored.scales is not None
    meant = stored.numbers.astype(np.float64) * stored.scales.astype(np.float64)[:, np.newaxis]
    lengths = np.linalg.norm(meant, axis=1)
    cosines = meant @ meant.T / np.outer(lengths, lengths)
    distances = np.linalg.norm(meant[:, np.newaxis] - meant, axis=2)
    decoded = stored.decode()
    assert cosine_similarity(decoded, decoded) == pytest.approx(cosines, abs=1e-6)
    off = np.abs(euclidean_distance(decoded, decoded) - distances)
    assert (off <= 1e-6 * np.add.outer(lengths, lengths)).all()


def test_distances_of_one_and_many() -> None:
    a, b = np.array([3.0, 0.0]), np.array([[3.0, 4.0], [0.0, 0.0]])
    assert euclidean_distance(a, a) == 0
    assert euclidean_distance(a, b).tolist() == [4, 3]
    assert euclidean_distance(b, a).tolist() == [4, 3]
    assert euclidean_distance(b, b).tolist() == [[0, 5], [5, 0]]


@pytest.mark.parametrize(
    ("exact", "store", "message"),
    [
        (
            [1e6, 0],
            Store.F16,
            "f16 would lose inf% of a vector; the largest number is 1e+06. "
            "Keep float32 numbers with store=f32.",
        ),
        (
            [1e-10, 2e-10],
            Store.F16,
            "f16 would lose 100% of a vector; the largest number is 2e-10. "
            "Keep float32 numbers with store=f32.",
        ),
        (
            [np.nan, 0],
            Store.I8,
            "a feature is not a finite number; i8 cannot hold it. "
            "Keep float32 numbers with store=f32.",
        ),
        (
            [0.5, -0.25],
            Store.U8,
            "a feature is -0.25; u8 holds no negative number. Keep int8 with store=i8.",
        ),
    ],
    ids=["too-large", "too-small", "not-finite", "negative"],
)
def test_numbers_that_do_not_fit_are_refused(
    exact: list[float], store: Store, message: str
) -> None:
    with pytest.raises(SinkError) as caught:
        encode(np.array([exact], np.float32), store)
    assert str(caught.value) == message
