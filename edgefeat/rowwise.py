"""Features of rows, and of pictures beside rows: an extractor's work where a model has columns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefeat.errors import EdgefeatError, ImageError, OptionError, RowError
from edgefeat.many.in_order import map_in_order
from edgefeat.options.many import ManyOptions, OnError
from edgefeat.rows.reader import Feed
from edgefeat.rows.running import one_by_one

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels
    from edgefeat.opened import OpenModel

__all__ = ["RowFeatures"]


class RowFeatures:
    """What an extractor does where features depend on rows.

    Args:
        opened: The model.
    """

    def __init__(self, opened: OpenModel) -> None:
        self._opened = opened
        names = list(opened.chosen.shapes)
        self._runner = opened.row_runner(names, finite=names)
        every = [one.name for one in opened.spec.features]
        self._every = opened.row_runner(every, finite=every)
        self._has_picture = opened.spec.picture is not None

    def extract(self, row: Any, picture: Pixels | None = None) -> Features:
        """Return a row's features: float32 `(D,)`, or `(H, W, C)` for a map.

        Args:
            row: See `FeatureExtractor.extract`.
            picture: The picture beside it, as the graph takes it.

        Raises:
            RowError: The row does not fit.
        """
        outputs = self._runner.one(row, self._beside(picture))
        features: Features = self._opened.side_by_side(outputs)[0]
        return features

    def every_output(self, row: Any, picture: Pixels | None = None) -> dict[str, Features]:
        """Return every output by name; see `extract`."""
        outputs = self._opened.normalised(self._every.one(row, self._beside(picture)))
        return {name: array[0] for name, array in outputs.items()}

    def each(self, rows: Any, many: ManyOptions) -> Generator[Features | RowError]:
        """Yield each row's features in order, or its error.

        Args:
            rows: See `FeatureExtractor.extract_batch`.
            many: How many at a time, and what a bad one does to the rest.

        Raises:
            RowError: A row does not fit, and the first is to stop; or there are no rows.
        """
        if many.retries:
            raise OptionError("applies to pictures only: a row stays as it is", option="retries")
        for part in self._runner.parts(rows, at_once=many.batch):
            vectors = self._opened.side_by_side(part.outputs) if part.outputs else ()
            found = dict(zip(part.places.tolist(), vectors, strict=True))
            for place in range(part.count):
                error = part.errors.get(place)
                if error is not None and many.on_error is OnError.STOP:
                    raise error
                yield found[place] if error is None else error

    def each_beside(
        self,
        images: Iterable[Any],
        rows: Any,
        prepare: Callable[[Any], Pixels],
        many: ManyOptions,
        workers: int,
    ) -> Generator[Features | EdgefeatError]:
        """Yield the features of pictures with a row each, in order, or what is wrong with them.

        Args:
            images: Pictures; see `FeatureExtractor.extract`.
            rows: The rows, one for each picture.
            prepare: Makes of a picture what the graph takes: uint8 `(height, width, channels)`.
            many: What a bad one does to the rest.
            workers: Pictures worked on at once.

        Raises:
            EdgefeatError: A picture or row does not fit, and the first is to stop.
            ValueError: There are more pictures than rows, or fewer.
        """

        def work(pair: tuple[int, Any, Any]) -> Features | EdgefeatError:
            place, image, row = pair
            try:
                return self.extract(row, prepare(image))
            except RowError as error:
                return error.at(place)
            except ImageError as error:
                return error

        pairs = _pairs(images, one_by_one(rows, self._opened.reader))
        with closing(map_in_order(work, pairs, workers=workers, ahead=2)) as outcomes:
            for outcome in outcomes:
                if many.on_error is OnError.STOP and isinstance(outcome, EdgefeatError):
                    raise outcome
                yield outcome

    def _beside(self, picture: Pixels | None) -> Feed:
        if picture is None:
            if self._has_picture:
                raise OptionError(
                    "the model takes a picture beside each row", where=self._opened.path
                )
            return {}
        return {self._opened.spec.graph_input[0]: picture[np.newaxis]}


def _pairs(images: Iterable[Any], rows: Iterable[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Yield pictures with their rows, and where they stand."""
    for place, (image, row) in enumerate(zip(images, rows, strict=True)):
        yield place, image, row
