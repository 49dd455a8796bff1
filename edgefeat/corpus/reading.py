"""Reads each picture once: its bytes are hashed as the extractor takes them, its damage noted."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from edgefeat.corpus.at_hand import Picture, stamp_of
from edgefeat.errors import DamagedPictureWarning, ImageError
from edgefeat.options.corpus import OnDamaged
from edgefeat.sets.stamps import new_digest

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.many.batches import ColourName
    from edgefeat.pictures.decode import ImageInput

__all__ = ["ReadingExtractor"]


class ReadingExtractor:
    """An extractor of `Picture`s; what it finds out of each stands in the picture.

    Args:
        extractor: Does the work, from several threads at once.
        on_damaged: What becomes of damaged pictures.
    """

    def __init__(self, extractor: FeatureExtractor, on_damaged: OnDamaged) -> None:
        self._extractor, self._on_damaged = extractor, on_damaged

    @property
    def fingerprint(self) -> str:
        """What the vectors may be compared with."""
        return self._extractor.fingerprint

    def prepare(self, image: ImageInput, *, colour: ColourName = "bgr") -> Pixels:
        """Return a picture as the model takes it: uint8 `(height, width, channels)`.

        Raises:
            ImageError: It cannot be read or used, or is damaged and may not be.
        """
        picture = cast("Picture", image)
        damages: list[DamagedPictureWarning] = []
        file = picture.open()
        if file is None:  # the extractor says what is wrong with it
            return self._extractor.prepare(picture.path, colour=colour)
        with file:
            if picture.content is None:
                picture.stamp = stamp_of(os.fstat(file.fileno()))
            hashing = _HashingFile(file, picture.name)
            pixels = self._extractor.prepare(
                cast("BinaryIO", hashing), colour=colour, on_damaged=damages.append
            )
        if picture.stamp is not None:
            picture.stamp = replace(picture.stamp, blake2b=hashing.digest.hexdigest())
        if damages:
            damage = damages[0]
            if self._on_damaged is OnDamaged.FAIL:
                raise ImageError(damage.problem, where=damage.where, remedy=damage.remedy)
            picture.damage = damage.problem
        return pixels

    def extract_prepared(self, images: Pixels) -> Features:
        """Return float32 `(N, D)` for uint8 pictures `(N, height, width, channels)`."""
        return self._extractor.extract_prepared(images)


class _HashingFile:
    """A file whose bytes are hashed as they are read; it is read to its end."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self.name, self.digest = file, name, new_digest()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.digest.update(content)
        return content
