"""Axes: round ticks that can be told apart, and titles that do not lie on them."""

import re

import pytest

from edgefeat.bench.report.svg import Plot, round_ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 100.0, [0, 20, 40, 60, 80, 100]),
        (1.7, 9.2, [2, 3, 4, 5, 6, 7, 8, 9]),
        (0.99805, 0.99807, [0.99805, 0.998055, 0.99806, 0.998065, 0.99807]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    found = round_ticks(low, high, most=5 if high == 100.0 or high < 1 else 8)
    assert found == pytest.approx(ticks)


def plot(low: float, high: float) -> str:
    one = Plot((0.0, 1.0), (low, high), x_label="x", y_label="y", title="t")
    return one.svg()


def test_all_ticks_of_an_axis_have_the_digits_that_tell_them_apart() -> None:
    texts = re.findall(r'text-anchor="end">([^<]+)<', plot(0.9979, 1.0001))
    assert texts == ["0.9980", "0.9985", "0.9990", "0.9995", "1.0000"]


@pytest.mark.parametrize(("low", "high"), [(0.0, 9.0), (0.99805, 0.99807), (0.0, 123456.0)])
def test_the_title_of_the_axis_does_not_lie_on_its_ticks(low: float, high: float) -> None:
    """On a phone the text is 13 px high, and a digit of a wide font 8.3 px wide."""
    svg = plot(low, high)
    ticks = re.findall(r'x="([\d.]+)" y="[\d.]+" text-anchor="end">([^<]+)<', svg)
    title_right = 12 + 13 / 2
    assert len(ticks) >= 2
    assert min(float(x) - 8.3 * len(text) for x, text in ticks) > title_right


def test_equal_ends_still_make_an_axis() -> None:
    assert "nan" not in plot(2.0, 2.0)
