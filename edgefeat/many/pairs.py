"""Many pictures with a row each, in order; an error keeps its place."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import Any, TypeVar

from edgefeat.errors import EdgefeatError, ImageError, RowError
from edgefeat.many.in_order import map_in_order

__all__ = ["each_pair"]

Result = TypeVar("Result")


def each_pair(
    work: Callable[[Any, Any], Result], pairs: Iterable[tuple[Any, Any]], *, workers: int
) -> Generator[Result | EdgefeatError, None, None]:
    """Yield `work(picture, row)` for every pair, in order, or what is wrong with the pair.

    Args:
        work: Called from several threads at once.
        pairs: Pictures with their rows; the iterable may never end.
        workers: Pairs worked on at once.
    """

    def attempt(numbered: tuple[int, tuple[Any, Any]]) -> Result | EdgefeatError:
        place, (image, row) = numbered
        try:
            return work(image, row)
        except RowError as error:
            return error.at(place)
        except ImageError as error:
            return error

    with closing(map_in_order(attempt, enumerate(pairs), workers=workers, ahead=2)) as outcomes:
        yield from outcomes
