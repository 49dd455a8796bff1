"""How near two feature sets come: by hand, and for what has no direction or is no number."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from edgefeat.measures import agreement

ZERO, EAST, NORTH = [0.0, 0.0], [2.0, 0.0], [0.0, 1.0]


def rows(*vectors: list[float]) -> np.ndarray:
    return np.array(vectors, np.float32)


@pytest.mark.parametrize(
    ("reference", "features", "cosine", "relative"),
    [
        (EAST, EAST, 1.0, 0.0),
        (EAST, NORTH, 0.0, np.sqrt(5) / 2),
        (EAST, [-1.0, 0.0], -1.0, 1.5),
        (ZERO, ZERO, 1.0, 0.0),
        (EAST, ZERO, 0.0, 1.0),
        (ZERO, EAST, 0.0, np.inf),
    ],
    ids=["equal", "square", "opposite", "both zero", "became zero", "was zero"],
)
def test_two_vectors_by_hand(
    reference: list[float], features: list[float], cosine: float, relative: float
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert agreement.paired_cosines(rows(reference), rows(features)) == pytest.approx([cosine])
        assert agreement.relative_l2(rows(reference), rows(features)) == pytest.approx([relative])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_a_number_passes_no_limit(bad: float) -> None:
    found = agreement.compare(rows(EAST, NORTH), rows([bad, 1.0], NORTH))
    assert not found.cosine_min >= -1
    assert not found.cosine_mean >= -1
    assert not found.relative_l2_max <= 1e9


@pytest.mark.parametrize(
    ("count", "p1_known", "overlap_known"),
    [(19, False, False), (20, False, True), (99, False, True), (100, True, True)],
)
def test_figures_that_so_few_pictures_cannot_give_are_none(
    count: int, p1_known: bool, overlap_known: bool
) -> None:
    features = np.random.default_rng(1).random((count, 8), np.float32)
    found = agreement.compare(features, features + np.float32(0.01))
    assert found.pictures == count
    assert (found.cosine_p1 is not None) is p1_known
    assert (found.neighbour_overlap_10 is not None) is overlap_known


def test_the_figures_are_those_of_plain_loops() -> None:
    rng = np.random.default_rng(2)
    reference = rng.standard_normal((120, 16)).astype(np.float32)
    features = (reference + 0.3 * rng.standard_normal((120, 16))).astype(np.float32)
    a, b = reference.astype(np.float64), features.astype(np.float64)
    cosines = [x @ y / np.sqrt((x @ x) * (y @ y)) for x, y in zip(a, b, strict=True)]
    errors = [np.sqrt(((y - x) ** 2).sum() / (x @ x)) for x, y in zip(a, b, strict=True)]
    found = agreement.compare(reference, features)
    assert found.cosine_mean == pytest.approx(np.mean(cosines), abs=1e-12)
    assert found.cosine_min == pytest.approx(min(cosines), abs=1e-12)
    assert found.cosine_p1 == pytest.approx(np.quantile(cosines, 0.01), abs=1e-12)
    assert found.relative_l2_mean == pytest.approx(np.mean(errors), abs=1e-12)
    assert found.relative_l2_max == pytest.approx(max(errors), abs=1e-12)
    assert found.neighbour_overlap_10 == pytest.approx(_overlap(a, b), abs=1e-12)
    assert 0.2 < _overlap(a, b) < 0.95  # neither none nor all of them


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    def nearest(features: np.ndarray, row: int) -> set[int]:
        unit = features / np.sqrt((features**2).sum(1))[:, None]
        others = [other for other in range(len(unit)) if other != row]
        return set(sorted(others, key=lambda other: -(unit[row] @ unit[other]))[:10])

    return float(np.mean([len(nearest(a, row) & nearest(b, row)) / 10 for row in range(len(a))]))
