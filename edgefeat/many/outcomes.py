"""What many items give, in order: a result, or the error that stands in its place."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

from edgefeat.errors import EdgefeatError
from edgefeat.options.many import OnError

__all__ = ["up_to_error"]

Outcome = TypeVar("Outcome")


def up_to_error(
    outcomes: Generator[Outcome, None, None], on_error: OnError
) -> Generator[Outcome, None, None]:
    """Yield outcomes; raise the first error among them where it is to end the work.

    Args:
        outcomes: Results and errors. They are closed with this generator.
        on_error: Whether to raise the first error instead of yielding it.

    Raises:
        EdgefeatError: The first of them, if `on_error` is `stop`.
    """
    with closing(outcomes):
        for outcome in outcomes:
            if on_error is OnError.STOP and isinstance(outcome, EdgefeatError):
                raise outcome
            yield outcome
