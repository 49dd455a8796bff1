"""Features of pictures: an extractor's work where a model takes pictures."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefeat.errors import EdgefeatError
from edgefeat.model.spec import Colour
from edgefeat.options.checks import choice

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels
    from edgefeat.many.batches import ColourName
    from edgefeat.opened import OpenModel
    from edgefeat.options.many import ManyOptions
    from edgefeat.pictures.encoded import OnDamaged
    from edgefeat.pictures.frame import FrameInput
    from edgefeat.pictures.preprocess import Preprocessor

__all__ = ["PictureFeatures", "checked_colour"]


class PictureFeatures:
    """What an extractor does with pictures, whole and by its three stages.

    Args:
        opened: The model.
        max_pixels: Pictures that claim more are refused.
    """

    def __init__(self, opened: OpenModel, *, max_pixels: int) -> None:
        self._opened, self._max_pixels = opened, max_pixels

    def extract(self, image: Any, row: object, colour: ColourName) -> Features:
        """Return a picture's features; see `FeatureExtractor.extract`."""
        self._opened.refuse_row(row)
        picture = self.prepare(image, colour=colour)
        features: Features = self._opened.vectors(picture[np.newaxis])[0]
        return features

    def every_output(self, image: Any, row: object, colour: ColourName) -> dict[str, Features]:
        """Return every output by name; see `FeatureExtractor.extract_outputs`."""
        self._opened.refuse_row(row)
        picture = self.prepare(image, colour=colour)
        outputs = self._opened.every_output(picture[np.newaxis])
        return {name: array[0] for name, array in outputs.items()}

    def each(
        self, images: Any, rows: object, colour: ColourName, many: ManyOptions
    ) -> Generator[Features | EdgefeatError]:
        """Yield each picture's features in order; see `FeatureExtractor.iter_features`."""
        from edgefeat.many.batches import check_several, features_in_order

        self._opened.refuse_row(rows)
        return features_in_order(
            self,
            check_several(images),
            batch=many.batch or self._opened.usual_batch,
            workers=many.workers or self._opened.usual_workers,
            on_error=many.on_error,
            retries=many.retries,
            colour=colour,
        )

    def decode(self, image: Any, colour: ColourName, on_damaged: OnDamaged | None) -> Pixels:
        """Return a picture decoded; see `FeatureExtractor.decode`."""
        return self._preprocessor.decode(
            image,
            colour=checked_colour(colour),
            max_pixels=self._max_pixels,
            on_damaged=on_damaged,
        )

    def resize(self, frame_bgr: Pixels) -> Pixels:
        """Return a decoded picture as the graph takes it; see `FeatureExtractor.resize`."""
        return self._preprocessor(frame_bgr)

    def prepare(
        self, image: Any, *, colour: ColourName = "bgr", on_damaged: OnDamaged | None = None
    ) -> Pixels:
        """Return a picture as the graph takes it; see `FeatureExtractor.prepare`."""
        return self.resize(self.decode(image, colour, on_damaged))

    def extract_prepared(self, images: Pixels) -> Features:
        """Return features of prepared pictures; see `FeatureExtractor.extract_prepared`."""
        return self._opened.vectors(self._checked(images))

    def outputs_prepared(self, images: Pixels) -> dict[str, Features]:
        """Return outputs of prepared pictures; see `FeatureExtractor.outputs_prepared`."""
        return self._opened.every_output(self._checked(images))

    @property
    def _preprocessor(self) -> Preprocessor | FrameInput:
        """What prepares pictures; raises ModelError where the model takes none."""
        if (prepares := self._opened.preprocess) is None:
            try:
                _ = self._opened.spec.input
            except EdgefeatError as error:
                error.within(self._opened.path)
                raise
        return prepares  # type: ignore[return-value]

    def _checked(self, images: Pixels) -> Pixels:
        """Return prepared pictures; refuse them where the model takes a row beside each."""
        preprocessor = self._preprocessor
        if self._opened.rows_matter:
            self._opened.require_row(None)
        return preprocessor.check(images)


def checked_colour(colour: str) -> Colour:
    """Return a channel order.

    Raises:
        OptionError: It is none of `bgr` and `rgb`.
    """
    return Colour(choice("colour", colour, "bgr", "rgb"))
