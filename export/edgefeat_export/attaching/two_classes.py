"""Two classes of which a model scores the second alone: probabilities, and whose label it is."""

from __future__ import annotations

from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["below_zero", "of_two", "two_sided"]


def of_two(tail: TailGraph, raw: Matrix) -> Matrix:
    """Return the probabilities of both classes, float64 `(N, 2)`.

    Args:
        tail: The graph.
        raw: The score of the second, `(N, 1)`; the first is as probable at 0.
    """
    second = Matrix(tail.add("Sigmoid", [raw.name]), 1)
    first = Matrix(tail.add("Sub", [tail.constant(1.0), second.name]), 1)
    return tail.side_by_side([first, second])


def below_zero(tail: TailGraph, raw: Matrix) -> Matrix:
    """Return 1 for the class of a score, float64 `(N, 2)`: the second from 0 on.

    Args:
        tail: The graph.
        raw: The score of the second, `(N, 1)`.
    """
    first = Matrix(tail.double(tail.add("Less", [raw.name, tail.constant(0.0)])), 1)
    second = Matrix(tail.add("Sub", [tail.constant(1.0), first.name]), 1)
    return tail.side_by_side([first, second])


def two_sided(tail: TailGraph, raw: Matrix) -> Matrix:
    """Return a score for each class, float64 `(N, K)`; the first of two has 0.

    Args:
        tail: The graph.
        raw: Scores of all, or of the second of two alone, `(N, 1)`.
    """
    if raw.width > 1:
        return raw
    zero = Matrix(tail.add("Mul", [raw.name, tail.constant(0.0)]), 1)
    return tail.side_by_side([zero, raw])
