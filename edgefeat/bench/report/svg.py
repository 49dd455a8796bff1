"""A plot in SVG text: scales, round ticks, axes. Colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

__all__ = ["Plot", "round_ticks"]

_RIGHT_PX, _TOP_PX, _BOTTOM_PX = 14.0, 10.0, 38.0
_DIGIT_PX = 8.3  # width of a digit at 13 px, the size of a text on a phone, in a wide font
_TITLE_PX = 21.0  # for the vertical axis's title, which is turned
_TICK_GAP_PX = 6.0
_RULE_TEXT_PX = 80  # a rule's name nearer than this to the right edge stands to the left
_RULE_ROWS = 3  # names of neighbouring rules stand on different rows
_MOST_X_TICKS, _MOST_Y_TICKS = 8, 5


class Plot:
    """Collects marks in units of the data; `svg` gives the picture.

    Args:
        x: Lowest and highest value of the horizontal axis.
        y: Lowest and highest value of the vertical axis.
        x_label: Title of the horizontal axis, with its unit.
        y_label: Title of the vertical axis, with its unit.
        title: What the picture shows, for those who cannot see it.
        size_hw: Height and width in CSS pixels; the picture shrinks with the page.
    """

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        x_label: str,
        y_label: str,
        title: str,
        size_hw: tuple[int, int] = (220, 480),
    ) -> None:
        self._x, self._y = _widened(x), _widened(y)
        self._height, self._width = size_hw
        self._y_ticks = _labelled(round_ticks(*self._y, most=_MOST_Y_TICKS))
        longest = max((len(text) for _, text in self._y_ticks), default=0)
        self._left = _TITLE_PX + _DIGIT_PX * longest + _TICK_GAP_PX
        self._title = title
        self._marks: list[str] = []
        self._rules = 0
        self._axes(x_label, y_label)

    def x(self, value: float) -> float:
        """Return the horizontal position of a value, held inside the plot."""
        low, high = self._x
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return round(self._left + share * (self._width - self._left - _RIGHT_PX), 1)

    def y(self, value: float) -> float:
        """Return the vertical position of a value, held inside the plot."""
        low, high = self._y
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return round(self._height - _BOTTOM_PX - share * (self._height - _TOP_PX - _BOTTOM_PX), 1)

    def line(self, points: Sequence[tuple[float, float]], css: str) -> None:
        """Draw a line through points."""
        text = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        self._marks.append(f'<polyline class="line {css}" points="{text}"/>')

    def area(self, x: tuple[float, float], y: tuple[float, float], css: str, hint: str) -> None:
        """Draw a filled rectangle.

        Args:
            x: Values at its left and right side.
            y: Values at its lower and upper side.
            css: Class of the style sheet that colours it.
            hint: Text that is shown under the pointer.
        """
        left, right = self.x(x[0]), self.x(x[1])
        top, bottom = self.y(y[1]), self.y(y[0])
        self._marks.append(
            f'<rect class="area {css}" x="{left}" y="{top}" width="{max(right - left, 0.5):.1f}" '
            f'height="{max(bottom - top, 0):.1f}"><title>{escape(hint)}</title></rect>'
        )

    def dots(self, points: Sequence[tuple[float, float]], css: str, radius: float = 1.4) -> None:
        """Draw dots; thousands of them are one element.

        Args:
            points: Values of each dot on the horizontal and the vertical axis.
            css: Class of the style sheet that colours them.
            radius: Radius of a dot, in pixels of the picture.
        """
        arc = f"a{radius},{radius} 0 1,0 {2 * radius},0a{radius},{radius} 0 1,0 {-2 * radius},0"
        path = "".join(f"M{self.x(x) - radius:.1f},{self.y(y)}{arc}" for x, y in points)
        self._marks.append(f'<path class="dots {css}" d="{path}"/>')

    def rule(self, x: float, text: str) -> None:
        """Draw a dashed line upwards from a value of the horizontal axis, with its name."""
        at = self.x(x)
        end = "end" if at > self._width - _RULE_TEXT_PX else "start"
        shift = -4 if end == "end" else 4
        drop = 9 + 11 * (self._rules % _RULE_ROWS)
        self._rules += 1
        self._marks.append(
            f'<line class="rule" x1="{at}" x2="{at}" y1="{_TOP_PX}" '
            f'y2="{self._height - _BOTTOM_PX}"/>'
            f'<text class="note" x="{at + shift}" y="{_TOP_PX + drop}" text-anchor="{end}">'
            f"{escape(text)}</text>"
        )

    def svg(self) -> str:
        """Return the picture."""
        return (
            f'<svg viewBox="0 0 {self._width} {self._height}" role="img" '
            f'aria-label="{escape(self._title, quote=True)}">{"".join(self._marks)}</svg>'
        )

    def _axes(self, x_label: str, y_label: str) -> None:
        floor, right = self._height - _BOTTOM_PX, self._width - _RIGHT_PX
        for value, text in _labelled(round_ticks(*self._x, most=_MOST_X_TICKS)):
            at = self.x(value)
            self._marks.append(
                f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP_PX}" y2="{floor}"/>'
                f'<text class="tick" x="{at}" y="{floor + 14}" text-anchor="middle">{text}</text>'
            )
        for value, text in self._y_ticks:
            at = self.y(value)
            self._marks.append(
                f'<line class="grid" x1="{self._left:g}" x2="{right}" y1="{at}" y2="{at}"/>'
                f'<text class="tick" x="{self._left - _TICK_GAP_PX:g}" y="{at + 4}" '
                f'text-anchor="end">{text}</text>'
            )
        middle_x, middle_y = (self._left + right) / 2, (_TOP_PX + floor) / 2
        self._marks.append(
            f'<text class="axis" x="{middle_x:g}" y="{self._height - 6}" text-anchor="middle">'
            f'{escape(x_label)}</text><text class="axis" text-anchor="middle" '
            f'transform="translate(12 {middle_y}) rotate(-90)">{escape(y_label)}</text>'
        )


def round_ticks(low: float, high: float, *, most: int = _MOST_X_TICKS) -> list[float]:
    """Return round numbers between two others: steps of 1, 2 or 5 times a power of ten.

    Args:
        low: The lowest number may not be below this.
        high: The highest number may not be above this.
        most: About how many numbers to return.
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _labelled(ticks: Sequence[float]) -> list[tuple[float, str]]:
    """Return ticks with their texts, all with the digits that tell neighbours apart."""
    if len(ticks) < 2:
        return [(tick, f"{tick:g}") for tick in ticks]
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    return [(tick, f"{tick:.{digits}f}") for tick in ticks]


def _widened(ends: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an axis; two equal ends are set apart."""
    low, high = ends
    return (low, high) if high > low else (low, low + max(abs(low), 1.0) * 0.1)
