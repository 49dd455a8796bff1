"""The nearest rows are those of a full sort, however the set is stored, cut and searched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgefeat.errors import SinkError
from edgefeat.measures.similarity import cosine_similarity, euclidean_distance
from edgefeat.search import best
from edgefeat.search.best import find_best
from edgefeat.search.integers import Digits
from edgefeat.search.products import Metric, Vectors
from edgefeat.search.rows import Rows
from edgefeat.sets.encoding import Store, Stored, encode
from stored_rows import fitting


def stored(rows: np.ndarray, store: Store, cuts: tuple[int, ...] = ()) -> Rows:
    parts = [encode(part, store) for part in np.split(rows, cuts)]
    return Rows([parts])


def decoded(rows: Rows) -> np.ndarray:
    return np.concatenate([block.decode() for block in rows.blocks(1000)])


def full_sort(rows: np.ndarray, queries: np.ndarray, k: int, metric: Metric) -> np.ndarray:
    """What `FeatureSet.nearest` did before: every score, and a stable sort of all."""
    if metric is Metric.COSINE:
        return np.argsort(-cosine_similarity(queries, rows), axis=1, kind="stable")[:, :k]
    return np.argsort(euclidean_distance(queries, rows), axis=1, kind="stable")[:, :k]


def made(seed: int, count: int, dim: int) -> np.ndarray:
    """Rows as a network gives them (not negative), some alike, some zero."""
    draw = np.random.default_rng(seed)
    rows = np.maximum(draw.normal(0.2, 1, (count, dim)), 0).astype(np.float32)
    rows[draw.integers(count, size=count // 4)] = rows[draw.integers(count)]
    rows[draw.integers(count, size=count // 10)] = 0
    return rows


@pytest.mark.parametrize("store", list(Store))
@pytest.mark.parametrize("queries", [1, 3, 40], ids=lambda n: f"{n} queries")
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 200), k=st.integers(1, 20))
def test_the_nearest_are_those_of_a_full_sort(
    store: Store, queries: int, seed: int, count: int, k: int
) -> None:
    rows = stored(made(seed, count, 37), store, (count // 3, count // 2))
    there, asked = decoded(rows), made(seed + 1, queries, 37)
    asked[0] = there[0]  # one of the set's own
    positions, scores = find_best(rows, asked, k)
    cosines = cosine_similarity(asked, there)
    assert positions.tolist() == full_sort(there, asked, k, Metric.COSINE).tolist()
    assert scores == pytest.approx(np.take_along_axis(cosines, positions, axis=1), abs=1e-6)


@pytest.mark.parametrize("store", list(Store))
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), queries=st.sampled_from([1, 30]))
def test_distances_rank_as_a_full_sort_does(store: Store, seed: int, queries: int) -> None:
    draw = np.random.default_rng(seed)
    rows = stored(fitting(draw.normal(size=(150, 20)).astype(np.float32), store), store, (50,))
    asked = draw.normal(size=(queries, 20)).astype(np.float32)
    positions, scores = find_best(rows, asked, 7, metric=Metric.EUCLIDEAN)
    distances = euclidean_distance(asked, decoded(rows))
    assert np.take_along_axis(distances, positions, axis=1) == pytest.approx(scores, abs=1e-5)
    assert positions.tolist() == np.argsort(distances, axis=1)[:, :7].tolist()


def test_a_distance_to_an_equal_row_is_zero() -> None:
    rows = made(3, 50, 37) * 1000
    positions, scores = find_best(stored(rows, Store.F32), rows[20:21], 1, metric=Metric.EUCLIDEAN)
    assert np.array_equal(rows[positions[0, 0]], rows[20])
    assert scores[0, 0] == 0


@pytest.mark.parametrize("store", list(Store))
@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_very_small_and_large_numbers_rank_alike(store: Store, size: float) -> None:
    if store is Store.F16:
        size = 2.0**-6 if size < 1 else 2.0**10  # its range
    rows = fitting(np.random.default_rng(5).normal(size=(80, 33)).astype(np.float32), store)
    expected = find_best(stored(rows, Store.F32), rows[:2], 6)[0]
    scaled = stored((rows * size).astype(np.float32), store)
    assert find_best(scaled, rows[:2], 6)[0][:, 0].tolist() == expected[:, 0].tolist() == [0, 1]


def test_only_wanted_rows_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best, "_ROWS_FOR_FEW", 16)
    rows = np.random.default_rng(2).normal(size=(100, 8)).astype(np.float32)
    wanted = np.zeros(100, np.bool_)
    wanted[[3, 50, 51, 99]] = True
    positions, _ = find_best(stored(rows, Store.I8), rows[:1], 10, wanted=wanted)
    assert sorted(positions[0].tolist()) == [3, 50, 51, 99]
    none = find_best(stored(rows, Store.F32), rows[:1], 10, wanted=np.zeros(100, np.bool_))
    assert none[0].shape == (1, 0)


def test_equal_rows_keep_the_sets_order() -> None:
    drawn = np.tile(np.random.default_rng(1).normal(size=(1, 1283)).astype(np.float32), (5000, 1))
    for store in Store:
        rows = fitting(drawn, store)
        positions, scores = find_best(stored(rows, store, (100, 3001)), rows[:2], 5)
        assert positions.tolist() == [[0, 1, 2, 3, 4]] * 2
        assert (scores >= 1 - 1e-4).all()


@pytest.mark.parametrize("where", ["row", "query"])
def test_numbers_that_are_not_finite_are_refused(where: str) -> None:
    rows = np.ones((4, 3), np.float32)
    asked = rows[:1].copy()
    (rows if where == "row" else asked)[0, 1] = np.nan
    with pytest.raises(SinkError, match="not finite"):
        find_best(Rows([[Stored(numbers=rows)]]), asked, 1)


@pytest.mark.parametrize("store", list(Store))
def test_the_quick_look_errs_by_less_than_its_margin(store: Store) -> None:
    """On the largest codes that there are, where a CPU that saturates would show it."""
    draw = np.random.default_rng(0)
    rows = np.concatenate(
        [
            draw.choice([-127, 127], (300, 1280)),
            np.full((2, 1280), 127),
            draw.normal(size=(300, 1280)),
        ]
    ).astype(np.float32)
    rows = fitting(rows, store)  # of uint8 the largest code is 255
    there = stored(rows, store)
    (block,) = there.blocks(1000)
    every = np.arange(len(rows))
    for asked in (rows[298:303], rows[::10]):
        vectors = Vectors(asked, there)
        nearly = vectors.nearly(block)
        for number in range(len(asked)):
            exact = vectors.exactly(np.full(len(rows), number), every)
            assert np.abs(nearly[number] - exact).max() < vectors.margin
        assert vectors.margin < 1e-4


@pytest.mark.parametrize(("kind", "least", "most"), [(np.int8, -127, 127), (np.uint8, 0, 255)])
def test_digits_leave_next_to_nothing(kind: type, least: int, most: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 999))
    rows = np.random.default_rng(1).integers(least, most + 1, (50, 999), dtype=kind)
    digits = Digits(vectors)
    assert digits.times(rows) == pytest.approx(vectors @ rows.T, abs=1e-6 * most * 999)
    assert digits.left_over < 2e-6 * np.linalg.norm(vectors, axis=1).max()
    assert Digits(np.zeros((1, 9))).times(rows[:, :9]).tolist() == [[0.0] * 50]
