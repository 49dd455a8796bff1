"""Takes many pictures to a sink, in order, on every core; a bad one is reported, the rest go on.

Each worker is a thread that decodes and runs whole pictures on the one shared session: OpenCV and
ONNX Runtime release the interpreter lock, so two workers keep two cores busy. Only small things
wait for their turn (vectors), never decoded pictures, so memory does not grow with the corpus.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError, SourceError
from edgefeat.extractor import ColourName, FeatureExtractor
from edgefeat.pictures.decode import ImageInput, describe
from edgefeat.pictures.paths import expand
from edgefeat.sets.base import CorpusSink, Failure

__all__ = [
    "Failure",
    "OnError",
    "collect",
    "default_workers",
    "extract_files",
    "extract_in_order",
    "map_in_order",
]

T = TypeVar("T")
R = TypeVar("R")
Features = NDArray[np.float32]
Outcome: TypeAlias = Features | ImageError
_MAX_WORKERS = 4  # by default: each may hold a decoded picture
_AHEAD, _HANDED_OVER = 16, 2  # items per worker: taken ahead, and handed over at once
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnError:
    """What a picture that cannot be used does to the run.

    `stop` ends the run at the first. `retries` tries again before giving up, after 0.1, 0.2,
    0.4, 0.8 and then every 1 s: for network folders and files that are still being written.
    """

    stop: bool = False
    retries: int = 0

    @classmethod
    def parse(cls, text: str) -> OnError:
        """Read `skip`, `stop` or `retry:N`.

        Raises:
            ValueError: Something else.
        """
        word, _, number = text.partition(":")
        if word == "retry" and number.isdecimal() and 1 <= int(number) <= 10:
            return cls(retries=int(number))
        if text in ("skip", "stop"):
            return cls(stop=text == "stop")
        raise ValueError(f"expected skip, stop or retry:N with N from 1 to 10, got {text!r}")


def default_workers(threads: int = 1) -> int:
    """Return a worker for every `threads` cores this process may use: one to four."""
    return max(1, min(len(os.sched_getaffinity(0)) // threads, _MAX_WORKERS))


def collect(sources: Sequence[str]) -> tuple[list[str], list[Failure]]:
    """Return the picture files that the sources name, and what names none or cannot be read."""
    paths: list[str] = []
    failures: list[Failure] = []

    def unreadable(folder: str, error: SourceError) -> None:
        failures.append(Failure.of(folder, error))

    for source in sources:
        try:
            paths += expand(source, on_unreadable=unreadable)
        except SourceError as error:
            failures.append(Failure.of(source, error))
    return paths, failures


def extract_files(
    paths: Sequence[str],
    extractor: FeatureExtractor,
    sink: CorpusSink,
    *,
    workers: int = 1,
    batch: int = 1,
    on_error: OnError | None = None,
    on_done: Callable[[str, Failure | None], None] = lambda _path, _failure: None,
) -> list[Failure]:
    """Write the features of every readable picture to the sink; does not commit it.

    Args:
        paths: Picture files, in the order of the output.
        extractor: An open extractor.
        sink: Takes each path with its vector, or its failure.
        workers: Threads that decode and run.
        batch: Pictures per inference.
        on_error: What a bad picture does; None skips it.
        on_done: Called after each picture, with its failure or None.

    Returns:
        The pictures that could not be read or used; with `stop`, the one that ended the run.
    """
    policy = on_error or OnError()
    failures: list[Failure] = []
    outcomes = extract_in_order(
        paths, extractor, workers=workers, batch=batch, retries=policy.retries
    )
    with closing(outcomes):
        for path, outcome in zip(paths, outcomes, strict=True):
            failure = None
            if isinstance(outcome, ImageError):
                failure = Failure.of(path, outcome)
                failures.append(failure)
                if policy.stop:
                    on_done(path, failure)
                    break
                sink.fail(failure)
            else:
                sink.write(path, outcome.reshape(-1))
            on_done(path, failure)
    return failures


def extract_in_order(
    images: Iterable[ImageInput],
    extractor: FeatureExtractor,
    *,
    workers: int,
    batch: int = 1,
    retries: int = 0,
    colour: ColourName = "bgr",
) -> Generator[Outcome, None, None]:
    """Yield each picture's features, or the error that stands for them, in order.

    Close it, as by `contextlib.closing`, when it may be left early.
    """
    if batch < 1:
        raise ValueError(f"batch: expected 1 or more, got {batch}")

    def work(group: list[ImageInput]) -> list[Outcome]:
        return _extract_group(group, extractor, retries, colour)

    for outcomes in map_in_order(work, _groups(images, batch), workers=workers):
        yield from outcomes


def map_in_order(work: Callable[[T], R], items: Iterable[T], *, workers: int) -> Iterator[R]:
    """Yield `work(item)` for every item, in order, computed by some threads.

    At most `16 * workers` items are taken ahead of the consumer. Results are handed over a few at
    a time: waking the consumer for each would cost as much as everything else here. When it
    leaves early, items not begun are dropped.
    """
    if workers < 1:
        raise ValueError(f"workers: expected 1 or more, got {workers}")
    pending: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="edgefeat")
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) == _AHEAD * workers:
                wait([pending[_HANDED_OVER * workers - 1]])
                for _ in range(_HANDED_OVER * workers):
                    yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    remaining = iter(items)
    while group := list(islice(remaining, size)):
        yield group


def _extract_group(
    group: list[ImageInput], extractor: FeatureExtractor, retries: int, colour: ColourName
) -> list[Outcome]:
    prepared = [_prepare(image, extractor, retries, colour) for image in group]
    usable = [pixels for pixels in prepared if not isinstance(pixels, ImageError)]
    if not usable:
        return [item for item in prepared if isinstance(item, ImageError)]
    stacked = usable[0][np.newaxis] if len(usable) == 1 else np.stack(usable)  # one: no copy
    features = iter(extractor.extract_prepared(stacked))
    return [item if isinstance(item, ImageError) else next(features) for item in prepared]


def _prepare(
    image: ImageInput, extractor: FeatureExtractor, retries: int, colour: ColourName
) -> NDArray[np.uint8] | ImageError:
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
        try:
            return extractor.prepare(image, colour=colour)
        except ImageError as error:
            failed = error.with_traceback(None)  # its frames would keep decoded pixels alive
        except MemoryError:
            failed = ImageError(
                f"{describe(image)}: there is not enough memory to decode it. "
                "Lower --max-pixels or --workers."
            )
    if retries:
        return ImageError(f"{failed} Tried {retries + 1} times.")
    return failed
