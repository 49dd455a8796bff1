"""A predictor as a stream's extractor: records have answers, and columns stay beside each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgefeat.model.spec import ModelSpec
from edgefeat.pictures.decode import ImageInput
from edgefeat.prediction import Prediction
from edgefeat.predictor import Predictor

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels
    from edgefeat.pictures.encoded import OnDamaged
    from edgefeat.rows.given import Row

__all__ = ["Answering"]


class Answering:
    """What a stream needs of an extractor, of a model with a head.

        p = edgefeat.Predictor("out.onnx")
        for r in edgefeat.stream(0, Answering(p, {"city": "Rome"})):
            r.label, r.probabilities

    Args:
        predictor: Gives the answers; stays the caller's.
        row: The columns beside every frame; None for a model that takes a picture alone.

    Raises:
        RowError: The row does not fit.
        OptionError: The model takes a row and none came, or takes none.
        ModelError: The model takes no picture.
    """

    def __init__(self, predictor: Predictor, row: Row | None = None) -> None:
        self._predictor, self._row = predictor, row
        height, width, channels = predictor.extractor.spec.graph_input[1]
        self.answer_prepared(np.zeros((height, width, channels), np.uint8))  # the row fits, or not

    @property
    def spec(self) -> ModelSpec:
        """What the model file says about itself."""
        return self._predictor.spec

    @property
    def gives_labels(self) -> bool:
        """Whether answers have labels: a regression gives a number alone."""
        return bool(self._predictor.classes)

    @property
    def fingerprint(self) -> str:
        """What the vectors may be compared with: the backbone's."""
        return self._predictor.fingerprint

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """The output that makes the vector, by name, with its shape."""
        return self._predictor.extractor.outputs

    def prepare(self, image: ImageInput, *, on_damaged: OnDamaged | None = None) -> Pixels:
        """Return a picture as the graph takes it: uint8 `(height, width, channels)`."""
        return self._predictor.extractor.prepare(image, on_damaged=on_damaged)

    def extract_prepared(self, images: Pixels) -> Features:
        """Return float32 `(N, D)` for uint8 pictures `(N, height, width, channels)`."""
        return self._predictor.extractor.extract_prepared(images)

    def answer_prepared(self, picture: Pixels) -> Prediction:
        """Return what the model says of a picture, uint8 `(height, width, channels)`."""
        return self._predictor.predict_prepared(picture, self._row)
