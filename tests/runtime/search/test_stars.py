"""Groups of near-duplicates: every member is near its medoid, whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgefeat.measures.similarity import cosine_similarity
from edgefeat.search import stars
from edgefeat.search.rows import Rows
from edgefeat.search.stars import find_stars
from edgefeat.sets.encoding import Store, encode
from stored_rows import fitting


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stars, "_ROWS_AT_ONCE", 16)
    monkeypatch.setattr(stars, "_MEDOIDS_AT_ONCE", 3)


def clumps(seed: int, count: int) -> np.ndarray:
    """Rows around a few centres, so that chains and overlapping groups come about."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(max(1, count // 8), 6))
    rows = centres[draw.integers(len(centres), size=count)] + draw.normal(size=(count, 6)) * 0.3
    return rows.astype(np.float32)


def plain_stars(rows: np.ndarray, threshold: float) -> list[list[int]]:
    """The definition, on the whole matrix."""
    linked = cosine_similarity(rows, rows) >= np.float32(threshold)
    np.fill_diagonal(linked, False)
    degrees = linked.sum(axis=1)
    placed, found = set(), []
    for medoid in sorted(range(len(rows)), key=lambda row: (-degrees[row], row)):
        if medoid in placed or not degrees[medoid]:
            continue
        placed.add(medoid)
        members = [int(row) for row in np.flatnonzero(linked[medoid]) if row not in placed]
        placed.update(members)
        if members:
            found.append([medoid, *members])
    return found


@pytest.mark.parametrize("store", list(Store))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(2, 90), threshold=st.floats(0.8, 0.99))
def test_stars_are_those_of_the_whole_matrix(
    store: Store, seed: int, count: int, threshold: float
) -> None:
    part = encode(fitting(clumps(seed, count), store), store)
    rows = Rows([[part]])
    names = [f"{row:03}" for row in range(count)]
    found = find_stars(rows, threshold, names=names)
    decoded = part.decode()
    expected = plain_stars(decoded, threshold)
    got = [[star.medoid, *star.members] for star in found.stars]
    assert sorted(map(sorted, got)) == sorted(map(sorted, expected))
    for star in found.stars:
        cosines = cosine_similarity(decoded[star.medoid], decoded[star.members])
        assert star.scores == pytest.approx(cosines, abs=1e-6)
        assert (star.scores >= np.float32(threshold)).all()
        assert (np.diff(star.scores) <= 0).all()
    sizes = [len(star.members) for star in found.stars]
    assert sizes == sorted(sizes, reverse=True)
    linked = cosine_similarity(decoded, decoded) >= np.float32(threshold)
    near = set(np.flatnonzero(linked.sum(axis=1) > 1).tolist())
    assert set(found.unplaced.tolist()) == near - {row for group in got for row in group}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_shuffled_rows_give_the_same_groups(seed: int) -> None:
    rows = clumps(seed, 70)
    order = np.random.default_rng(seed).permutation(len(rows))
    names = [f"{row}.jpg" for row in range(len(rows))]

    def groups(at: np.ndarray) -> set[tuple[str, frozenset[str]]]:
        there = [names[row] for row in at]
        found = find_stars(Rows([[encode(rows[at], Store.F32)]]), 0.95, names=there)
        return {
            (there[star.medoid], frozenset(there[row] for row in star.members))
            for star in found.stars
        }

    assert groups(np.arange(len(rows))) == groups(order)


def test_a_chain_is_cut() -> None:
    """Each is near the next one, and the ends are far from each other."""
    angles = np.radians(np.arange(5) * 10)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = find_stars(
        Rows([[encode(rows, Store.F32)]]), float(np.cos(np.radians(12))), names="abcde"
    )
    assert [(star.medoid, star.members.tolist()) for star in found.stars] == [(1, [0, 2]), (3, [4])]
    assert found.unplaced.tolist() == []
    found = find_stars(
        Rows([[encode(rows[:4], Store.F32)]]), float(np.cos(np.radians(12))), names="abcd"
    )
    assert [(star.medoid, star.members.tolist()) for star in found.stars] == [(1, [0, 2])]
    assert found.unplaced.tolist() == [3]


def test_progress_counts_every_row_once() -> None:
    rows = Rows([[encode(clumps(1, 50), Store.F32)]])
    counts: list[int] = []
    find_stars(rows, 0.9, names=[str(row) for row in range(50)], on_rows=counts.append)
    assert sum(counts) == 50
