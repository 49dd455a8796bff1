"""Many pictures through one extractor, in order; a bad picture's error keeps its place.

Each worker is a thread that takes whole pictures from decoding to features, on the one shared
model. Only small things wait for their turn (vectors), never decoded pictures, so that memory does
not grow with the number of pictures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar

import numpy as np

from edgefeat.errors import ImageError
from edgefeat.many.in_order import groups_of, map_in_order
from edgefeat.many.outcomes import up_to_error
from edgefeat.options.many import OnError

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels
    from edgefeat.pictures.decode import ImageInput

__all__ = [
    "ColourName",
    "Outcome",
    "Preparing",
    "check_several",
    "default_workers",
    "features_in_order",
]

ColourName = Literal["bgr", "rgb"]
Images = TypeVar("Images")
Outcome: TypeAlias = "Features | ImageError"
_MOST_WORKERS = 4  # by default, because each may hold a decoded picture
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0


class Preparing(Protocol):
    """The two stages of an extractor; `FeatureExtractor` has them."""

    def prepare(self, image: ImageInput, *, colour: ColourName = "bgr") -> Pixels:
        """Return a picture as the model takes it: uint8 `(height, width, channels)`."""

    def extract_prepared(self, images: Pixels) -> Features:
        """Return float32 `(N, D)` for uint8 pictures `(N, height, width, channels)`."""


def default_workers(threads: int = 1) -> int:
    """Return how many workers suit this process: one to four.

    Args:
        threads: Threads inside each inference; so many cores are counted for each worker.
    """
    return max(1, min(len(os.sched_getaffinity(0)) // threads, _MOST_WORKERS))


def check_several(images: Images) -> Images:
    """Return several pictures as they are; one path would be taken for a list of letters.

    Raises:
        TypeError: It is one path or one encoded picture.
    """
    if isinstance(images, str | bytes | bytearray | os.PathLike):
        raise TypeError(
            f"images: expected several pictures, got one {type(images).__name__}. Pass a list, or "
            "use extract."
        )
    return images


def features_in_order(
    extractor: Preparing,
    images: Iterable[ImageInput],
    *,
    batch: int = 1,
    workers: int = 1,
    on_error: OnError = OnError.SKIP,
    retries: int = 0,
    colour: ColourName = "bgr",
    ahead: int = 2,
) -> Generator[Outcome, None, None]:
    """Yield each picture's features, or the error that stands for them, in order.

    Close it, as by `contextlib.closing`, where it may be left early.

    Args:
        extractor: Does the work, from several threads at once.
        images: Pictures; the iterable may never end.
        batch: Pictures for each inference.
        workers: Threads that work.
        on_error: Whether to raise the first error instead of yielding it.
        retries: How often a picture that fails is tried again, after pauses of 0.1, 0.2, 0.4, 0.8
            and then 1 s: for network folders, and for files that are still being written.
        colour: Channel order of pictures that are arrays.
        ahead: Batches for each worker that are taken ahead of the caller. Take few where pictures
            are arrays, which need much memory; paths need none.
    """

    def work(group: list[ImageInput]) -> list[Outcome]:
        return _extract_group(extractor, group, retries, colour)

    groups = map_in_order(work, groups_of(batch, images), workers=workers, ahead=ahead)
    yield from up_to_error(_flat(groups), on_error)


def _flat(groups: Generator[list[Outcome], None, None]) -> Generator[Outcome, None, None]:
    with closing(groups):
        for group in groups:
            yield from group


def _extract_group(
    extractor: Preparing, group: list[ImageInput], retries: int, colour: ColourName
) -> list[Outcome]:
    prepared = [_prepare(extractor, image, retries, colour) for image in group]
    usable = [pixels for pixels in prepared if not isinstance(pixels, ImageError)]
    if not usable:
        return [item for item in prepared if isinstance(item, ImageError)]
    stacked = usable[0][np.newaxis] if len(usable) == 1 else np.stack(usable)  # one: no copy
    features = iter(extractor.extract_prepared(stacked))
    return [item if isinstance(item, ImageError) else next(features) for item in prepared]


def _prepare(
    extractor: Preparing, image: ImageInput, retries: int, colour: ColourName
) -> Pixels | ImageError:
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
        try:
            return extractor.prepare(image, colour=colour)
        except ImageError as error:
            failed = error.with_traceback(None)  # its frames would keep decoded pixels alive
        except MemoryError:
            from edgefeat.pictures.decode import describe  # sets of rows need no OpenCV

            failed = ImageError(
                "there is not enough memory to decode it",
                where=describe(image),
                option="max_pixels",
                remedy="Lower {option}, or take fewer workers.",
            )
    if retries:
        remedy = "" if failed.remedy is None else f"{failed.remedy} "
        failed.remedy = f"{remedy}Tried {retries + 1} times."
    return failed
