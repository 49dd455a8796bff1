"""What a set is searched for: a photo, a vector, a record or a whole set becomes vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, Union, cast

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import OptionError, SinkError
from edgefeat.search import filters
from edgefeat.sets.frames import Frames
from edgefeat.sets.info import SetInfo
from edgefeat.sets.record import FeatureRecord

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.pictures.decode import ImageInput

__all__ = ["OneQuery", "vector_of", "wanted_rows"]

_PATHS_AND_BYTES = (str, bytes, bytearray, memoryview)

OneQuery: TypeAlias = Union["ImageInput", "Features", FeatureRecord]
"""A picture in any form that an extractor takes, or a float vector, or a record of a set."""


def vector_of(query: OneQuery, info: SetInfo, extractor: FeatureExtractor | None) -> Features:
    """Return the vector to search for: float32 `(1, D)`.

    Args:
        query: A float array is a vector; a picture goes through the extractor.
        info: What the rows of the set have in common.
        extractor: What makes features of a picture; None opens the shipped model.

    Raises:
        ImageError: The picture cannot be read or used.
        SinkError: The extractor, or the record, is of another model.
        TypeError: It is none of these.
        ValueError: A vector has another shape than the set's.
    """
    if isinstance(query, FeatureRecord):
        return info.flat(query)[np.newaxis]
    if isinstance(query, np.ndarray) and np.issubdtype(query.dtype, np.floating):
        if query.shape != info.shape:
            raise ValueError(f"query: expected a vector of shape {info.shape}, got {query.shape}")
        return query.astype(np.float32).reshape(1, -1)
    if isinstance(query, np.ndarray) and query.ndim == 1:
        raise TypeError(f"query: expected a vector of floats, got {query.dtype}")
    if query is None or (
        isinstance(query, int | float | Sequence) and not isinstance(query, _PATHS_AND_BYTES)
    ):
        raise TypeError(
            "query: expected a picture, a float vector, a record or a set, got "
            f"{type(query).__name__}"
        )
    picture = cast("ImageInput", query)
    if extractor is None:
        from edgefeat.sets.extractor_of import open_extractor_of

        with open_extractor_of(info) as opened:
            return opened.extract(picture).reshape(1, -1)
    if extractor.fingerprint != info.fingerprint:
        raise SinkError(
            f"fingerprint: the set has {info.fingerprint[:12]} (model {info.model}), the extractor "
            f"{extractor.fingerprint[:12]} (model {extractor.spec.name})",
            remedy="Vectors of different models or preprocessing cannot be compared: use the "
            "extractor that made the set.",
        )
    return extractor.extract(picture).reshape(1, -1)


def wanted_rows(
    paths: Sequence[str],
    frames: Frames | None,
    *,
    where: str | None,
    label: str | None,
    since: float | None,
    until: float | None,
) -> NDArray[np.bool_] | None:
    """Return which rows may be found, bool `(N,)`; None where all may.

    Args:
        paths: What the rows are called.
        frames: When the frames of a stream were taken; None for pictures.
        where: Pattern that the name must fit; None takes every name.
        label: Folder that the picture must be in; None takes every folder.
        since: Earliest time of a frame; None takes every time.
        until: Latest time of a frame; None takes every time.

    Raises:
        OptionError: A time was given, and the set has no frames of a stream; or a pattern is no
            text.
    """
    masks = []
    for name, text in (("where", where), ("label", label)):
        if text is not None and not isinstance(text, str):
            raise OptionError(f"expected text, got {text!r}", option=name)
    if where is not None:
        masks.append(filters.by_name(paths, where))
    if label is not None:
        masks.append(filters.by_label(paths, label))
    if since is not None or until is not None:
        if frames is None:
            raise OptionError(
                "the set has pictures, which have no times; only a stream's frames do",
                option="since" if since is not None else "until",
            )
        masks.append(filters.by_time(frames.wall_time, since=since, until=until))
    return np.logical_and.reduce(masks) if masks else None
