"""Takes many picture files to a sink, in order; a bad one is reported, the rest go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Protocol

from edgefeat.errors import ImageError
from edgefeat.many.batches import Preparing, features_in_order
from edgefeat.options.many import OnError
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.sink import Sink

__all__ = ["Fingerprinted", "extract_files"]

_AHEAD = 16  # batches for each worker: paths take no memory


class Fingerprinted(Preparing, Protocol):
    """What a set needs of an extractor; `FeatureExtractor` is one."""

    @property
    def fingerprint(self) -> str:
        """What the vectors may be compared with."""


def extract_files(
    paths: Iterable[str],
    extractor: Fingerprinted,
    sink: Sink,
    *,
    workers: int = 1,
    batch: int = 1,
    on_error: OnError = OnError.SKIP,
    retries: int = 0,
    on_done: Callable[[str, Failure | None], None] = lambda _path, _failure: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Failure]:
    """Write the features of every readable picture to the sink; does not commit it.

    Args:
        paths: Picture files, in the order of the output.
        extractor: An open extractor.
        sink: Takes each path with its vector, or its failure.
        workers: Pictures worked on at once.
        batch: Pictures for each inference.
        on_error: Whether to stop at the first bad picture.
        retries: How often a bad picture is tried again first.
        on_done: Called after each picture, with its failure or None.
        stop: Asked after each picture whether to leave out the rest.

    Returns:
        The pictures that could not be read or used; with `stop`, the one that ended the run.
    """
    failures: list[Failure] = []
    named = list(paths)
    outcomes = features_in_order(
        extractor, named, workers=workers, batch=batch, retries=retries, ahead=_AHEAD
    )
    with closing(outcomes):
        index = 0
        for path, outcome in zip(named, outcomes, strict=True):
            failure = None
            if isinstance(outcome, ImageError):
                failure = Failure.of(path, outcome)
                failures.append(failure)
                if on_error is OnError.STOP:
                    on_done(path, failure)
                    break
                sink.fail(failure)
            else:
                fingerprint = extractor.fingerprint
                record = FeatureRecord(
                    name=path, index=index, features=outcome, fingerprint=fingerprint
                )
                sink.write(record)
                index += 1
            on_done(path, failure)
            if stop():
                break
    return failures
