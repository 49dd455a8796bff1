"""Takes many pictures to a sink, in order; a bad one is reported, the rest go on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from edgefeat.corpus.at_hand import AtHand, Picture
from edgefeat.corpus.reading import ReadingExtractor
from edgefeat.errors import ImageError
from edgefeat.many.batches import features_in_order
from edgefeat.options.corpus import OnDamaged
from edgefeat.options.many import ManyOptions, OnError
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.sink import Sink

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor

__all__ = ["Told", "extract_pictures"]

Told = Callable[[Picture, "Failure | None"], object]
_AHEAD = 16  # batches for each worker: paths take no memory
_AHEAD_OF_ARCHIVES = 1  # their pictures do


def extract_pictures(
    names: Iterable[str],
    at_hand: AtHand,
    extractor: FeatureExtractor,
    sink: Sink,
    *,
    many: ManyOptions,
    on_damaged: OnDamaged = OnDamaged.KEEP,
    tell: Told = lambda _picture, _failure: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Failure]:
    """Write the features of every readable picture to the sink; does not commit it.

    Args:
        names: What the sink calls the pictures, in the order of the output.
        at_hand: Where they are.
        extractor: An open extractor.
        sink: Takes each picture's features, or its failure.
        many: How many at a time, and what a bad one does to the rest.
        on_damaged: What becomes of damaged pictures.
        tell: Called after each picture, with its failure or None.
        stop: Asked after each picture whether to leave out the rest.

    Returns:
        The pictures that could not be read or used.
    """
    failures: list[Failure] = []
    begun: deque[Picture] = deque()

    def pictures() -> Iterator[Picture]:
        for name in names:
            picture = at_hand.picture(name)
            begun.append(picture)
            yield picture

    outcomes = features_in_order(
        ReadingExtractor(extractor, on_damaged),
        cast("Iterable[Any]", pictures()),
        workers=many.workers or extractor.usual_workers,
        batch=many.batch or extractor.usual_batch,
        retries=many.retries,
        ahead=_AHEAD_OF_ARCHIVES if at_hand.in_archives else _AHEAD,
    )
    index = 0
    with closing(outcomes):
        for outcome in outcomes:
            picture, failure = begun.popleft(), None
            if isinstance(outcome, ImageError):
                failure = Failure.of(picture.name, outcome)
                failures.append(failure)
                if many.on_error is OnError.STOP:
                    tell(picture, failure)
                    break
                sink.fail(failure)
            else:
                record = FeatureRecord(
                    name=picture.name,
                    index=index,
                    features=outcome,
                    fingerprint=extractor.fingerprint,
                    stamp=picture.stamp,
                    damage=picture.damage,
                )
                sink.write(record)
                index += 1
            tell(picture, failure)
            if stop():
                break
    return failures
