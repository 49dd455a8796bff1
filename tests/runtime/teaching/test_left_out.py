"""Leave-one-out in closed form is what fitting anew without each picture gives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgefeat.teaching.calibration import fit_sharpness, fit_threshold, interval
from edgefeat.teaching.discriminant import fit_discriminant, scores_left_out
from edgefeat.teaching.novelty import fit_novelty
from edgefeat.teaching.ridge import fit_ridge
from edgefeat.teaching.spread import Spread

Array = NDArray[np.float64]
SHAPES = [(30, 8), (15, 40), (8, 8)]


def scatter(rows: Array, labels: NDArray[np.intp], classes: int) -> tuple[Array, Array]:
    """The scatter within classes and the class means, by their definitions."""
    total = np.zeros((rows.shape[1], rows.shape[1]))
    means = np.stack([rows[labels == one].mean(axis=0) for one in range(classes)])
    for row, label in zip(rows, labels, strict=True):
        total += np.outer(row - means[label], row - means[label])
    return total, means


def drawn(rows: int, dim: int, classes: int = 3) -> tuple[Array, NDArray[np.intp]]:
    draw = np.random.default_rng(rows * dim)
    labels = np.concatenate([np.repeat(np.arange(classes), 2), np.arange(rows - 2 * classes) % 2])
    return draw.normal(size=(rows, dim)) + labels[:, np.newaxis] * 0.4, labels


@pytest.mark.parametrize(("rows", "dim"), SHAPES)
def test_scores_are_those_of_a_discriminant_fitted_without_the_picture(rows: int, dim: int) -> None:
    features, labels = drawn(rows, dim)
    spread = Spread(features, labels, 3)
    ridge = 0.4 * spread.scale
    expected = []
    for left in range(rows):
        others = np.arange(rows) != left
        total, means = scatter(features[others], labels[others], 3)
        inverse = np.linalg.inv(total + ridge * np.eye(dim))
        centre = means.mean(axis=0)
        middle = means - centre
        row = (features[left] - centre) @ inverse @ middle.T
        expected.append(row - np.diag(middle @ inverse @ middle.T) / 2)
    assert scores_left_out(spread, labels, ridge) == pytest.approx(np.array(expected), rel=1e-8)


@pytest.mark.parametrize(("rows", "dim"), SHAPES)
def test_the_fitted_discriminant_is_the_one_of_the_definition(rows: int, dim: int) -> None:
    features, labels = drawn(rows, dim)
    fitted = fit_discriminant(features, labels, 3)
    total, means = scatter(features, labels, 3)
    ridge = fitted.strength * np.trace(total) / dim
    inverse = np.linalg.inv(total + ridge * np.eye(dim))
    middle = means - means.mean(axis=0)
    bias = -np.diag(middle @ inverse @ middle.T) / 2 - means.mean(axis=0) @ inverse @ middle.T
    assert fitted.weights == pytest.approx(inverse @ middle.T, rel=1e-6, abs=1e-12)
    assert fitted.bias == pytest.approx(bias, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("rows", "dim"), SHAPES)
def test_numbers_are_predicted_as_without_the_picture(rows: int, dim: int) -> None:
    features, _ = drawn(rows, dim)
    values = features[:, 0] * 2 + np.random.default_rng(1).normal(size=rows)
    fitted = fit_ridge(features, values)
    middle = features - features.mean(axis=0)
    ridge = fitted.strength * np.square(middle).sum() / dim
    expected = []
    for left in range(rows):
        others = np.arange(rows) != left
        centre, mean = features[others].mean(axis=0), values[others].mean()
        part = features[others] - centre
        weights = np.linalg.solve(
            part.T @ part + ridge * np.eye(dim), part.T @ (values[others] - mean)
        )
        expected.append(mean + (features[left] - centre) @ weights)
    assert fitted.left_out == pytest.approx(np.array(expected), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("rows", "dim"), SHAPES)
def test_distances_are_those_from_all_other_pictures(rows: int, dim: int) -> None:
    features, _ = drawn(rows, dim)
    fitted = fit_novelty(features)
    middle = features - features.mean(axis=0)
    ridge = fitted.strength * np.square(middle).sum() / dim
    expected = []
    for left in range(rows):
        others = features[np.arange(rows) != left]
        part = others - others.mean(axis=0)
        away = features[left] - others.mean(axis=0)
        inside = np.linalg.solve(part.T @ part + ridge * np.eye(dim), away)
        expected.append(np.sqrt(ridge * away @ inside))
    assert fitted.left_out == pytest.approx(np.array(expected), rel=1e-6)


def test_pictures_that_are_all_alike_can_be_learnt() -> None:
    labels = np.repeat([0, 1], 3)
    features = np.eye(4)[labels]
    fitted = fit_discriminant(features, labels, 2)
    assert (features @ fitted.weights + fitted.bias).argmax(axis=1).tolist() == labels.tolist()
    novelty = fit_novelty(features[:3])
    assert novelty.left_out == pytest.approx(np.zeros(3))
    assert novelty.forgiven.shape == (4, 1)


def test_the_sharpness_is_where_the_loss_is_least() -> None:
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [10, 20, 30])
    scores = draw.normal(size=(60, 3)) + 1.5 * np.eye(3)[labels]

    def loss(factor: float) -> float:
        powers = np.exp(factor * scores)
        logs = np.log(powers / powers.sum(axis=1, keepdims=True))
        each = (60 / 61) * logs[np.arange(60), labels] + logs.mean(axis=1) / 61
        return -float(np.mean([each[labels == one].mean() for one in range(3)]))

    fitted = fit_sharpness(scores, labels)
    around = [loss(fitted.sharpness * factor) for factor in (0.98, 1, 1.02)]
    assert around[1] == min(around)
    assert fitted.loss == pytest.approx(around[1])


def test_where_no_picture_is_mistaken_probabilities_stay_below_one() -> None:
    labels = np.repeat([0, 1], 10)
    fitted = fit_sharpness(100.0 * np.eye(2)[labels], labels)
    assert 0.9 < 1 / (1 + np.exp(-100 * fitted.sharpness)) < 0.99


@pytest.mark.parametrize(("share", "value", "expected"), [(0.0, 0.0, 1 / 100), (0.05, 4.0, 0.05)])
def test_the_threshold_is_one_of_the_scores(share: float, value: float, expected: float) -> None:
    found = fit_threshold(np.random.default_rng(0).permutation(99).astype(np.float64), share)
    assert found.value == value
    assert found.expected == pytest.approx(expected)


def test_wilsons_interval() -> None:
    """Figures of R's package binom: binom.wilson(c(8, 10), 10)."""
    assert interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert interval(10, 10) == pytest.approx((0.7224672, 1.0), abs=1e-6)
