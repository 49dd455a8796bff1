"""Features of pictures with a row each: an extractor's work where a model takes both."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefeat.errors import EdgefeatError
from edgefeat.many.batches import check_several
from edgefeat.many.outcomes import up_to_error
from edgefeat.many.pairs import each_pair
from edgefeat.rows.running import one_by_one

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.many.batches import ColourName
    from edgefeat.opened import OpenModel
    from edgefeat.options.many import ManyOptions
    from edgefeat.picturewise import PictureFeatures
    from edgefeat.rows.running import Outputs, RowRunner

__all__ = ["MultimodalFeatures"]


class MultimodalFeatures:
    """What an extractor does with pictures and rows together.

    Args:
        opened: The model.
        pictures: Prepares the pictures.
    """

    def __init__(self, opened: OpenModel, pictures: PictureFeatures) -> None:
        self._opened, self._pictures = opened, pictures
        self._runner, self._every = opened.feature_runners()

    def extract(self, image: Any, row: Any, colour: ColourName) -> Features:
        """Return the features of a picture with its row: float32 `(D,)`, or `(H, W, C)` for a map.

        Args:
            image: See `FeatureExtractor.extract`.
            row: The row beside it.
            colour: Channel order if `image` is an array.

        Raises:
            ImageError: The picture cannot be read or used.
            OptionError: There is no row.
            RowError: The row does not fit.
        """
        features: Features = self._opened.side_by_side(
            self._outputs(self._runner, image, row, colour)
        )[0]
        return features

    def every_output(self, image: Any, row: Any, colour: ColourName) -> dict[str, Features]:
        """Return every output by name; see `extract`."""
        outputs = self._opened.normalised(self._outputs(self._every, image, row, colour))
        return {name: array[0] for name, array in outputs.items()}

    def each(
        self, images: Any, rows: Any, colour: ColourName, many: ManyOptions
    ) -> Generator[Features | EdgefeatError]:
        """Yield the features of pictures with a row each, in order, or what is wrong with them.

        Args:
            images: Pictures; see `FeatureExtractor.extract`.
            rows: The rows, one for each picture.
            colour: Channel order of pictures that are arrays.
            many: How many at a time, and what a bad one does to the rest.

        Raises:
            EdgefeatError: A picture or row does not fit, and the first is to stop.
            OptionError: There are no rows.
            ValueError: There are more pictures than rows, or fewer.
        """
        if rows is None and isinstance(images, list | tuple) and images:
            pairs = [self._apart(one, None) for one in images]
            images = [image for image, _ in pairs]
            rows = [row for _, row in pairs] if all(row is not None for _, row in pairs) else None
        self._opened.require_row(rows)
        pictures: Any = check_several(images)
        found = each_pair(
            lambda image, row: self.extract(image, row, colour),
            zip(pictures, one_by_one(rows, self._opened.reader), strict=True),
            workers=many.workers or self._opened.usual_workers,
        )
        return up_to_error(found, many.on_error)

    def _outputs(self, runner: RowRunner, image: Any, row: Any, colour: ColourName) -> Outputs:
        image, row = self._apart(image, row)
        self._opened.require_row(row)
        picture = self._pictures.prepare(image, colour=colour)
        return runner.one(row, {self._opened.spec.graph_input[0]: picture[np.newaxis]})

    def _apart(self, image: Any, row: Any) -> tuple[Any, Any]:
        """Return picture and row, which may come as one mapping by the names of the inputs."""
        name = self._opened.spec.input.name
        if row is not None or not isinstance(image, Mapping) or name not in image:
            return image, row
        return image[name], {key: value for key, value in image.items() if key != name}
