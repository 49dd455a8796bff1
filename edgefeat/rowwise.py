"""Features of rows: an extractor's work where a model takes columns and no picture."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from edgefeat.errors import OptionError, RowError
from edgefeat.many.outcomes import up_to_error
from edgefeat.options.many import ManyOptions

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.opened import OpenModel

__all__ = ["RowFeatures"]


class RowFeatures:
    """What an extractor does with rows.

    Args:
        opened: The model.
    """

    def __init__(self, opened: OpenModel) -> None:
        self._opened = opened
        self._runner, self._every = opened.feature_runners()

    def extract(self, row: Any, beside: object, colour: str) -> Features:
        """Return a row's features: float32 `(D,)`, or `(H, W, C)` for a map.

        Args:
            row: See `FeatureExtractor.extract`.
            beside: A second row, which is refused.
            colour: Channel order of arrays, which rows do not have.

        Raises:
            OptionError: There is a second row.
            RowError: The row does not fit.
        """
        self._opened.refuse_row(beside)
        features: Features = self._opened.side_by_side(self._runner.one(row))[0]
        return features

    def every_output(self, row: Any, beside: object, colour: str) -> dict[str, Features]:
        """Return every output by name; see `extract`."""
        self._opened.refuse_row(beside)
        outputs = self._opened.normalised(self._every.one(row))
        return {name: array[0] for name, array in outputs.items()}

    def each(
        self, rows: Any, beside: object, colour: str, many: ManyOptions
    ) -> Generator[Features | RowError]:
        """Yield each row's features in order, or its error.

        Args:
            rows: See `FeatureExtractor.extract_batch`.
            beside: Further rows, which are refused.
            colour: Channel order of arrays, which rows do not have.
            many: How many at a time, and what a bad one does to the rest.

        Raises:
            OptionError: There are further rows, or `many` asks for what rows do not have.
            RowError: A row does not fit, and the first is to stop; or there are no rows.
        """
        self._opened.refuse_row(beside)
        return up_to_error(self._each(rows, many), many.on_error)

    def _each(self, rows: Any, many: ManyOptions) -> Generator[Features | RowError]:
        if many.retries:
            raise OptionError("applies to pictures only: a row stays as it is", option="retries")
        for part in self._runner.parts(rows, at_once=many.batch):
            vectors = self._opened.side_by_side(part.outputs) if part.outputs else ()
            yield from part.in_order(vectors.__getitem__)
