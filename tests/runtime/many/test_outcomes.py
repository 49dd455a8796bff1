"""An error ends the work or keeps its place, and what gives the outcomes is closed with them."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from edgefeat.errors import EdgefeatError, ImageError, RowError
from edgefeat.many.outcomes import up_to_error
from edgefeat.many.pairs import each_pair
from edgefeat.options.many import OnError


class Giving:
    """Gives 0, an error, and 2; knows how far it came and whether it was closed."""

    def __init__(self) -> None:
        self.given = 0
        self.is_closed = False

    def outcomes(self) -> Generator[int | EdgefeatError, None, None]:
        try:
            for one in (0, ImageError("torn"), 2):
                self.given += 1
                yield one
        finally:
            self.is_closed = True


def test_skipping_keeps_the_error_in_its_place() -> None:
    giving = Giving()
    first, error, last = up_to_error(giving.outcomes(), OnError.SKIP)
    assert (first, str(error), last) == (0, "torn.", 2)
    assert giving.is_closed


def test_stopping_raises_the_first_error_and_asks_for_no_more() -> None:
    giving = Giving()
    outcomes = up_to_error(giving.outcomes(), OnError.STOP)
    assert next(outcomes) == 0
    with pytest.raises(ImageError, match="torn"):
        next(outcomes)
    assert giving.given == 2
    assert giving.is_closed


def test_leaving_early_closes_what_gives_the_outcomes() -> None:
    giving = Giving()
    outcomes = up_to_error(giving.outcomes(), OnError.SKIP)
    next(outcomes)
    outcomes.close()
    assert giving.is_closed


def test_a_rows_error_says_which_pair_and_others_go_through() -> None:
    def work(image: int, row: int) -> int:
        if row < 0:
            raise RowError("below zero")
        if image < 0:
            raise ImageError("torn")
        return image + row

    found = list(each_pair(work, [(1, 1), (2, -1), (-1, 1), (3, 3)], workers=2))
    assert [found[0], found[3]] == [2, 6]
    assert str(found[1]) == "row 1: below zero."
    assert str(found[2]) == "torn."
    with pytest.raises(ZeroDivisionError):
        list(each_pair(lambda image, row: image // row, [(1, 0)], workers=1))
