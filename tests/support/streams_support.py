"""What the tests of streams share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.testing.faults import frame_number


class NumberReader:
    """An extractor whose one feature is the number a picture shows."""

    fingerprint = "number"
    outputs: dict[str, tuple[int, ...]] = {"number": (1,)}  # noqa: RUF012

    def prepare(self, image: ImageInput) -> NDArray[np.uint8]:
        return load_bgr(image)

    def extract_prepared(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.array([[frame_number(image)] for image in images], np.float32)
