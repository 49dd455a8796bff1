"""From files, folders and patterns to a set: the whole run, as a function of the library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from edgefeat.corpus.extracting import extract_files
from edgefeat.corpus.listing import collect
from edgefeat.corpus.summary import CorpusStep, Ending, Summary
from edgefeat.errors import OptionError
from edgefeat.options.many import ManyOptions, OnError
from edgefeat.options.output import OutputOptions
from edgefeat.sets.formats import OutputPlan
from edgefeat.sets.info import SetInfo
from edgefeat.sets.sink import Sink

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.record import Failure

__all__ = ["extract_folder", "extract_sources"]

_MANY = ManyOptions()
_OUTPUT = OutputOptions()
Told = Callable[[CorpusStep], object]


def extract_folder(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    extractor: FeatureExtractor | None = None,
    resume: bool = _OUTPUT.resume,
    overwrite: bool = _OUTPUT.overwrite,
    store: Literal["f32", "f16", "i8"] = "f32",
    shard_size: int | None = _OUTPUT.shard_size,
    batch: int | None = _MANY.batch,
    workers: int | None = _MANY.workers,
    on_error: Literal["stop", "skip"] = "skip",
    retries: int = _MANY.retries,
    on_step: Told | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Write the features of all pictures of a folder to a set, as `edgefeat extract` does.

        summary = edgefeat.extract_folder("photos/", "features/")
        summary.rows, summary.failed

    Pictures that cannot be used do not end the run: they are in the set's ledger and in the
    summary. `FeatureSet.read` opens what was written.

    Args:
        source: A folder, file or pattern, or several of them.
        output: A folder of shards (it ends in / or has no ending), or a file that ends in .npz,
            .npy, .csv, .jsonl or .parquet.
        extractor: What makes the features; None opens the shipped model.
        resume: Whether to go on with a folder that is there and of the same model.
        overwrite: Whether an output that is there goes.
        store: How numbers are kept: float32, float16, or int8 with a scale a vector.
        shard_size: Pictures that a shard of a folder covers; None is 1024, or 16 MiB.
        batch: Pictures for each inference; None takes what suits the provider (CPU: 1).
        workers: Pictures worked on at once; None takes one for each core, up to 4.
        on_error: Whether a picture that cannot be used ends the run (`"stop"`) or not (`"skip"`).
        retries: How often such a picture is tried again first.
        on_step: Called after each picture, and for each source that names no picture.
        stop: Asked after each picture whether to leave out the rest, such as `event.is_set`. What
            was written to a folder until then stays, and can be resumed.

    Raises:
        OptionError: A value does not fit, or does not go with the output.
        SinkError: The output is there already, or cannot be written.
        EdgefeatError: The model cannot be used.
    """
    options = OutputOptions.of(
        resume=resume, overwrite=overwrite, store=store, shard_size=shard_size
    )
    many = ManyOptions.of(batch=batch, workers=workers, on_error=on_error, retries=retries)
    plan = OutputPlan(output=os.fspath(output), options=options)
    if not plan.is_path:
        raise OptionError(
            f"expected a file or folder, got {plan.output!r}",
            option="output",
            remedy="`extract_sources` takes a sink of your own.",
        )
    sources = _sources(source)
    if extractor is not None:
        return extract_sources(sources, plan, extractor, many=many, on_step=on_step, stop=stop)
    from edgefeat.extractor import FeatureExtractor

    with FeatureExtractor() as shipped:
        return extract_sources(sources, plan, shipped, many=many, on_step=on_step, stop=stop)


def extract_sources(
    sources: Sequence[str],
    output: OutputPlan | Sink,
    extractor: FeatureExtractor,
    *,
    many: ManyOptions = _MANY,
    on_step: Told | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Do the same with whole records of options, and with any sink; see `extract_folder`.

    Args:
        sources: Files, folders and patterns.
        output: Where the features go. A sink is committed here, and left open.
        extractor: What makes the features.
        many: How many pictures at a time, and what a bad one does to the rest.
        on_step: Called after each picture, and for each source that names no picture.
        stop: Asked after each picture whether to leave out the rest.

    Raises:
        SinkError: The output is there already, or cannot be written.
    """
    many = replace(
        many,
        batch=many.batch or extractor.usual_batch,
        workers=many.workers or extractor.usual_workers,
    )
    tell = on_step or (lambda _step: None)
    if not isinstance(output, OutputPlan):
        info = SetInfo.of(extractor)
        return _Run(sources, extractor, output, info, many, tell, stop).summary("")
    info = SetInfo.of(extractor, output.options.store)
    with output.open(info, batch=many.batch or 1) as sink:
        run = _Run(sources, extractor, sink, info, many, tell, stop)
        return run.summary(output.output)


class _Run:
    """One run: the pictures are listed, worked on, written, and counted."""

    def __init__(
        self,
        sources: Sequence[str],
        extractor: FeatureExtractor,
        sink: Sink,
        info: SetInfo,
        many: ManyOptions,
        tell: Told,
        stop: Callable[[], bool],
    ) -> None:
        self._started_s = time.monotonic()
        self._extractor, self._sink, self._info = extractor, sink, info
        self._many, self._tell, self._stop = many, tell, stop
        self._stops_at_failures = many.on_error is OnError.STOP
        self._paths, self._bad_sources = collect(sources)

    def summary(self, output: str) -> Summary:
        """Do all the work, and sum it up."""
        failed = self._extract()
        ending = Ending.DONE
        if failed and self._stops_at_failures:
            ending = Ending.FAILURE
        elif self._stop():
            ending = Ending.ASKED
        else:
            self._sink.commit()
        return Summary.of(
            output,
            self._info,
            self._sink.summary(),
            tuple(failed),
            ending=ending,
            seconds=time.monotonic() - self._started_s,
        )

    def _extract(self) -> list[Failure]:
        todo = self._sink.pending(self._paths)
        total = len(dict.fromkeys(self._paths)) if len(todo) < len(self._paths) else len(todo)
        done = total - len(todo)
        for failure in self._bad_sources:
            self._tell(
                CorpusStep(path=failure.path, failure=failure, done=done, total=total, counts=False)
            )
        if self._bad_sources and self._stops_at_failures:
            return self._bad_sources[:1]

        def tell(path: str, failure: Failure | None) -> None:
            nonlocal done
            done += 1
            self._tell(CorpusStep(path=path, failure=failure, done=done, total=total))

        failed = extract_files(
            todo,
            self._extractor,
            self._sink,
            workers=self._many.workers or 1,
            batch=self._many.batch or 1,
            on_error=self._many.on_error,
            retries=self._many.retries,
            on_done=tell,
            stop=self._stop,
        )
        # After the pictures: shards then begin where batches do, whatever sources are bad.
        if not (failed and self._stops_at_failures) and not self._stop():
            for failure in self._bad_sources:
                self._sink.fail(failure)
        return self._bad_sources + failed


def _sources(given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    several = [given] if isinstance(given, str | os.PathLike) else list(given)
    for one in several:
        if not isinstance(one, str | os.PathLike):
            raise TypeError(
                f"source: expected a path or several, got {type(one).__name__} among them"
            )
    return [os.fspath(one) for one in several]
