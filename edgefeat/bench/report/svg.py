"""A plot area in SVG text: scales, round ticks, axes. Colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

__all__ = ["Plot", "round_ticks"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 14.0, 10.0, 38.0


class Plot:
    """Collects marks in data units; `svg` gives the picture.

    Args:
        x: Lowest and highest value of the horizontal axis.
        y: The same of the vertical one.
        x_label: What the axis shows, with its unit.
        y_label: The same of the vertical one.
        title: Said to those who cannot see the picture.
        size: Width and height in CSS pixels; it shrinks with the page.
    """

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        x_label: str,
        y_label: str,
        title: str,
        size: tuple[int, int] = (480, 220),
    ) -> None:
        self._x, self._y = _widened(x), _widened(y)
        self._width, self._height = size
        self._title = title
        self._marks: list[str] = []
        self._rules = 0
        self._axes(x_label, y_label)

    def x(self, value: float) -> float:
        """Return the horizontal position of a value, held inside the plot."""
        low, high = self._x
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return round(_LEFT + share * (self._width - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Return the vertical position of a value, held inside the plot."""
        low, high = self._y
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return round(self._height - _BOTTOM - share * (self._height - _TOP - _BOTTOM), 1)

    def line(self, points: Sequence[tuple[float, float]], css: str) -> None:
        """Draw a line through points."""
        text = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        self._marks.append(f'<polyline class="line {css}" points="{text}"/>')

    def area(self, x: tuple[float, float], y: tuple[float, float], css: str, hint: str) -> None:
        """Draw a filled rectangle between two corners."""
        left, right = self.x(x[0]), self.x(x[1])
        top, bottom = self.y(y[1]), self.y(y[0])
        self._marks.append(
            f'<rect class="area {css}" x="{left}" y="{top}" width="{max(right - left, 0.5):.1f}" '
            f'height="{max(bottom - top, 0):.1f}"><title>{escape(hint)}</title></rect>'
        )

    def dots(self, points: Sequence[tuple[float, float]], css: str, radius: float = 1.4) -> None:
        """Draw many small dots as one element."""
        arc = f"a{radius},{radius} 0 1,0 {2 * radius},0a{radius},{radius} 0 1,0 {-2 * radius},0"
        path = "".join(f"M{self.x(x) - radius:.1f},{self.y(y)}{arc}" for x, y in points)
        self._marks.append(f'<path class="dots {css}" d="{path}"/>')

    def rule(self, x: float, text: str) -> None:
        """Draw a dashed line upwards from a value of the horizontal axis, with its name."""
        at = self.x(x)
        end = "end" if at > self._width - 80 else "start"
        shift = -4 if end == "end" else 4
        drop = 9 + 11 * (self._rules % 3)  # names of close lines must not cover each other
        self._rules += 1
        self._marks.append(
            f'<line class="rule" x1="{at}" x2="{at}" y1="{_TOP}" y2="{self._height - _BOTTOM}"/>'
            f'<text class="note" x="{at + shift}" y="{_TOP + drop}" text-anchor="{end}">'
            f"{escape(text)}</text>"
        )

    def svg(self) -> str:
        """Return the picture."""
        return (
            f'<svg viewBox="0 0 {self._width} {self._height}" role="img" '
            f'aria-label="{escape(self._title, quote=True)}">{"".join(self._marks)}</svg>'
        )

    def _axes(self, x_label: str, y_label: str) -> None:
        floor, right = self._height - _BOTTOM, self._width - _RIGHT
        for value in round_ticks(*self._x):
            at = self.x(value)
            self._marks.append(
                f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP}" y2="{floor}"/>'
                f'<text class="tick" x="{at}" y="{floor + 14}" text-anchor="middle">'
                f"{value:g}</text>"
            )
        for value in round_ticks(*self._y, most=5):
            at = self.y(value)
            self._marks.append(
                f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at}" y2="{at}"/>'
                f'<text class="tick" x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">'
                f"{value:g}</text>"
            )
        middle_x, middle_y = (_LEFT + right) / 2, (_TOP + floor) / 2
        self._marks.append(
            f'<text class="axis" x="{middle_x}" y="{self._height - 6}" text-anchor="middle">'
            f'{escape(x_label)}</text><text class="axis" text-anchor="middle" '
            f'transform="translate(12 {middle_y}) rotate(-90)">{escape(y_label)}</text>'
        )


def round_ticks(low: float, high: float, *, most: int = 8) -> list[float]:
    """Return round numbers between two others: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _widened(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    return (low, high) if high > low else (low, low + max(abs(low), 1.0) * 0.1)
