"""Groups of rows of like direction: all rows in one, the same each time, the largest first."""

from __future__ import annotations

import numpy as np
import pytest

from edgefeat.search import kmeans
from edgefeat.search.kmeans import find_groups
from edgefeat.search.rows import Rows
from edgefeat.sets.encoding import Store, encode
from stored_rows import fitting


def around(centres: int, each: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows around some directions, and which each is from; later directions have more rows."""
    draw = np.random.default_rng(seed)
    middles = draw.normal(size=(centres, 30))
    truth = np.repeat(np.arange(centres), each + 5 * np.arange(centres))
    rows = middles[truth] + 0.3 * draw.normal(size=(len(truth), 30))
    order = draw.permutation(len(truth))
    sizes = draw.uniform(0.1, 10, size=(len(truth), 1))  # lengths do not matter
    return (rows * sizes)[order].astype(np.float32), truth[order]


@pytest.mark.parametrize("store", list(Store))
@pytest.mark.parametrize("sample", [4096, 60], ids=["all", "a sample"])
def test_clear_groups_are_found(monkeypatch: pytest.MonkeyPatch, store: Store, sample: int) -> None:
    monkeypatch.setattr(kmeans, "_SAMPLE", sample)
    rows, truth = around(6, 20)
    rows = fitting(rows, store)
    parts = [encode(part, store) for part in np.split(rows, [40, 70])]
    found = find_groups(Rows([parts]), 6)
    pairs = {(int(label), int(of)) for label, of in zip(found.labels, truth, strict=True)}
    assert pairs == {(0, 5), (1, 4), (2, 3), (3, 2), (4, 1), (5, 0)}  # the largest first
    assert np.linalg.norm(found.centres, axis=1) == pytest.approx(1, abs=1e-5)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = np.einsum("nd,nd->n", units, found.centres[found.labels])
    assert found.scores == pytest.approx(expected, abs=0.02)


def test_equal_sets_give_equal_groups() -> None:
    rows, _ = around(5, 30, seed=3)
    first, second = (find_groups(Rows([[encode(rows, Store.F32)]]), 7) for _ in range(2))
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.centres, second.centres)


def test_fewer_different_rows_make_fewer_groups() -> None:
    rows = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    found = find_groups(Rows([[encode(rows, Store.F32)]]), 8)
    assert len(found.centres) == 3
    assert sorted(np.bincount(found.labels).tolist()) == [4, 4, 4]


def test_a_zero_row_is_in_a_group_with_the_score_zero() -> None:
    rows = np.concatenate([np.eye(3, dtype=np.float32), np.zeros((1, 3), np.float32)])
    found = find_groups(Rows([[encode(rows, Store.F32)]]), 2)
    assert found.scores[3] == 0
    assert set(found.labels.tolist()) == {0, 1}
